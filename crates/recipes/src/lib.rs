//! Experiments on pairs of networks, published claims as recipes with scales, budgets, controls and verdicts, and
//! how results become reports.
//!
//! An experiment stores its result beside the networks it trained, so that the same command resumes it.

mod compare;
pub mod demo;
mod error;
mod estimate;
pub mod measure;
pub mod method;
pub mod pair;
pub mod planted;
mod progress;
pub mod recipe;
pub mod reproduce;
pub mod result;
mod store;
#[cfg(test)]
mod test_pairs;
pub mod training_curves;
pub mod verdict;
pub mod views;

pub use error::RecipeError;
pub use progress::Progress;
