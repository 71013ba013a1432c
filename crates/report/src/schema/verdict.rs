use serde::{Deserialize, Serialize};

use super::number;
use crate::format::{NumberFormat, format_number};

/// What became of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The measured numbers are within the bound.
    Held,
    /// They are not.
    Failed,
    /// They were not measured, because the estimated cost exceeds the budget.
    NotReached,
}

impl Outcome {
    /// The outcome in words, in lower case.
    pub fn word(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Failed => "failed",
            Self::NotReached => "not reached",
        }
    }
}

/// A measured number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// What was measured.
    pub name: String,
    /// The number, or its mean over seeds.
    #[serde(with = "number::one")]
    pub value: f64,
    /// Its spread over seeds, as the caller defines it (standard deviation or half range).
    #[serde(default, with = "number::optional", skip_serializing_if = "Option::is_none")]
    pub spread: Option<f64>,
    /// The unit, such as "nats".
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unit: String,
    /// How the number is shown.
    #[serde(default)]
    pub format: NumberFormat,
}

impl Measured {
    /// A number without unit, shown with four significant digits.
    pub fn new(name: impl Into<String>, value: f64) -> Self {
        Self { name: name.into(), value, spread: None, unit: String::new(), format: NumberFormat::default() }
    }

    /// Sets the spread over seeds.
    #[must_use]
    pub fn with_spread(mut self, spread: f64) -> Self {
        self.spread = Some(spread);
        self
    }

    /// Sets the unit.
    #[must_use]
    pub fn with_unit(mut self, unit: impl Into<String>) -> Self {
        self.unit = unit.into();
        self
    }

    /// Sets how the number is shown.
    #[must_use]
    pub fn with_format(mut self, format: NumberFormat) -> Self {
        self.format = format;
        self
    }

    /// The number with spread and unit.
    pub fn shown(&self) -> String {
        let mut text = format_number(self.value, self.format);
        if let Some(spread) = self.spread {
            text = format!("{text} ± {}", format_number(spread, self.format));
        }
        if self.unit.is_empty() { text } else { format!("{text} {}", self.unit) }
    }
}

/// The same claim under conditions in which it must not hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Control {
    /// What was changed, such as "a random permutation instead of the matched one".
    pub description: String,
    /// Whether the claim failed there.
    pub flipped: bool,
    /// What was measured there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measured: Vec<Measured>,
}

impl Control {
    /// A control and whether the claim failed under it.
    pub fn new(description: impl Into<String>, flipped: bool) -> Self {
        Self { description: description.into(), flipped, measured: Vec::new() }
    }

    /// Adds a measured number.
    #[must_use]
    pub fn with_measured(mut self, measured: Measured) -> Self {
        self.measured.push(measured);
        self
    }

    /// What the control says about a claim with this outcome.
    pub fn finding(&self, outcome: Outcome) -> &'static str {
        match (outcome, self.flipped) {
            (Outcome::Held, true) => "flips the verdict, as it should",
            (Outcome::Held, false) => "does not flip the verdict, so the verdict proves little",
            (Outcome::Failed, true) => "the claim fails there, too",
            (Outcome::NotReached, true) => "the claim fails there",
            (_, false) => "the claim does not fail there, so its bound proves little",
        }
    }
}

/// A claim and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The claim in words.
    pub claim: String,
    /// What became of it.
    pub outcome: Outcome,
    /// The numbers that decide it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measured: Vec<Measured>,
    /// The condition that the numbers must meet, such as "barrier ≤ 0.02 nats".
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub bound: String,
    /// The control, if it was run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<Control>,
    /// A remark; for [`Outcome::NotReached`] the estimate that exceeds the budget.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

impl Verdict {
    /// A claim and what became of it.
    pub fn new(claim: impl Into<String>, outcome: Outcome) -> Self {
        let (bound, note) = (String::new(), String::new());
        Self { claim: claim.into(), outcome, measured: Vec::new(), bound, control: None, note }
    }

    /// Adds a measured number.
    #[must_use]
    pub fn with_measured(mut self, measured: Measured) -> Self {
        self.measured.push(measured);
        self
    }

    /// Sets the condition.
    #[must_use]
    pub fn with_bound(mut self, bound: impl Into<String>) -> Self {
        self.bound = bound.into();
        self
    }

    /// Sets the control.
    #[must_use]
    pub fn with_control(mut self, control: Control) -> Self {
        self.control = Some(control);
        self
    }

    /// Sets the remark.
    #[must_use]
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }
}

/// A list of verdicts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdicts {
    /// The verdicts.
    pub verdicts: Vec<Verdict>,
}

impl Verdicts {
    /// A list of verdicts.
    pub fn new(verdicts: impl IntoIterator<Item = Verdict>) -> Self {
        Self { verdicts: verdicts.into_iter().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_verdict_that_held_is_flipped() {
        let [failed, held] = [true, false].map(|flipped| Control::new("another", flipped));
        assert!(failed.finding(Outcome::Held).starts_with("flips the verdict"));
        assert!(held.finding(Outcome::Held).starts_with("does not flip the verdict"));
        for outcome in [Outcome::Failed, Outcome::NotReached] {
            assert!(failed.finding(outcome).starts_with("the claim fails there"));
            assert!(held.finding(outcome).starts_with("the claim does not fail there"));
        }
    }
}
