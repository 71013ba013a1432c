//! Forward passes over a data set: loss and accuracy, the running statistics of batch normalisation, and moments of
//! activations.

mod activations;
mod chunks;
mod error;
mod evaluator;
mod objective;
mod passes;
mod reestimator;
mod score;

pub use activations::{Compared, Features, Moments, Units, activation_moments, feature_moments};
pub use error::{EvaluateError, fit};
pub use evaluator::{Evaluator, evaluate};
pub use objective::check_objective;
pub use reestimator::{Reestimator, reestimate};
pub use score::Score;
