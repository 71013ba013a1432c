//! Claims against measurements.

use report::Outcome;

use crate::{
    experiment::{Found, Spot},
    recipe::{Along, Claim, Moment, Place},
    reproduce::Arm,
};

/// What became of a claim.
#[derive(Clone, Debug, PartialEq)]
pub enum Judgement {
    /// It was measured.
    Measured {
        /// The value in each pair (or at each noise level).
        values: Vec<f64>,
        /// The same with the control in place of the treatment.
        control: Vec<f64>,
    },
    /// Measuring it would exceed the scale's budget.
    NotReached {
        /// The printed estimate: what all arms up to the first that did not fit would have taken, in minutes.
        estimate_minutes: f64,
        /// The budget in minutes.
        budget_minutes: f64,
    },
}

impl Judgement {
    /// Whether the claim holds: in every pair, and its control violates the bound in every pair.
    #[must_use]
    pub fn held(&self, claim: &Claim) -> bool {
        match self {
            Self::Measured { values, .. } => {
                !values.is_empty()
                    && values.iter().all(|&value| claim.holds(value))
                    && self.control_flips(claim)
            }
            Self::NotReached { .. } => false,
        }
    }

    /// The verdict in a word: held, failed or not reached.
    #[must_use]
    pub fn outcome(&self, claim: &Claim) -> Outcome {
        match self {
            Self::Measured { .. } if self.held(claim) => Outcome::Held,
            Self::Measured { .. } => Outcome::Failed,
            Self::NotReached { .. } => Outcome::NotReached,
        }
    }

    /// The measured values, one for each pair or noise level; none where the claim was not reached.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        match self {
            Self::Measured { values, .. } => values,
            Self::NotReached { .. } => &[],
        }
    }

    /// The control's values.
    #[must_use]
    pub fn control(&self) -> &[f64] {
        match self {
            Self::Measured { control, .. } => control,
            Self::NotReached { .. } => &[],
        }
    }

    /// Whether the control violates the bound everywhere.
    #[must_use]
    pub fn control_flips(&self, claim: &Claim) -> bool {
        match self {
            Self::Measured { control, .. } => control.iter().all(|&value| !claim.holds(value)),
            Self::NotReached { .. } => false,
        }
    }
}

/// Measures a claim with its control on what was found; none where an arm that it needs was not reached.
#[must_use]
pub fn measure(claim: &Claim, arms: &[Arm]) -> Option<Judgement> {
    let control = match &claim.control {
        Some(place) => values(&Claim { at: place.clone(), ..claim.clone() }, arms, false),
        None => values(claim, arms, true),
    };
    Some(Judgement::Measured { values: values(claim, arms, false)?, control: control? })
}

/// The value of each repetition.
fn values(claim: &Claim, arms: &[Arm], is_control: bool) -> Option<Vec<f64>> {
    let at = |arm: &dyn Found, stage: usize, place: &Place| {
        arm.values(&Spot { measure: claim.measure, stage, method: place.method.as_deref(), is_control })
    };
    let there = |place: &Place| {
        let arm = arm(place, arms)?;
        Some(at(arm, place.after.stage(arm), place))
    };
    match (claim.along, &claim.minus) {
        (None, None) => there(&claim.at),
        (None, Some(minus)) => {
            let (here, there) = (there(&claim.at)?, there(minus)?);
            Some(here.iter().zip(there).map(|(here, there)| here - there).collect())
        }
        (Some(Along::Epochs), _) => {
            let arm = arm(&claim.at, arms)?;
            let stages = (0..arm.stages()).map(|stage| at(arm, stage, &claim.at));
            Some(largest_rises(&stages.collect::<Vec<_>>()))
        }
        (Some(Along::Arms), _) => {
            let found = arms.iter().map(|arm| arm.found.as_deref());
            let values = found.map(|arm| arm.map(|arm| at(arm, claim.at.after.stage(arm), &claim.at)));
            Some(largest_rises(&values.collect::<Option<Vec<_>>>()?))
        }
    }
}

/// What was found in the arm of a place, if it was reached.
fn arm<'a>(place: &Place, arms: &'a [Arm]) -> Option<&'a dyn Found> {
    let named = |arm: &&Arm| place.arm.as_ref().is_none_or(|name| *name == arm.name);
    arms.iter().rfind(named)?.found.as_deref()
}

impl Moment {
    /// Which of an arm's stages it is.
    pub(crate) fn stage(self, arm: &dyn Found) -> usize {
        match self {
            Self::First => 0,
            Self::Last => arm.stages() - 1,
        }
    }
}

/// For each repetition the largest rise from one stage to the next.
fn largest_rises(stages: &[Vec<f64>]) -> Vec<f64> {
    let repetitions = stages.iter().map(Vec::len).min().unwrap_or(0);
    let rises = |own: usize| stages.windows(2).map(move |stages| stages[1][own] - stages[0][own]);
    // A maximum that does not pass over NaN.
    let largest = |a: f64, b: f64| if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) };
    (0..repetitions).map(|own| rises(own).reduce(largest).unwrap_or(f64::NAN)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        matched_pairs::{FoundPairs, result::PlantedResult, test_pairs},
        recipe::Recipe,
    };

    fn claim() -> Claim {
        Recipe::built_in().remove(0).claims.remove(0)
    }

    fn measured(values: &[f64], control: &[f64]) -> Judgement {
        Judgement::Measured { values: values.to_vec(), control: control.to_vec() }
    }

    /// An arm with a pair for each column of barriers, which stand stage by stage. The control's are one nat higher.
    fn arm_of(name: &str, barriers: &[&[f64]]) -> Arm {
        let stage = |barriers: &&[f64]| barriers.iter().map(|&b| test_pairs::pair(b, b + 1.0)).collect();
        let stages: Vec<_> = barriers.iter().map(stage).collect();
        let found = (!stages.is_empty()).then(|| FoundPairs { stages, planted: Vec::new() });
        Arm {
            name: name.to_owned(),
            settings: String::new(),
            found: found.map(|found| Box::new(found) as Box<dyn Found>),
        }
    }

    fn values_of(text: &str, found: &[Arm]) -> Option<Vec<f64>> {
        let head = "id = 'a'\ntext = 'b'\nsource = 'c'\nat_most = 0.0\n";
        let claim: Claim = toml::from_str(&format!("{head}{text}")).unwrap();
        measure(&claim, found).map(|judgement| judgement.values().to_vec())
    }

    #[test]
    fn a_claim_holds_only_where_every_pair_holds_and_the_control_flips() {
        assert!(measured(&[0.01, 0.0], &[0.5, 0.3]).held(&claim()));
        assert!(!measured(&[0.01, 0.03], &[0.5, 0.3]).held(&claim()), "one pair fails");
        assert!(!measured(&[0.01, 0.0], &[0.5, 0.01]).held(&claim()), "the control does not flip");
        assert!(!measured(&[], &[]).held(&claim()), "nothing was measured");
        assert!(!measured(&[f64::NAN], &[0.5]).held(&claim()));
    }

    #[test]
    fn what_was_not_reached_is_not_held() {
        let judgement = Judgement::NotReached { estimate_minutes: 90.0, budget_minutes: 60.0 };
        assert!(!judgement.held(&claim()));
    }

    #[test]
    fn planted_recovery_is_judged_at_every_noise_level() {
        let recipe = Recipe::built_in().remove(0);
        let claim = recipe.claims.iter().find(|claim| claim.measure.name == "planted-recovery").unwrap();
        let at = |recovered| PlantedResult {
            noise: 0.1,
            trials: 10,
            recovered,
            recovered_by_chance: 0,
            worst_excess: 0.0,
        };
        let judged = |planted| {
            let found: Box<dyn Found> = Box::new(FoundPairs { stages: vec![Vec::new()], planted });
            let arm = Arm { name: "only".to_owned(), settings: String::new(), found: Some(found) };
            measure(claim, &[arm]).unwrap()
        };
        assert!(judged(vec![at(10), at(10)]).held(claim));
        assert!(!judged(vec![at(10), at(9)]).held(claim));
        assert!(!judged(Vec::new()).held(claim), "nothing was planted");
    }

    #[test]
    fn a_claim_is_about_the_last_arm_after_the_last_epoch_unless_it_says_otherwise() {
        let found = [arm_of("narrow", &[&[0.75, 0.5]]), arm_of("wide", &[&[0.5, 0.25], &[0.25, 0.125]])];
        let barrier = "measure = 'test-loss-barrier'\n";
        assert_eq!(values_of(barrier, &found).unwrap(), [0.25, 0.125]);
        let first = format!("{barrier}at = {{ after = 'first' }}");
        assert_eq!(values_of(&first, &found).unwrap(), [0.5, 0.25]);
        let gained = format!("{first}\nminus = {{}}");
        assert_eq!(values_of(&gained, &found).unwrap(), [0.25, 0.125]);
        let narrow = format!("{barrier}at = {{ arm = 'narrow' }}\nminus = {{ arm = 'wide' }}");
        assert_eq!(values_of(&narrow, &found).unwrap(), [0.5, 0.375]);
        let share = "measure = 'test-barrier-share'";
        assert_eq!(values_of(share, &found).unwrap(), [0.2, 0.125 / 1.125]);
    }

    #[test]
    fn a_trend_is_its_largest_rise() {
        let epochs = arm_of("only", &[&[0.5, 0.5], &[0.25, 0.75], &[0.375, 0.5]]);
        let along = |what| format!("measure = 'test-loss-barrier'\nalong = '{what}'");
        assert_eq!(values_of(&along("epochs"), &[epochs]).unwrap(), [0.125, 0.25]);
        let arms = vec![arm_of("narrow", &[&[0.5]]), arm_of("wide", &[&[0.25]])];
        assert_eq!(values_of(&along("arms"), &arms).unwrap(), [-0.25]);
        let beyond = vec![arm_of("narrow", &[&[0.5]]), arm_of("wide", &[])];
        assert_eq!(values_of(&along("arms"), &beyond), None, "an arm was not reached");
    }
}
