//! What can go wrong with a recipe or an experiment.

use std::path::PathBuf;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecipeError {
    /// A recipe is not TOML of the expected form.
    #[error("cannot read the recipe: {source}")]
    Format {
        /// What the parser said, with line and column.
        source: Box<toml::de::Error>,
    },
    /// A recipe contradicts itself.
    #[error("recipe '{recipe}': {problem}")]
    Contents {
        /// The recipe's name.
        recipe: String,
        /// What is wrong.
        problem: String,
    },
    /// The settings of an experiment are impossible.
    #[error("the experiment's settings: {problem}")]
    Settings {
        /// What is wrong.
        problem: String,
    },
    /// A recipe does not define a scale.
    #[error("recipe '{recipe}' has no scale '{scale}'")]
    NoScale {
        /// The recipe's name.
        recipe: String,
        /// The scale asked for.
        scale: &'static str,
    },
    /// A scale needs a data set that must be given.
    #[error(
        "recipe '{recipe}' at scale '{scale}' needs the data set '{data}': say where it is with --data {data}:DIR"
    )]
    DataNeeded {
        /// The recipe's name.
        recipe: String,
        /// The scale.
        scale: &'static str,
        /// The data set.
        data: String,
    },
    /// A stored result in the output folder belongs to other settings.
    #[error("{} holds the result of another experiment; give a new --out folder or remove it", path.display())]
    OtherResult {
        /// The file.
        path: PathBuf,
    },
    /// A stored result cannot be read.
    #[error("cannot read {}: {problem}; remove it to compute it again", path.display())]
    Stored {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A permutation group failed its certificate, so nothing may be matched with it.
    #[error(
        "{model}: '{generator}' failed its certificate: outputs change by {error:.1e} of their size, allowed {tolerance:.1e}"
    )]
    NotCertified {
        /// The architecture.
        model: String,
        /// The generator that failed.
        generator: String,
        /// The measured relative error.
        error: f64,
        /// The tolerance.
        tolerance: f64,
    },
    /// A network whose predictions are needed has none.
    #[error(
        "{model}: an ensemble and a calibration need predictions of classes, which this network has not, or too many of them"
    )]
    NoPredictions {
        /// The architecture.
        model: String,
    },
    /// The run was asked to stop; what is finished is kept.
    #[error("stopped; the finished parts are kept in {} and the same command resumes", folder.display())]
    Interrupted {
        /// The output folder.
        folder: PathBuf,
    },
    /// A file that is no longer needed could not be removed.
    #[error("cannot remove {}: {source}", path.display())]
    Unremovable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// No scratch folder could be made.
    #[error("cannot make a scratch folder: {source}")]
    Scratch {
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A tensor or file operation failed.
    #[error(transparent)]
    Tensor(#[from] tensor::TensorError),
    /// A model is not what it should be.
    #[error(transparent)]
    Model(#[from] models::ModelError),
    /// A data set cannot be read.
    #[error(transparent)]
    Data(#[from] data::DataError),
    /// Weights cannot be read or written.
    #[error(transparent)]
    Weights(#[from] models::weights::WeightsError),
    /// A training failed.
    #[error(transparent)]
    Train(#[from] train::TrainError),
    /// An evaluation failed.
    #[error(transparent)]
    Evaluate(#[from] evaluate::EvaluateError),
    /// Networks could not be averaged.
    #[error(transparent)]
    Merge(#[from] merge::MergeError),
    /// A segment could not be measured.
    #[error(transparent)]
    Landscape(#[from] landscape::LandscapeError),
    /// A symmetry could not be found, proved or used.
    #[error(transparent)]
    Symmetry(#[from] symmetry::SymmetryError),
}

impl RecipeError {
    pub(crate) const fn settings(problem: String) -> Self {
        Self::Settings { problem }
    }
}
