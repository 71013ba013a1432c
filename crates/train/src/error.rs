//! What can go wrong in a training.

use std::path::PathBuf;

use data::DataError;
use evaluate::EvaluateError;
use graph::ExecError;
use models::{ModelError, weights::WeightsError};
use optim::OptimError;
use tensor::{Fingerprint, TensorError};

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// No epochs were asked for.
    #[error("a run of zero epochs trains nothing; give at least 1")]
    ZeroEpochs,
    /// An empty batch was asked for.
    #[error("a batch of zero examples trains nothing; give at least 1")]
    ZeroBatch,
    /// A batch larger than the training set was asked for.
    #[error(
        "a batch of {batch} examples is larger than the training set '{data}' of {examples}; give at most {examples}"
    )]
    BatchTooLarge {
        /// The batch asked for.
        batch: usize,
        /// The data set.
        data: String,
        /// The size of the training set.
        examples: usize,
    },
    /// An impossible time between checkpoints was asked for.
    #[error("the time between checkpoints should be a finite number of seconds from 0 up, found {found}")]
    CheckpointSeconds {
        /// The time asked for, in seconds.
        found: f64,
    },
    /// A field of the configuration has an impossible number.
    #[error("{field} should be {expected}, found {found}")]
    Number {
        /// The field's name.
        field: &'static str,
        /// The numbers that it can have.
        expected: &'static str,
        /// The number asked for.
        found: String,
    },
    /// An optimiser that estimates the curvature was asked for with a loss that has no such estimate.
    #[error("optimiser {optimizer} needs the loss cross-entropy to estimate the curvature, found {loss}")]
    NoCurvature {
        /// The optimiser.
        optimizer: String,
        /// The loss.
        loss: String,
    },
    /// An evaluation set was given a name that it cannot have.
    #[error(
        "an evaluation set cannot be called '{found}'; take another name than train, test and the data's own \
         validation, and not an empty one"
    )]
    SetName {
        /// The name.
        found: String,
    },
    /// What is to be watched is no score.
    #[error("what is watched should be SET.loss or SET.accuracy, as test.accuracy, found '{found}'")]
    Watched {
        /// The text given.
        found: String,
    },
    /// The accuracy is to be watched of a network that is its own objective.
    #[error(
        "{watch} cannot be watched: a network that is its own objective has no accuracy; watch {set}.loss"
    )]
    NoAccuracy {
        /// What was to be watched.
        watch: String,
        /// The set.
        set: String,
    },
    /// What is to be watched is a score on a set that is not evaluated.
    #[error("there is no evaluation set called '{set}'{suggestion}; known: {known}")]
    UnknownSet {
        /// The name given.
        set: String,
        /// The nearest name, in words; empty where none is near.
        suggestion: String,
        /// The names there are.
        known: String,
    },
    /// A new run was asked for in the folder of another one.
    #[error("{} already holds a run (it has {file}); resume it, or choose another folder", folder.display())]
    RunExists {
        /// The folder.
        folder: PathBuf,
        /// The file found there.
        file: &'static str,
    },
    /// A resumption was asked for where there is no run.
    #[error("{} holds no run to resume: it has no file run.json", folder.display())]
    NothingToResume {
        /// The folder.
        folder: PathBuf,
    },
    /// The data of a run that is there are not read as they were.
    #[error(
        "the data are read otherwise than when the run in {} began: normalisation, vocabulary or tokenizer differ; give \
         the data that it began with, or another folder",
        folder.display()
    )]
    InputDiffers {
        /// The run folder.
        folder: PathBuf,
    },
    /// A resumption was asked for with another configuration or other data.
    #[error(
        "the run recorded has {field} = {recorded}, but {asked} was asked for; resume it with the same settings, or choose another folder"
    )]
    ConfigDiffers {
        /// The field's name.
        field: String,
        /// The value recorded, as JSON.
        recorded: String,
        /// The value asked for, as JSON.
        asked: String,
    },
    /// The weights given to begin with are not those of the configuration.
    #[error(
        "the run begins with {}, but {} given; give the weights that it began with, or choose another folder",
        named(*expected),
        match found {
            Some(_) => format!("{} were", named(*found)),
            None => "no weights were".to_owned(),
        }
    )]
    OtherWeights {
        /// The fingerprint of those of the configuration; none where they are to be drawn.
        expected: Option<Fingerprint>,
        /// The fingerprint of those given.
        found: Option<Fingerprint>,
    },
    /// The loss, or a parameter, became infinite or NaN.
    #[error(
        "training diverged in epoch {epoch} at step {step}: {what} became {value}; {}; try a smaller learning rate or a warm-up",
        kept(*checkpoint)
    )]
    Diverged {
        /// The epoch, counted from 1.
        epoch: usize,
        /// The step, counted from 1.
        step: u64,
        /// What is not finite: "the loss", "the test loss", "parameter 0.weight", …
        what: String,
        /// NaN or an infinity.
        value: f64,
        /// The step of the checkpoint that is kept, if there is one.
        checkpoint: Option<u64>,
    },
    /// A file or folder could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The log could not be written, or a checkpoint not be removed.
    #[error("cannot write {}: {source}", path.display())]
    Append {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file of a run folder is damaged or is not this run's.
    #[error("{} is damaged: expected {expected}, found {found}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was expected.
        expected: String,
        /// What was found instead.
        found: String,
    },
    /// What is to be written has no form in JSON.
    #[error("cannot write the run as JSON: {source}")]
    Json {
        /// What the serialiser said.
        source: serde_json::Error,
    },
    /// The optimiser or the schedule is malformed.
    #[error(transparent)]
    Optim(#[from] OptimError),
    /// The model is malformed, or weights are not its.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Weights cannot be read or written.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The data set is at fault.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The model does not fit the data, or the evaluation failed.
    #[error(transparent)]
    Evaluate(#[from] EvaluateError),
    /// The executor could not run a graph.
    #[error(transparent)]
    Exec(#[from] ExecError),
    /// A file could not be written whole.
    #[error(transparent)]
    Write(#[from] TensorError),
}

fn named(weights: Option<Fingerprint>) -> String {
    match weights {
        Some(print) => format!("weights with the fingerprint {print}"),
        None => "drawn weights".to_owned(),
    }
}

fn kept(checkpoint: Option<u64>) -> String {
    match checkpoint {
        Some(step) => format!("the checkpoint of step {step} is kept"),
        None => "no checkpoint had been written yet".to_owned(),
    }
}
