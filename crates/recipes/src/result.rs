//! What is found of networks in all experiments, as it is stored between runs.

use serde::{Deserialize, Serialize};

/// Loss and accuracy on one data set.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// The mean loss, in nats for cross-entropy.
    pub loss: f64,
    /// The share of examples classified correctly; none of a network that is its own objective.
    pub accuracy: Option<f64>,
}

/// A value for each of the two splits.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Splits<T> {
    /// On the training set.
    pub train: T,
    /// On the test set.
    pub test: T,
}

/// Loss and accuracy along the segment between two networks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// Positions, 0 at the first network and 1 at the second.
    pub lambdas: Vec<f64>,
    /// The loss at each position.
    pub loss: Vec<f64>,
    /// The accuracy at each position, where networks have one.
    pub accuracy: Option<Vec<f64>>,
    /// The expected calibration error at each position, where it was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration_error: Option<Vec<f64>>,
    /// The loss barrier: the largest excess over the line between the ends, in nats.
    pub barrier: f64,
    /// The accuracy barrier: the largest shortfall below the line between the ends, in percentage points.
    pub accuracy_barrier: Option<f64>,
    /// The score at the midpoint.
    pub midpoint: Score,
}

impl Curve {
    /// How much accuracy the midpoint loses against the mean of the ends, in percentage points; NaN where there is none.
    #[must_use]
    pub fn midpoint_drop(&self) -> f64 {
        match (self.accuracy.as_deref(), self.midpoint.accuracy) {
            (Some(&[first, .., last]), Some(middle)) => 100.0 * ((first + last) / 2.0 - middle),
            _ => f64::NAN,
        }
    }

    /// The score at the position with this number.
    #[must_use]
    pub fn score(&self, index: usize) -> Score {
        Score { loss: self.loss[index], accuracy: self.accuracy.as_ref().map(|accuracy| accuracy[index]) }
    }
}

/// One epoch of training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// The number of finished epochs.
    pub epoch: usize,
    /// The mean loss of the epoch's batches.
    pub batch_loss: f64,
    /// The score on the test set, where it was evaluated.
    pub test: Option<Score>,
}

/// The symmetry that was found and proved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Symmetry {
    /// The generators: name and number of interchangeable units.
    pub generators: Vec<(String, usize)>,
    /// The decimal logarithm of the group's order.
    pub log10_order: f64,
    /// The worst relative change of the outputs under random elements, in f64.
    pub certificate_error: f64,
    /// What it may be.
    pub certificate_tolerance: f64,
}
