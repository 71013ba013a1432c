//! What is known of an epoch.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Loss and accuracy over a whole data set.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// The mean loss of an example.
    pub loss: f64,
    /// The share of examples classified rightly, in [0, 1]; none of a network that is its own objective.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<f64>,
    /// The number of examples.
    pub count: usize,
    /// Of a text, with the cross-entropy as its loss, what a byte of it costs in bits; see [`evaluate::Score`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bits_per_byte: Option<f64>,
}

impl From<evaluate::Score> for Score {
    fn from(score: evaluate::Score) -> Self {
        let evaluate::Score { loss, accuracy, count, bits_per_byte, .. } = score;
        Self { loss, accuracy, count, bits_per_byte }
    }
}

/// One line of `log.jsonl`: an epoch that is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Epochs done, this one included.
    pub epoch: usize,
    /// Steps done, this epoch's included.
    pub step: u64,
    /// The learning rate of the epoch's last step.
    pub learning_rate: f64,
    /// The mean loss over the epoch's examples, each with the parameters of its own step.
    pub loss: f64,
    /// The score on the training set after the epoch, where it was evaluated.
    pub train: Option<Score>,
    /// The score on the test set after the epoch, where it was evaluated.
    pub test: Option<Score>,
    /// The scores on the further evaluation sets after the epoch, where they were evaluated.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sets: BTreeMap<String, Score>,
    /// Wall time of the epoch's steps and evaluation, in seconds; the only field that differs between equal runs.
    pub seconds: f64,
}
