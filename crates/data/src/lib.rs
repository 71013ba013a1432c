//! Data sets, splits and loaders.
//!
//! [`load`] turns a one-line specification into training and test examples in memory: `f32` features in `[0, 1]`
//! and `i32` labels.

mod dataset;
mod error;
mod order;

pub use dataset::{Dataset, Splits};
pub use error::DataError;
pub use order::epoch_order;
