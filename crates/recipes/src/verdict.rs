//! Claims against measurements.

use report::Outcome;

use crate::{
    recipe::{Along, Claim, Measure, Moment, Place},
    reproduce::{ArmResults, Reproduction},
    result::{PairResult, PlantedResult},
    training_curves,
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
pub fn measure(claim: &Claim, found: &Reproduction) -> Option<Judgement> {
    if claim.measure == Measure::PlantedRecovery {
        return (!found.planted.is_empty()).then(|| planted(&found.planted));
    }
    let both = |is_control| values(claim, found, is_control);
    Some(Judgement::Measured { values: both(false)?, control: both(true)? })
}

fn planted(results: &[PlantedResult]) -> Judgement {
    let share = |part: usize, result: &PlantedResult| part as f64 / result.trials as f64;
    Judgement::Measured {
        values: results.iter().map(|result| share(result.recovered, result)).collect(),
        control: results.iter().map(|result| share(result.recovered_by_chance, result)).collect(),
    }
}

/// The value of each pair.
fn values(claim: &Claim, found: &Reproduction, is_control: bool) -> Option<Vec<f64>> {
    let arm = arm(&claim.at, found)?;
    let at = |arm: &ArmResults, after| one_each(claim.measure, arm.after(after), &claim.at, is_control);
    match (claim.along, &claim.minus) {
        (None, None) => Some(at(arm, claim.at.after)),
        (None, Some(minus)) => {
            let there = self::arm(minus, found)?;
            let there = one_each(claim.measure, there.after(minus.after), minus, is_control);
            Some(at(arm, claim.at.after).iter().zip(there).map(|(here, there)| here - there).collect())
        }
        (Some(Along::Epochs), _) => {
            let on = |pairs: &Vec<PairResult>| one_each(claim.measure, pairs, &claim.at, is_control);
            Some(largest_rises(&arm.stages.iter().map(on).collect::<Vec<_>>()))
        }
        (Some(Along::Arms), _) => {
            let all = found.arms.iter().map(|arm| arm.is_reached().then(|| at(arm, claim.at.after)));
            Some(largest_rises(&all.collect::<Option<Vec<_>>>()?))
        }
    }
}

/// The arm of a place, if it was reached.
fn arm<'a>(place: &Place, found: &'a Reproduction) -> Option<&'a ArmResults> {
    let named = |arm: &&ArmResults| place.arm.as_ref().is_none_or(|name| *name == arm.name);
    found.arms.iter().rfind(named).filter(|arm| arm.is_reached())
}

impl ArmResults {
    fn after(&self, moment: Moment) -> &[PairResult] {
        match moment {
            Moment::First => self.stages.first().map_or(&[], Vec::as_slice),
            Moment::Last => self.last(),
        }
    }
}

/// For each pair the largest rise from one stage to the next.
fn largest_rises(stages: &[Vec<f64>]) -> Vec<f64> {
    let pairs = stages.iter().map(Vec::len).min().unwrap_or(0);
    let rises = |pair: usize| stages.windows(2).map(move |stages| stages[1][pair] - stages[0][pair]);
    // A maximum that does not pass over NaN.
    let largest = |a: f64, b: f64| if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) };
    (0..pairs).map(|pair| rises(pair).reduce(largest).unwrap_or(f64::NAN)).collect()
}

fn one_each(measure: Measure, pairs: &[PairResult], place: &Place, is_control: bool) -> Vec<f64> {
    pairs.iter().map(|pair| one(measure, pair, place, is_control)).collect()
}

fn one(measure: Measure, pair: &PairResult, place: &Place, is_control: bool) -> f64 {
    let aligned = pair.by(place.method).map(|aligned| &aligned.segment);
    let Some(segment) = (if is_control { Some(&pair.random) } else { aligned }) else { return f64::NAN };
    match measure {
        Measure::TestLossBarrier => segment.test.barrier,
        Measure::TrainLossBarrier => segment.train.barrier,
        Measure::TestBarrierShare => segment.test.barrier / pair.random.test.barrier,
        Measure::TestAccuracyDrop => segment.test.midpoint_drop(),
        Measure::TrainingCurveDistance => {
            training_curves::distance(pair.history.each_ref().map(Vec::as_slice), usize::from(is_control))
        }
        Measure::PlantedRecovery => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{recipe::Recipe, test_pairs};

    fn claim() -> Claim {
        Recipe::built_in().remove(0).claims.remove(0)
    }

    fn measured(values: &[f64], control: &[f64]) -> Judgement {
        Judgement::Measured { values: values.to_vec(), control: control.to_vec() }
    }

    /// An arm with a pair for each column of barriers, which stand stage by stage. The control's are one nat higher.
    fn arm_of(name: &str, barriers: &[&[f64]]) -> ArmResults {
        let stage = |barriers: &&[f64]| barriers.iter().map(|&b| test_pairs::pair(b, b + 1.0)).collect();
        ArmResults { name: name.to_owned(), stages: barriers.iter().map(stage).collect() }
    }

    fn found(arms: Vec<ArmResults>) -> Reproduction {
        Reproduction { arms, planted: Vec::new(), judged: Vec::new(), estimate_minutes: 1.0 }
    }

    fn values_of(text: &str, found: &Reproduction) -> Option<Vec<f64>> {
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
        let claim = recipe.claims.iter().find(|claim| claim.measure == Measure::PlantedRecovery).unwrap();
        let at = |recovered| PlantedResult {
            noise: 0.1,
            trials: 10,
            recovered,
            recovered_by_chance: 0,
            worst_excess: 0.0,
        };
        let judged = |results| measure(claim, &Reproduction { planted: results, ..found(Vec::new()) });
        assert!(judged(vec![at(10), at(10)]).unwrap().held(claim));
        assert!(!judged(vec![at(10), at(9)]).unwrap().held(claim));
        assert!(judged(Vec::new()).is_none(), "nothing was planted");
    }

    #[test]
    fn a_claim_is_about_the_last_arm_after_the_last_epoch_unless_it_says_otherwise() {
        let found =
            found(vec![arm_of("narrow", &[&[0.75, 0.5]]), arm_of("wide", &[&[0.5, 0.25], &[0.25, 0.125]])]);
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
        assert_eq!(values_of(&along("epochs"), &found(vec![epochs])).unwrap(), [0.125, 0.25]);
        let arms = vec![arm_of("narrow", &[&[0.5]]), arm_of("wide", &[&[0.25]])];
        assert_eq!(values_of(&along("arms"), &found(arms)).unwrap(), [-0.25]);
        let beyond = vec![arm_of("narrow", &[&[0.5]]), arm_of("wide", &[])];
        assert_eq!(values_of(&along("arms"), &found(beyond)), None, "an arm was not reached");
    }
}
