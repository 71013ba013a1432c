//! Networks and ensembles scored on both splits, with their calibration on the test set.

use evaluate::Predictions;
use serde::{Deserialize, Serialize};

use crate::result::{Score, Splits};

/// The scores of a network or an ensemble.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scored {
    /// Loss and accuracy.
    pub scores: Splits<Score>,
    /// How it is calibrated on the test set.
    pub calibration: Calibration,
}

/// How a network is calibrated, as [`evaluate::Calibration`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// The expected calibration error.
    pub error: f64,
    /// The geometric mean of the two temperatures by which logits are divided.
    pub temperature: f64,
    /// The loss at them, in nats.
    pub loss: f64,
    /// The expected calibration error at them.
    pub calibrated_error: f64,
}

impl Scored {
    /// What predictions on both splits say.
    pub(crate) fn of(predictions: &Splits<Predictions>) -> Self {
        let score = |of: &Predictions| {
            let evaluate::Score { loss, accuracy, .. } = of.score();
            Score { loss, accuracy }
        };
        let evaluate::Calibration { error, temperatures: [even, odd], loss, calibrated_error } =
            predictions.test.calibration();
        Self {
            scores: Splits { train: score(&predictions.train), test: score(&predictions.test) },
            calibration: Calibration { error, temperature: (even * odd).sqrt(), loss, calibrated_error },
        }
    }

    /// The test accuracy in per cent.
    #[must_use]
    pub fn test_accuracy(&self) -> f64 {
        self.scores.test.accuracy.map_or(f64::NAN, |accuracy| 100.0 * accuracy)
    }

    /// The test loss in nats.
    #[must_use]
    pub const fn test_loss(&self) -> f64 {
        self.scores.test.loss
    }
}

/// What an ensemble of networks predicts on both splits.
pub(crate) fn ensemble(members: &[Splits<Predictions>]) -> Splits<Predictions> {
    let of = |part: fn(&Splits<Predictions>) -> &Predictions| {
        Predictions::ensemble(&members.iter().map(|member| part(member).clone()).collect::<Vec<_>>())
    };
    Splits { train: of(|own| &own.train), test: of(|own| &own.test) }
}
