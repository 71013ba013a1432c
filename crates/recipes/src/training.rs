//! How the networks of an experiment are trained.

use std::{collections::BTreeSet, path::Path};

use data::Splits;
use models::{Model, Params};
use serde::{Deserialize, Serialize};
use toml::Table;
use train::{Config, Job, Outcome, Start, Status};

use crate::{
    Progress, RecipeError,
    result::{Epoch, Score},
    setting::Setting,
};

/// The settings of trainings, which every experiment has beside its own; texts as on the command line of `isoloss train`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// The architecture.
    pub model: String,
    /// The optimiser.
    pub optimizer: String,
    /// The learning-rate schedule.
    pub schedule: String,
    /// The initialisation.
    pub init: String,
    /// Examples per step.
    pub batch: usize,
    /// The bound of the gradients' norm, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip_norm: Option<f64>,
}

const FIELDS: [&str; 6] = ["model", "optimizer", "schedule", "init", "batch", "clip_norm"];

impl Training {
    /// The training that a table of settings describes, with what else stands there; or what is wrong with it.
    pub(crate) fn of(settings: &Table) -> Result<(Self, Table), String> {
        let (own, other): (Table, Table) =
            settings.clone().into_iter().partition(|(field, _)| FIELDS.contains(&field.as_str()));
        let training: Self = own_settings(own)?;
        // The architecture in full, so that equal ones have equal folders; the other texts are only checked.
        let Config { model, .. } =
            training.config("digits", 0, 1).canonical().map_err(|error| error.to_string())?;
        Ok((Self { model, ..training }, other))
    }

    /// The configuration of a run.
    #[must_use]
    pub fn config(&self, data: &str, seed: u64, epochs: usize) -> Config {
        Config {
            optimizer: self.optimizer.clone(),
            schedule: self.schedule.clone(),
            init: self.init.clone(),
            epochs,
            batch: self.batch,
            seed,
            clip_norm: self.clip_norm,
            snapshots: BTreeSet::new(),
            ..Config::new(self.model.clone(), data)
        }
    }

    /// The settings in a line.
    #[must_use]
    pub fn line(&self) -> String {
        let clip = self.clip_norm.map(|norm| format!("; gradients clipped at {norm}"));
        let Self { model, optimizer, schedule, init, batch, .. } = self;
        format!("{model}; {optimizer}; {schedule}; {init}; batch {batch}{}", clip.unwrap_or_default())
    }
}

/// The number of parameters of an architecture; NaN of one that is not known any more.
pub(crate) fn parameters(model: &str) -> f64 {
    Model::parse(model).map_or(f64::NAN, |model| model.elements() as f64)
}

/// Settings of an experiment of its own; or what is wrong with them.
pub(crate) fn own_settings<T: serde::de::DeserializeOwned>(settings: Table) -> Result<T, String> {
    settings.try_into().map_err(|error: toml::de::Error| error.message().to_owned())
}

/// Trains a network in a run folder, or takes up what stands there.
pub(crate) fn train(
    setting: Setting<'_>,
    config: &Config,
    data: &Splits,
    folder: &Path,
    progress: &mut dyn Progress,
) -> Result<Outcome, RecipeError> {
    train_from(setting, config, None, data, folder, progress)
}

/// The same from weights, where some are given.
pub(crate) fn train_from(
    setting: Setting<'_>,
    config: &Config,
    weights: Option<&Params>,
    data: &Splits,
    folder: &Path,
    progress: &mut dyn Progress,
) -> Result<Outcome, RecipeError> {
    let config = &Config { weights: weights.map(Params::fingerprint), ..config.clone() };
    let job = Job {
        config,
        splits: data,
        folder,
        start: Start::NewOrResume,
        weights,
        versions: setting.versions,
        stop: setting.stop,
    };
    let outcome = train::train(setting.executor, &job, progress)?;
    if outcome.summary.status == Status::Interrupted {
        return Err(RecipeError::Interrupted { folder: folder.to_owned() });
    }
    Ok(outcome)
}

/// How a training went.
pub(crate) fn history(outcome: &Outcome) -> Vec<Epoch> {
    let score = |score: &train::Score| Score { loss: score.loss, accuracy: score.accuracy };
    let records = outcome.records.iter();
    records
        .map(|record| Epoch {
            epoch: record.epoch,
            batch_loss: record.loss,
            test: record.test.as_ref().map(score),
        })
        .collect()
}
