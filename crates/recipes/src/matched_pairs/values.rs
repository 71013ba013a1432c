//! What claims are about.

use super::{
    FoundPairs,
    result::{PairResult, PlantedResult},
    training_curves,
};
use crate::{experiment::Spot, recipe::Measure};

/// The control of what is measured of matched networks.
const RANDOM: &str = "a random permutation in place of the matched one";

const fn matched(name: &'static str, words: &'static str, unit: &'static str) -> Measure {
    Measure { name, words, unit, control: RANDOM }
}

/// The loss barrier on the test set between a network and the matched other.
const TEST_LOSS_BARRIER: Measure = matched("test-loss-barrier", "loss barrier, test", "nats");
/// The loss barrier on the training set.
const TRAIN_LOSS_BARRIER: Measure = matched("train-loss-barrier", "loss barrier, train", "nats");
/// The test loss barrier as a share of that to the second network moved by a random permutation.
const TEST_BARRIER_SHARE: Measure = matched(
    "test-barrier-share",
    "loss barrier left by matching, test",
    "of the barrier to a random permutation",
);
/// The parents' mean test accuracy minus the midpoint's.
const TEST_ACCURACY_DROP: Measure =
    matched("test-accuracy-drop", "accuracy lost at the midpoint, test", "percentage points");
/// How far the training curves of the two networks are apart: the largest difference of their losses after equally many
/// epochs, as a share of the range of both. Losses are means over an epoch's batches.
const TRAINING_CURVE_DISTANCE: Measure = Measure {
    name: "training-curve-distance",
    words: "largest distance of the training curves",
    unit: "of the range of the losses",
    control: "the second network's curve one epoch late",
};
/// The share of planted permutations that matching recovers.
pub(super) const PLANTED_RECOVERY: Measure = Measure {
    name: "planted-recovery",
    words: "planted permutations recovered",
    unit: "of the trials",
    control: "a random permutation in place of the matched one, on the same planted copies",
};

pub(super) const MEASURES: [Measure; 6] = [
    TEST_LOSS_BARRIER,
    TRAIN_LOSS_BARRIER,
    TEST_BARRIER_SHARE,
    TEST_ACCURACY_DROP,
    TRAINING_CURVE_DISTANCE,
    PLANTED_RECOVERY,
];

/// One value for each pair, or for each noise level.
pub(super) fn values(found: &FoundPairs, spot: &Spot<'_>) -> Vec<f64> {
    match spot.measure == PLANTED_RECOVERY {
        true => found.planted.iter().map(|result| recovery(result, spot.is_control)).collect(),
        false => found.stages[spot.stage].iter().map(|pair| of_pair(pair, spot)).collect(),
    }
}

fn recovery(result: &PlantedResult, is_control: bool) -> f64 {
    let part = if is_control { result.recovered_by_chance } else { result.recovered };
    part as f64 / result.trials as f64
}

fn of_pair(pair: &PairResult, spot: &Spot<'_>) -> f64 {
    let matched = pair.by(spot.method).map(|aligned| &aligned.segment);
    let segment = if spot.is_control { Some(&pair.random) } else { matched };
    let Some(segment) = segment else { return f64::NAN };
    match spot.measure {
        TEST_LOSS_BARRIER => segment.test.barrier,
        TRAIN_LOSS_BARRIER => segment.train.barrier,
        TEST_BARRIER_SHARE => segment.test.barrier / pair.random.test.barrier,
        TEST_ACCURACY_DROP => segment.test.midpoint_drop(),
        TRAINING_CURVE_DISTANCE => training_curves::distance(
            pair.history.each_ref().map(Vec::as_slice),
            usize::from(spot.is_control),
        ),
        _ => f64::NAN,
    }
}
