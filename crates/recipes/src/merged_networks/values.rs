//! What claims are about, all on the test set.

use super::{FoundMerges, result::MergeResult};
use crate::{experiment::Spot, recipe::Measure, scored::Scored};

const fn merged(name: &'static str, words: &'static str, unit: &'static str) -> Measure {
    Measure { name, words, unit, control: "random permutations in place of the matched ones" }
}

/// The loss of the average as a share of the mean loss of the networks.
const LOSS_TO_PARENTS: Measure =
    merged("merged-loss-to-parents", "loss of the merged network, test", "of the parents' mean loss");
/// The same as a share of the least loss of a network.
const LOSS_TO_BEST: Measure =
    merged("merged-loss-to-best-parent", "loss of the merged network, test", "of the best parent's loss");
/// As a share of the loss of the network of all data.
pub(super) const LOSS_TO_JOINT: Measure = merged(
    "merged-loss-to-joint",
    "loss of the merged network, test",
    "of the loss of a network trained on all data",
);
/// The loss of the average at its temperature minus the mean of the networks' at theirs.
const CALIBRATED_LOSS: Measure = merged(
    "merged-calibrated-loss-excess",
    "loss of the merged network at its temperature minus the parents' at theirs, test",
    "nats",
);
/// The mean accuracy of the networks minus the average's.
const ACCURACY_LOST: Measure = merged(
    "merged-accuracy-lost",
    "parents' mean test accuracy minus the merged network's",
    "percentage points",
);
/// The average's expected calibration error minus the mean of the networks'.
const CALIBRATION_TO_PARENTS: Measure = merged(
    "merged-calibration-to-parents",
    "expected calibration error of the merged network minus the parents' mean, test",
    "percentage points",
);
/// The average's expected calibration error minus the ensemble's.
const CALIBRATION_TO_ENSEMBLE: Measure = merged(
    "merged-calibration-to-ensemble",
    "expected calibration error of the merged network minus the ensemble's, test",
    "percentage points",
);

pub(super) const MEASURES: [Measure; 7] = [
    LOSS_TO_PARENTS,
    LOSS_TO_BEST,
    LOSS_TO_JOINT,
    CALIBRATED_LOSS,
    ACCURACY_LOST,
    CALIBRATION_TO_PARENTS,
    CALIBRATION_TO_ENSEMBLE,
];

/// One value for each repetition.
pub(super) fn values(found: &FoundMerges, spot: &Spot<'_>) -> Vec<f64> {
    found.results.iter().map(|result| of(result, spot)).collect()
}

fn of(result: &MergeResult, spot: &Spot<'_>) -> f64 {
    let merged = if spot.is_control { result.control(spot.method) } else { result.by(spot.method) };
    let Some(merged) = merged else { return f64::NAN };
    let mean = |value: fn(&Scored) -> f64| {
        result.parents.iter().map(value).sum::<f64>() / result.parents.len() as f64
    };
    let error = |scored: &Scored| 100.0 * scored.calibration.error;
    match spot.measure {
        LOSS_TO_PARENTS => merged.test_loss() / mean(Scored::test_loss),
        LOSS_TO_BEST => {
            merged.test_loss() / result.parents.iter().map(Scored::test_loss).fold(f64::INFINITY, f64::min)
        }
        LOSS_TO_JOINT => merged.test_loss() / result.joint.as_ref().map_or(f64::NAN, Scored::test_loss),
        CALIBRATED_LOSS => merged.calibration.loss - mean(|scored| scored.calibration.loss),
        ACCURACY_LOST => mean(Scored::test_accuracy) - merged.test_accuracy(),
        CALIBRATION_TO_PARENTS => error(merged) - 100.0 * mean(|scored| scored.calibration.error),
        CALIBRATION_TO_ENSEMBLE => error(merged) - error(&result.ensemble),
        _ => f64::NAN,
    }
}
