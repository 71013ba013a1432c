//! What can be wrong with an evaluation.

use data::Dataset;
use graph::ExecError;
use models::{Input, Model, ModelError};

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluateError {
    /// Model and data are of different sizes.
    #[error(
        "model {model} does not fit data set '{data}': expected {} features and {} classes, found {} and {}; {advice}",
        expected.0, expected.1, found.0, found.1
    )]
    Fit {
        /// The model's specification.
        model: String,
        /// The data set's name.
        data: String,
        /// The data set's features and classes.
        expected: (usize, usize),
        /// The model's features and classes.
        found: (usize, usize),
        /// What to try.
        advice: String,
    },
    /// The model reads texts, the data set holds none.
    #[error(
        "model {model} reads tokens, but data set '{data}' holds numbers; try a model for features or images"
    )]
    Tokens {
        /// The model's specification.
        model: String,
        /// The data set's name.
        data: String,
    },
    /// The parameters are not the model's.
    #[error(transparent)]
    Params(#[from] ModelError),
    /// The forward pass could not be compiled or run.
    #[error(transparent)]
    Exec(#[from] ExecError),
}

/// Checks that a model takes the data set's features and tells its classes apart.
///
/// # Errors
/// [`EvaluateError::Fit`] where features or classes differ in number, [`EvaluateError::Tokens`] for a model of texts.
pub fn check_fit(model: &Model, data: &Dataset) -> Result<(), EvaluateError> {
    let expected = (data.features(), data.classes());
    let found = (model.input_features(), model.classes());
    let (model_spec, data_name) = (model.spec(), data.name().to_owned());
    let advice = match model.input() {
        Input::Tokens { .. } => return Err(EvaluateError::Tokens { model: model_spec, data: data_name }),
        _ if expected == found => return Ok(()),
        Input::Features(_) => format!("try --model with {}-…-{}", expected.0, expected.1),
        Input::Image(_) => {
            format!(
                "try --model with the options in=CxHxW, where C·H·W is {}, and classes={}",
                expected.0, expected.1
            )
        }
    };
    Err(EvaluateError::Fit { model: model_spec, data: data_name, expected, found, advice })
}
