//! Experiments on networks, published claims as recipes with scales, budgets, controls and verdicts, and how results become
//! reports.
//!
//! An experiment stores its result beside the networks it trained, so that the same command resumes it.

pub mod certified;
pub mod demo;
mod error;
mod estimate;
pub mod experiment;
pub mod federated;
pub mod matched_pairs;
pub mod measure;
pub mod merged_networks;
mod progress;
pub mod recipe;
mod repetitions;
pub mod reproduce;
pub mod result;
pub mod scored;
mod setting;
mod share;
mod store;
pub mod together;
pub mod training;
pub mod verdict;
pub mod views;

pub use error::RecipeError;
pub use progress::Progress;
pub use setting::Setting;
