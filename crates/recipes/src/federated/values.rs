//! What claims are about, all on the test set, after the first or the last round.

use super::{
    FoundRounds,
    result::{FederatedResult, Round},
};
use crate::{experiment::Spot, recipe::Measure};

const fn global(name: &'static str, words: &'static str, unit: &'static str) -> Measure {
    Measure { name, words, unit, control: "clients moved by random permutations before they are averaged" }
}

/// The average's accuracy.
const ACCURACY: Measure = global("global-accuracy", "accuracy of the average, test", "%");
/// The average's loss.
const LOSS: Measure = global("global-loss", "loss of the average, test", "nats");
/// The clients' mean accuracy minus that of their average.
const ACCURACY_LOST: Measure = global(
    "global-accuracy-lost",
    "clients' mean test accuracy minus that of their average",
    "percentage points",
);
/// The accuracy of the network of all data minus the average's.
const ACCURACY_TO_JOINT: Measure = global(
    "global-accuracy-to-joint",
    "test accuracy of a network of all data minus that of the average",
    "percentage points",
);

pub(super) const MEASURES: [Measure; 4] = [ACCURACY, LOSS, ACCURACY_LOST, ACCURACY_TO_JOINT];

/// One value for each repetition.
pub(super) fn values(found: &FoundRounds, spot: &Spot<'_>) -> Vec<f64> {
    found.results.iter().map(|result| of(result, spot)).collect()
}

fn of(result: &FederatedResult, spot: &Spot<'_>) -> f64 {
    let trajectory = if spot.is_control { Some(&result.random) } else { result.by(spot.method) };
    let Some(round) = trajectory.and_then(|own| own.rounds.get(spot.stage)) else { return f64::NAN };
    match spot.measure {
        ACCURACY => round.global.test_accuracy(),
        LOSS => round.global.test_loss(),
        ACCURACY_LOST => clients_accuracy(round) - round.global.test_accuracy(),
        ACCURACY_TO_JOINT => result.joint.test_accuracy() - round.global.test_accuracy(),
        _ => f64::NAN,
    }
}

/// The clients' mean accuracy in per cent.
pub(super) fn clients_accuracy(round: &Round) -> f64 {
    let accuracies =
        round.clients.iter().map(|client| client.accuracy.map_or(f64::NAN, |accuracy| 100.0 * accuracy));
    accuracies.sum::<f64>() / round.clients.len() as f64
}
