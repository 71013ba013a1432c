//! Forward passes over a data set: loss and accuracy.

mod error;
mod evaluator;
mod score;

pub use error::{EvaluateError, fit};
pub use evaluator::{Evaluator, evaluate};
pub use score::Score;
