//! What is to be reached, and whether it is.

use report::{NumberFormat, format_number};
use serde::{Deserialize, Serialize};

/// On which side of a bound a number must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// Not above it.
    AtMost,
    /// Below it.
    Below,
    /// Not below it.
    AtLeast,
}

/// A bound on a number.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bound {
    /// On which side.
    pub relation: Relation,
    /// Of what.
    pub value: f64,
}

impl Bound {
    /// Not above `value`.
    #[must_use]
    pub const fn at_most(value: f64) -> Self {
        Self { relation: Relation::AtMost, value }
    }

    /// Below `value`.
    #[must_use]
    pub const fn below(value: f64) -> Self {
        Self { relation: Relation::Below, value }
    }

    /// Not below `value`.
    #[must_use]
    pub const fn at_least(value: f64) -> Self {
        Self { relation: Relation::AtLeast, value }
    }

    /// Whether a number keeps it; NaN never does.
    #[must_use]
    pub fn holds(self, measured: f64) -> bool {
        match self.relation {
            Relation::AtMost => measured <= self.value,
            Relation::Below => measured < self.value,
            Relation::AtLeast => measured >= self.value,
        }
    }

    /// As people write it: `≤ 0.6`.
    #[must_use]
    pub fn shown(self) -> String {
        let sign = match self.relation {
            Relation::AtMost => "≤",
            Relation::Below => "<",
            Relation::AtLeast => "≥",
        };
        format!("{sign} {}", format_number(self.value, NumberFormat::Auto))
    }
}

/// Something to be reached.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Target {
    /// The number that decides, in words and with its unit.
    pub what: String,
    /// The number; none where a peer is absent.
    pub measured: Option<f64>,
    /// What it must keep.
    pub bound: Bound,
    /// Whether it does; none where nothing was measured.
    pub met: Option<bool>,
}

impl Target {
    /// A target, decided if there is a number.
    pub(crate) fn new(what: impl Into<String>, measured: Option<f64>, bound: Bound) -> Self {
        Self { what: what.into(), measured, bound, met: measured.map(|measured| bound.holds(measured)) }
    }

    /// A target that is missed where there is no number: an absent peer is no excuse.
    pub(crate) fn strict(what: impl Into<String>, measured: Option<f64>, bound: Bound) -> Self {
        Self {
            met: Some(measured.is_some_and(|measured| bound.holds(measured))),
            ..Self::new(what, measured, bound)
        }
    }
}

/// Whether all of these are met: no as soon as one is not, and none where that is open and one is undecided.
pub(crate) fn all_met(decisions: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    let mut all = Some(true);
    for decision in decisions {
        match decision {
            Some(false) => return Some(false),
            Some(true) => {}
            None => all = None,
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_says_which_side_its_own_value_is_on() {
        assert!(Bound::at_most(0.6).holds(0.6) && !Bound::at_most(0.6).holds(0.6001));
        assert!(Bound::below(0.5).holds(0.4999) && !Bound::below(0.5).holds(0.5));
        assert!(Bound::at_least(0.9).holds(0.9) && !Bound::at_least(0.9).holds(0.8999));
        for bound in [Bound::at_most(1.0), Bound::below(1.0), Bound::at_least(1.0)] {
            assert!(!bound.holds(f64::NAN));
        }
        assert_eq!(Bound::at_most(0.6).shown(), "≤ 0.6");
        assert_eq!(Bound::below(1e-9).shown(), "< 1e-9");
    }

    #[test]
    fn a_target_without_a_number_is_undecided() {
        assert_eq!(Target::new("t", None, Bound::below(1.0)).met, None);
        assert_eq!(Target::new("t", Some(0.5), Bound::below(1.0)).met, Some(true));
        assert_eq!(Target::new("t", Some(1.0), Bound::below(1.0)).met, Some(false));
    }

    #[test]
    fn one_missed_target_decides_and_an_open_one_keeps_the_whole_open() {
        assert_eq!(all_met([Some(true), Some(true)]), Some(true));
        assert_eq!(all_met([Some(true), None]), None);
        assert_eq!(all_met([None, Some(false)]), Some(false));
        assert_eq!(all_met([]), Some(true));
    }
}
