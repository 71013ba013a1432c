//! What can be wrong with an evaluation.

use data::Dataset;
use graph::ExecError;
use models::{Model, ModelError};

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluateError {
    /// Model and data are of different sizes.
    #[error(
        "model {model} does not fit data set '{data}': expected {} features and {} classes, found {} and {}; try --model with {}-…-{}",
        expected.0, expected.1, found.0, found.1, expected.0, expected.1
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
/// [`EvaluateError::Fit`] where features or classes differ in number.
pub fn check_fit(model: &Model, data: &Dataset) -> Result<(), EvaluateError> {
    let expected = (data.features(), data.classes());
    let found = (model.input_features(), model.classes());
    if expected == found {
        return Ok(());
    }
    Err(EvaluateError::Fit { model: model.spec(), data: data.name().to_owned(), expected, found })
}
