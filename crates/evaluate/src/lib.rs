//! Forward passes over a data set: loss and accuracy.

mod error;
mod evaluator;
mod score;

pub use error::{EvaluateError, check_fit};
pub use evaluator::{CHUNK, Evaluator, evaluate};
pub use score::Score;
