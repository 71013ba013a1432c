//! Experiments on networks, published claims as recipes with scales, budgets, controls and verdicts, and how results become
//! reports.
//!
//! An experiment stores its result beside the networks it trained, so that the same command resumes it.

pub mod certified;
pub mod demo;
mod error;
mod estimate;
pub mod experiment;
pub mod matched_pairs;
pub mod measure;
mod progress;
pub mod recipe;
pub mod reproduce;
pub mod result;
mod setting;
mod store;
pub mod training;
pub mod verdict;
pub mod views;

pub use error::RecipeError;
pub use progress::Progress;
pub use setting::Setting;
