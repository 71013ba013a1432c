//! Claims against measurements.

use report::Outcome;

use crate::{
    recipe::{Claim, Measure},
    result::{Curve, PairResult, PlantedResult, Splits},
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
        /// The printed estimate: step time × steps, in minutes.
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

/// Measures a claim on the results of the longest training, and its control.
#[must_use]
pub fn measure(claim: &Claim, pairs: &[PairResult], planted: &[PlantedResult]) -> Judgement {
    let on = |value: fn(&Splits<Curve>) -> f64| Judgement::Measured {
        values: pairs.iter().map(|pair| value(&pair.aligned)).collect(),
        control: pairs.iter().map(|pair| value(&pair.random)).collect(),
    };
    match claim.measure {
        Measure::TestLossBarrier => on(|segment| segment.test.barrier),
        Measure::TrainLossBarrier => on(|segment| segment.train.barrier),
        Measure::TestAccuracyDrop => on(|segment| segment.test.midpoint_drop()),
        Measure::PlantedRecovery => Judgement::Measured {
            values: planted.iter().map(|result| share(result.recovered, result.trials)).collect(),
            control: planted.iter().map(|result| share(result.recovered_by_chance, result.trials)).collect(),
        },
    }
}

fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::Recipe;

    fn claim() -> Claim {
        Recipe::built_in().remove(0).claims.remove(0)
    }

    fn measured(values: &[f64], control: &[f64]) -> Judgement {
        Judgement::Measured { values: values.to_vec(), control: control.to_vec() }
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
        let claim = recipe.claims.iter().find(|claim| claim.measure == Measure::PlantedRecovery).unwrap();
        let at = |recovered| PlantedResult {
            noise: 0.1,
            trials: 10,
            recovered,
            recovered_by_chance: 0,
            worst_excess: 0.0,
        };
        assert!(measure(claim, &[], &[at(10), at(10)]).held(claim));
        assert!(!measure(claim, &[], &[at(10), at(9)]).held(claim));
    }
}
