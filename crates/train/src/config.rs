//! What a training run is.

use std::collections::{BTreeMap, BTreeSet};

use models::{Init, Loss, Model};
use optim::{Clip, Optimizer, Schedule};
use serde::{Deserialize, Serialize};
use tensor::Fingerprint;

use crate::{TrainError, watched::Watched};

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
    /// The fingerprint of the weights that the run begins with ([`models::Params::fingerprint`]; [`Job::weights`](crate::Job::weights)
    /// are they), in place of `init`, which then is `file`. None: they are drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<Fingerprint>,
    /// What is minimised, and averaged in scores, as [`Loss::parse`] reads it. None: the network's own where it has one, or
    /// else cross-entropy ([`Model::loss`]).
    #[serde(default)]
    pub loss: Option<String>,
    /// Passes over the training set, from 1 up.
    pub epochs: usize,
    /// Examples in a step, from 1 up to the size of the training set. The last step of an epoch takes what is left,
    /// as PyTorch's `DataLoader` does by default.
    pub batch: usize,
    /// Seed of the initialisation and of the order of the examples.
    pub seed: u64,
    /// The bound, above 0, of the Euclidean norm of all gradients together; see [`Clip::Norm`]. None: no such bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip_norm: Option<f64>,
    /// The bound, above 0, of each element of the gradients; see [`Clip::Value`]. None: no such bound. Not beside
    /// `clip_norm`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip_value: Option<f64>,
    /// The share of the exponential moving average of the weights that each step keeps, from 0 up to 1 exclusive. None: no
    /// such average.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ema: Option<f64>,
    /// The epoch, from 1 up to the last, from whose end on the weights after each epoch are averaged evenly (stochastic
    /// weight averaging). None: no such average.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub swa: Option<usize>,
    /// The epochs, from 1 up to the last, after which the weights are kept beside those of the last epoch.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub snapshots: BTreeSet<usize>,
    /// Further data sets that are scored whenever the test set is: specifications by name. Their test parts are used, read
    /// as the network reads its training data.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub evaluate: BTreeMap<String, String>,
    /// The test set is scored after every this many epochs, and after the last; 0: after the last only.
    pub evaluate_every: usize,
    /// Whether the training set is scored whenever the test set is; otherwise after the last epoch only.
    pub evaluate_train: bool,
    /// Whether the weights of the best epoch so far are kept beside those of the last.
    #[serde(default, skip_serializing_if = "is_false")]
    pub keep_best: bool,
    /// How many scores in a row without a better one than before end the run. None: it goes on to its last epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patience: Option<usize>,
    /// The score that tells which epoch is the best, as `validation.loss`, `test.accuracy` or `NAME.loss`; of equals the first
    /// is. None: the accuracy (of a network that is its own objective the loss) on the part for validation, or without one on
    /// the test set. Without influence where nothing depends on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watch: Option<String>,
    /// Seconds between two checkpoints, from 0 (after every step) up. Without influence on the result; a resumed run may
    /// change it.
    pub checkpoint_seconds: f64,
    /// Whether the log is also written as events for TensorBoard. Without influence on the result; a resumed run may
    /// change it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub tensorboard: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

impl Config {
    /// The names of the fields that a resumed run may change.
    pub(crate) const FREE_FIELDS: [&str; 2] = ["checkpoint_seconds", "tensorboard"];
    /// What the two parts of the data are called in scores.
    pub(crate) const TRAIN: &str = "train";
    pub(crate) const TEST: &str = "test";
    /// What the part for validation is called among the evaluation sets.
    pub(crate) const VALIDATION: &str = "validation";

    /// What is watched where nothing else is asked for: the accuracy, or the loss of a network that has none, on the part for
    /// validation if the data have one, so that test data tell nothing before the end. Ours, because people ask for the most
    /// accurate network.
    fn default_watch(validates: bool, loss: Loss) -> String {
        let set = if validates { Self::VALIDATION } else { Self::TEST };
        format!("{set}.{}", if loss == Loss::Own { "loss" } else { "accuracy" })
    }

    /// A run with these defaults, which are ours (quick to learn digits with) unless a source is given: Adam with its
    /// paper's rate of 0.001, constant; PyTorch's initialisation; the network's own loss or cross-entropy; 10 epochs of
    /// batches of 128; seed 0; no clipping and no averages; test scores after every epoch; a checkpoint every 10 seconds, so
    /// that little work is lost and little time spent on writing.
    pub fn new(model: impl Into<String>, data: impl Into<String>) -> Self {
        Self {
            model: model.into(),
            data: data.into(),
            optimizer: "adam:lr=0.001".to_owned(),
            schedule: "constant".to_owned(),
            init: Init::default().name().to_owned(),
            weights: None,
            loss: None,
            epochs: 10,
            batch: 128,
            seed: 0,
            clip_norm: None,
            clip_value: None,
            ema: None,
            swa: None,
            snapshots: BTreeSet::new(),
            evaluate: BTreeMap::new(),
            evaluate_every: 1,
            evaluate_train: false,
            keep_best: false,
            patience: None,
            watch: None,
            checkpoint_seconds: 10.0,
            tensorboard: false,
        }
    }

    /// Checks everything that can be checked without the data, and returns the configuration with its texts in
    /// canonical form: equal for equal runs.
    ///
    /// # Errors
    /// Where a text does not read, a schedule's rates are above the optimiser's, a number is out of range, an evaluation
    /// set has a name that is taken or unknown, or the optimiser needs another loss.
    pub fn canonical(&self) -> Result<Self, TrainError> {
        let optimizer: Optimizer = self.optimizer.parse()?;
        let schedule: Schedule = self.schedule.parse()?;
        let model = Model::parse(&self.model)?;
        let loss = self.loss_of(&model)?;
        schedule.check(optimizer.rate())?;
        if optimizer.curvature_every().is_some() && !loss.is_cross_entropy() {
            return Err(TrainError::NoCurvature { optimizer: optimizer.to_string(), loss: loss.to_string() });
        }
        self.check_numbers()?;
        let init = if self.weights.is_some() { Init::File } else { Init::parse(&self.init)? };
        if self.weights.is_none() {
            model.check_init(init)?;
        }
        Ok(Self {
            model: model.spec(),
            optimizer: optimizer.to_string(),
            schedule: schedule.to_string(),
            init: init.name().to_owned(),
            loss: Some(loss.to_string()),
            watch: self.watched(loss)?.map(|watched| watched.to_string()),
            ..self.clone()
        })
    }

    /// What is minimised of this model.
    pub(crate) fn loss_of(&self, model: &Model) -> Result<Loss, TrainError> {
        let loss = self.loss.as_deref().map_or(Ok(model.loss()), Loss::parse)?;
        model.check_loss(loss)?;
        Ok(loss)
    }

    fn check_numbers(&self) -> Result<(), TrainError> {
        let fault = |field, expected, found: String| Err(TrainError::Number { field, expected, found });
        if self.epochs == 0 {
            return Err(TrainError::ZeroEpochs);
        }
        if self.batch == 0 {
            return Err(TrainError::ZeroBatch);
        }
        if !self.checkpoint_seconds.is_finite() || self.checkpoint_seconds < 0.0 {
            return Err(TrainError::CheckpointSeconds { found: self.checkpoint_seconds });
        }
        for (field, bound) in [("clip_norm", self.clip_norm), ("clip_value", self.clip_value)] {
            if let Some(bound) = bound.filter(|bound| !(bound.is_finite() && *bound > 0.0)) {
                return fault(field, "a number above 0", bound.to_string());
            }
        }
        if let (Some(_), Some(value)) = (self.clip_norm, self.clip_value) {
            return fault("clip_value", "nothing beside clip_norm", value.to_string());
        }
        if let Some(ema) = self.ema.filter(|ema| !(0.0..1.0).contains(ema)) {
            return fault("ema", "a number from 0 up, but below 1", ema.to_string());
        }
        if let Some(swa) = self.swa.filter(|swa| !(1..=self.epochs).contains(swa)) {
            let expected = "an epoch from 1 to the last";
            return fault("swa", expected, swa.to_string());
        }
        if let Some(epoch) = self.snapshots.iter().find(|epoch| !(1..=self.epochs).contains(epoch)) {
            return fault("snapshots", "epochs from 1 to the last", epoch.to_string());
        }
        match self.patience {
            Some(0) => fault("patience", "a whole number from 1 up", "0".to_owned()),
            _ => Ok(()),
        }
    }

    /// The score that something depends on, if anything does.
    pub(crate) fn watched(&self, loss: Loss) -> Result<Option<Watched>, TrainError> {
        let validates = data::has_validation(&self.data);
        let own = [Self::TEST].into_iter().chain(validates.then_some(Self::VALIDATION));
        let taken = |name: &str| name.is_empty() || name == Self::TRAIN || own.clone().any(|own| own == name);
        if let Some(name) = self.evaluate.keys().find(|name| taken(name)) {
            return Err(TrainError::SetName { found: name.clone() });
        }
        let watch = self.watch.clone().unwrap_or_else(|| Self::default_watch(validates, loss));
        let watched: Watched = watch.parse()?;
        let sets: Vec<&str> = own.clone().chain(self.evaluate.keys().map(String::as_str)).collect();
        watched.check(&sets, loss)?;
        Ok((self.keep_best || self.patience.is_some()).then_some(watched))
    }

    /// How gradients are bounded, if they are.
    pub(crate) fn clip(&self) -> Option<Clip> {
        self.clip_norm.map(Clip::Norm).or(self.clip_value.map(Clip::Value))
    }

    /// Fails where the run asked for is not the run recorded; both canonical.
    pub(crate) fn check_same(&self, recorded: &Self) -> Result<(), TrainError> {
        let (asked, recorded) = (self.fields()?, recorded.fields()?);
        let text = |value: Option<&serde_json::Value>| value.map_or("none".to_owned(), ToString::to_string);
        for field in asked.keys().chain(recorded.keys()).collect::<BTreeSet<_>>() {
            let (asked, recorded) = (asked.get(field), recorded.get(field));
            if !Self::FREE_FIELDS.contains(&field.as_str()) && asked != recorded {
                let (asked, recorded) = (text(asked), text(recorded));
                return Err(TrainError::ConfigDiffers { field: field.clone(), recorded, asked });
            }
        }
        Ok(())
    }

    /// The fields that determine the result, as JSON.
    pub(crate) fn identity(&self) -> Result<String, TrainError> {
        let mut fields = self.fields()?;
        fields.retain(|field, _| !Self::FREE_FIELDS.contains(&field.as_str()));
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
        assert!(refused(|c| c.loss = Some("entropy".to_owned())).contains("no loss called 'entropy'"));
        assert!(refused(|c| c.epochs = 0).contains("zero epochs"));
        assert!(refused(|c| c.batch = 0).contains("zero examples"));
        assert!(refused(|c| c.checkpoint_seconds = f64::NAN).contains("found NaN"));
    }

    #[test]
    fn impossible_settings_are_refused_by_name() {
        assert!(
            refused(|c| c.clip_norm = Some(0.0)).contains("clip_norm should be a number above 0, found 0")
        );
        assert!(refused(|c| c.clip_value = Some(f64::NAN)).contains("clip_value should be a number above 0"));
        assert!(
            refused(|c| (c.clip_norm, c.clip_value) = (Some(1.0), Some(1.0)))
                .contains("clip_value should be nothing beside clip_norm")
        );
        assert!(refused(|c| c.ema = Some(1.0)).contains("ema should be a number from 0 up, but below 1"));
        for swa in [0, 11] {
            assert!(refused(|c| c.swa = Some(swa)).contains("swa should be an epoch from 1 to the last"));
        }
        let error = refused(|c| c.snapshots = BTreeSet::from([1, 11]));
        assert!(error.contains("snapshots should be epochs from 1 to the last"), "{error}");
        assert!(refused(|c| c.patience = Some(0)).contains("patience should be a whole number from 1 up"));
        assert!(
            refused(|c| c.watch = Some("noise.loss".to_owned())).contains("no evaluation set called 'noise'")
        );
        let taken = BTreeMap::from([("test".to_owned(), "digits".to_owned())]);
        assert!(refused(|c| c.evaluate = taken).contains("an evaluation set cannot be called 'test'"));
        assert!(refused(|c| c.watch = Some("validation.loss".to_owned())).contains("called 'validation'"));
        let taken = BTreeMap::from([("validation".to_owned(), "digits".to_owned())]);
        let error = refused(|c| (c.data, c.evaluate) = ("digits:validation=0.1".to_owned(), taken));
        assert!(error.contains("an evaluation set cannot be called 'validation'"), "{error}");
        let error = refused(|c| {
            (c.optimizer, c.loss) = ("sophia".to_owned(), Some("squared-error".to_owned()));
        });
        assert!(error.contains("needs the loss cross-entropy") && error.contains("squared-error"), "{error}");
    }

    #[test]
    fn equal_runs_have_equal_canonical_forms() {
        let config = Config::new("mlp:64-10,act=relu", "digits");
        let other = Config { optimizer: "adam".to_owned(), ..Config::new("mlp:64-10", "digits") };
        assert_eq!(config.canonical().unwrap(), other.canonical().unwrap());
        let watching = Config { watch: Some("test.loss".to_owned()), ..config.clone() };
        assert_eq!(watching.canonical().unwrap(), config.canonical().unwrap());
        let best = Config { keep_best: true, ..config };
        assert_eq!(best.canonical().unwrap().watch.unwrap(), "test.accuracy");
        let validating = Config { data: "digits:validation=0.2".to_owned(), ..best };
        assert_eq!(validating.canonical().unwrap().watch.unwrap(), "validation.accuracy");
    }

    #[test]
    fn the_field_that_differs_is_named() {
        let config = Config::new("mlp:64-10", "digits");
        let free = Config { checkpoint_seconds: 0.0, tensorboard: true, ..config.clone() };
        assert!(config.check_same(&free).is_ok());
        assert_eq!(config.identity().unwrap(), free.identity().unwrap());
        let error = config.check_same(&Config { seed: 7, ..config.clone() }).unwrap_err().to_string();
        assert!(error.contains("seed") && error.contains('7') && error.contains('0'), "{error}");
        let clipped = Config { clip_norm: Some(1.0), ..config.clone() };
        let error = config.check_same(&clipped).unwrap_err().to_string();
        assert!(error.contains("clip_norm = 1.0, but none was asked for"), "{error}");
        assert!(clipped.check_same(&config).is_err());
    }

    #[test]
    fn a_configuration_without_the_younger_fields_reads() {
        let text = r#"{"model":"mlp:64-10","data":"digits","optimizer":"adam:lr=0.001","schedule":"constant",
            "init":"pytorch","loss":"cross-entropy","epochs":10,"batch":128,"seed":0,"evaluate_every":1,
            "evaluate_train":false,"checkpoint_seconds":10.0}"#;
        let config: Config = serde_json::from_str(text).unwrap();
        let loss = Some("cross-entropy".to_owned());
        assert_eq!(config, Config { loss, ..Config::new("mlp:64-10", "digits") });
        let fields: Vec<String> = config.fields().unwrap().into_iter().map(|(field, _)| field).collect();
        assert_eq!(fields.len(), 12, "{fields:?}");
    }
}
