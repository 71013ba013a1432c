//! Forward passes over a data set: loss and accuracy, the perplexity of texts, the running statistics of batch normalisation, and moments of
//! activations.

mod activations;
mod calibration;
mod chunks;
mod error;
mod evaluator;
mod objective;
mod passes;
mod perplexity;
mod reestimator;
mod renormaliser;
mod sample;
mod score;

pub use activations::{
    Between, Compared, Comparer, Features, Moments, Units, activation_moments, feature_moments,
};
pub use calibration::{BINS, Calibration, Predictions};
pub use error::{EvaluateError, fit};
pub use evaluator::{Evaluator, MOST_LOGITS, evaluate};
pub use objective::check_objective;
pub use perplexity::{Perplexity, perplexity, predicts_texts};
pub use reestimator::{Reestimator, reestimate};
pub use renormaliser::{Goal, Place, Renormaliser, Spread};
pub use score::Score;
