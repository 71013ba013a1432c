//! How far a run is.

use optim::Horizon;
use serde::{Deserialize, Serialize};

use crate::Record;

/// Everything besides tensors that a run needs to go on where it was.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Progress {
    /// Steps done in the epoch under way.
    pub(crate) batches: usize,
    /// The sum of the losses of its examples so far.
    pub(crate) loss_sum: f64,
    /// Wall time spent on it so far, in seconds.
    pub(crate) seconds: f64,
    /// The epochs that are done.
    pub(crate) records: Vec<Record>,
}

impl Progress {
    /// Epochs done.
    pub(crate) const fn epoch(&self) -> usize {
        self.records.len()
    }

    /// Steps done.
    pub(crate) const fn step(&self, horizon: Horizon) -> u64 {
        self.epoch() as u64 * horizon.steps_per_epoch + self.batches as u64
    }

    /// Wall time spent on the run, in seconds.
    pub(crate) fn total_seconds(&self) -> f64 {
        self.records.iter().map(|record| record.seconds).sum::<f64>() + self.seconds
    }

    /// Ends the epoch under way.
    pub(crate) fn close(&mut self, record: Record) {
        self.records.push(record);
        (self.batches, self.loss_sum, self.seconds) = (0, 0.0, 0.0);
    }

    /// Whether a run of this length can have got there.
    pub(crate) fn is_possible(&self, horizon: Horizon) -> bool {
        let numbered = self.records.iter().enumerate().all(|(done, record)| record.epoch == done + 1);
        numbered && self.batches as u64 <= horizon.steps_per_epoch && self.step(horizon) <= horizon.steps()
    }
}
