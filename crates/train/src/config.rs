//! What a training run is.

use models::{Init, Loss, Model};
use optim::{Optimizer, Schedule};
use serde::{Deserialize, Serialize};

use crate::TrainError;

/// Everything that determines a run, as `run.json` keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The architecture, as [`Model::parse`] reads it.
    pub model: String,
    /// The data set, as [`data::load`] reads it.
    pub data: String,
    /// The optimiser with its base learning rate, as [`Optimizer`] reads it.
    pub optimizer: String,
    /// The learning-rate schedule, as [`Schedule`] reads it.
    pub schedule: String,
    /// The initialisation, as [`Init::parse`] reads it.
    pub init: String,
    /// What is minimised, as [`Loss::parse`] reads it.
    pub loss: String,
    /// Passes over the training set, from 1 up.
    pub epochs: usize,
    /// Examples in a step, from 1 up to the size of the training set. The last step of an epoch takes what is left,
    /// as PyTorch's `DataLoader` does by default.
    pub batch: usize,
    /// Seed of the initialisation and of the order of the examples.
    pub seed: u64,
    /// The test set is scored after every this many epochs, and after the last; 0: after the last only.
    pub evaluate_every: usize,
    /// Whether the training set is scored whenever the test set is; otherwise after the last epoch only.
    pub evaluate_train: bool,
    /// Seconds between two checkpoints, from 0 (after every step) up. The only field without influence on the
    /// result, and the only one that a resumed run may change.
    pub checkpoint_seconds: f64,
}

impl Config {
    /// The name of the field that a resumed run may change.
    pub(crate) const FREE_FIELD: &'static str = "checkpoint_seconds";

    /// A run with these defaults, which are ours (quick to learn digits with) unless a source is given: Adam with its
    /// paper's rate of 0.001, constant; PyTorch's initialisation; cross-entropy; 10 epochs of batches of 128; seed 0;
    /// test scores after every epoch; a checkpoint every 10 seconds, so that little work is lost and little time
    /// spent on writing.
    pub fn new(model: impl Into<String>, data: impl Into<String>) -> Self {
        Self {
            model: model.into(),
            data: data.into(),
            optimizer: "adam:lr=0.001".to_owned(),
            schedule: "constant".to_owned(),
            init: Init::default().name().to_owned(),
            loss: Loss::default().name().to_owned(),
            epochs: 10,
            batch: 128,
            seed: 0,
            evaluate_every: 1,
            evaluate_train: false,
            checkpoint_seconds: 10.0,
        }
    }

    /// Checks everything that can be checked without the data, and returns the configuration with its texts in
    /// canonical form: equal for equal runs.
    ///
    /// # Errors
    /// Where a text does not read, a schedule's rates are above the optimiser's, or a number is out of range.
    pub fn canonical(&self) -> Result<Self, TrainError> {
        let optimizer: Optimizer = self.optimizer.parse()?;
        let schedule: Schedule = self.schedule.parse()?;
        schedule.check(optimizer.rate())?;
        if self.epochs == 0 {
            return Err(TrainError::ZeroEpochs);
        }
        if self.batch == 0 {
            return Err(TrainError::ZeroBatch);
        }
        if !self.checkpoint_seconds.is_finite() || self.checkpoint_seconds < 0.0 {
            return Err(TrainError::CheckpointSeconds { found: self.checkpoint_seconds });
        }
        Ok(Self {
            model: Model::parse(&self.model)?.spec(),
            optimizer: optimizer.to_string(),
            schedule: schedule.to_string(),
            init: Init::parse(&self.init)?.name().to_owned(),
            loss: Loss::parse(&self.loss)?.name().to_owned(),
            ..self.clone()
        })
    }

    /// Fails where the run asked for is not the run recorded; both canonical.
    pub(crate) fn check_same(&self, recorded: &Self) -> Result<(), TrainError> {
        let (asked, recorded) = (self.fields()?, recorded.fields()?);
        for ((field, asked), recorded) in asked.iter().zip(recorded.values()) {
            if field != Self::FREE_FIELD && asked != recorded {
                let (asked, recorded) = (asked.to_string(), recorded.to_string());
                return Err(TrainError::ConfigDiffers { field: field.clone(), recorded, asked });
            }
        }
        Ok(())
    }

    /// The fields that determine the result, as JSON.
    pub(crate) fn identity(&self) -> Result<String, TrainError> {
        let mut fields = self.fields()?;
        fields.remove(Self::FREE_FIELD);
        Ok(serde_json::Value::Object(fields).to_string())
    }

    fn fields(&self) -> Result<serde_json::Map<String, serde_json::Value>, TrainError> {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::Object(fields)) => Ok(fields),
            Ok(_) => unreachable!("a structure is an object"),
            Err(source) => Err(TrainError::Json { source }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut Config)) -> String {
        let mut config = Config::new("mlp:64-10", "digits");
        change(&mut config);
        config.canonical().unwrap_err().to_string()
    }

    #[test]
    fn impossible_runs_are_refused_by_name() {
        assert!(refused(|c| c.model = "mpl:4-2".to_owned()).contains("did you mean 'mlp'?"));
        assert!(refused(|c| c.optimizer = "adam:lr=0".to_owned()).contains("lr should be a number above 0"));
        assert!(refused(|c| c.schedule = "cosin".to_owned()).contains("did you mean 'cosine'?"));
        assert!(
            refused(|c| c.schedule = "cosine:min=1".to_owned()).contains("at most the base learning rate")
        );
        assert!(refused(|c| c.init = "hee".to_owned()).contains("did you mean 'he'?"));
        assert!(refused(|c| c.loss = "entropy".to_owned()).contains("no loss called 'entropy'"));
        assert!(refused(|c| c.epochs = 0).contains("zero epochs"));
        assert!(refused(|c| c.batch = 0).contains("zero examples"));
        assert!(refused(|c| c.checkpoint_seconds = f64::NAN).contains("found NaN"));
    }

    #[test]
    fn equal_runs_have_equal_canonical_forms() {
        let config = Config::new("mlp:64-10,act=relu", "digits");
        let other = Config { optimizer: "adam".to_owned(), ..Config::new("mlp:64-10", "digits") };
        assert_eq!(config.canonical().unwrap(), other.canonical().unwrap());
    }

    #[test]
    fn the_field_that_differs_is_named() {
        let config = Config::new("mlp:64-10", "digits");
        assert!(config.check_same(&Config { checkpoint_seconds: 0.0, ..config.clone() }).is_ok());
        let error = config.check_same(&Config { seed: 7, ..config.clone() }).unwrap_err().to_string();
        assert!(error.contains("seed") && error.contains('7') && error.contains('0'), "{error}");
    }
}
