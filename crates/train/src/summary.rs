//! `run.json`: what a run is and what became of it.

use std::{collections::BTreeMap, path::Path};

use data::Input;
use serde::{Deserialize, Serialize};

use crate::{Config, Score, TrainError, folder};

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Under way, or killed.
    Running,
    /// Stopped on request; it can be resumed.
    Interrupted,
    /// Done; the model is there.
    Finished,
    /// Given up because a loss or a parameter was not finite.
    Diverged,
}

/// The scores of a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scores {
    /// On the training set.
    pub train: Score,
    /// On the test set.
    pub test: Score,
    /// On the further evaluation sets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sets: BTreeMap<String, Score>,
}

/// The best epoch of a run, by the score that it watches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Best {
    /// The epoch, counted from 1.
    pub epoch: usize,
    /// The score, as in the configuration.
    pub watch: String,
    /// Its value.
    pub value: f64,
}

/// Where and how a run diverged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Divergence {
    /// The epoch, counted from 1.
    pub epoch: usize,
    /// The step, counted from 1.
    pub step: u64,
    /// What was not finite.
    pub what: String,
    /// Its value as text, as JSON has no such numbers: `NaN`, `inf` or `-inf`.
    pub value: String,
    /// The step of the checkpoint that was kept, if there was one.
    pub checkpoint: Option<u64>,
}

impl From<&Divergence> for TrainError {
    fn from(divergence: &Divergence) -> Self {
        let Divergence { epoch, step, ref what, ref value, checkpoint } = *divergence;
        let value = value.parse().unwrap_or(f64::NAN);
        Self::Diverged { epoch, step, what: what.clone(), value, checkpoint }
    }
}

/// The contents of `run.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// Version of this form: [`Summary::FORMAT`].
    pub format: u32,
    /// Where the run stands.
    pub status: Status,
    /// The configuration, in canonical form.
    pub config: Config,
    /// How the network reads its data, where there is something to remember.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Input>,
    /// Names and versions of what ran it, as the caller gave them.
    pub versions: BTreeMap<String, String>,
    /// The number of trained weights.
    pub parameters: usize,
    /// The size of the training set.
    pub train_examples: usize,
    /// The size of the test set.
    pub test_examples: usize,
    /// Epochs done.
    pub epochs: usize,
    /// Steps done.
    pub steps: u64,
    /// Wall time of all steps and evaluations, in seconds.
    pub seconds: f64,
    /// The final scores of a finished run.
    pub scores: Option<Scores>,
    /// The scores of the averaged weights of a finished run by the kind of average, `ema` and `swa`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub averages: BTreeMap<String, Scores>,
    /// The best epoch so far, where something depends on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<Best>,
    /// Where a diverged run diverged.
    pub divergence: Option<Divergence>,
}

impl Summary {
    /// The version of the form that this code writes and reads.
    pub const FORMAT: u32 = 1;

    /// Reads the summary of a run folder.
    ///
    /// # Errors
    /// [`TrainError::Read`] where the file cannot be read, [`TrainError::Damaged`] where it is not a summary of this
    /// format.
    pub fn read(run_folder: &Path) -> Result<Self, TrainError> {
        let path = run_folder.join(folder::RUN_FILE);
        let text = folder::read_text(&path)?;
        let damaged = |found: String| TrainError::Damaged {
            path: path.clone(),
            expected: format!("the summary of a run, format {}", Self::FORMAT),
            found,
        };
        let summary: Self = serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
        if summary.format != Self::FORMAT {
            return Err(damaged(format!("format {}", summary.format)));
        }
        Ok(summary)
    }

    pub(crate) fn write(&self, run_folder: &Path) -> Result<(), TrainError> {
        let mut text = serde_json::to_string_pretty(self).map_err(|source| TrainError::Json { source })?;
        text.push('\n');
        Ok(tensor::atomic_file::write(&run_folder.join(folder::RUN_FILE), text.as_bytes())?)
    }
}
