//! Data sets, splits and loaders.
//!
//! [`load()`] turns a one-line specification into training and test examples in memory: `f32` features in `[0, 1]`
//! and `i32` labels.

mod dataset;
mod digits;
mod error;
mod idx;
mod load;
mod mnist;
mod order;
mod scaled;

pub use dataset::{Dataset, Splits};
pub use error::DataError;
pub use load::{KNOWN, load};
pub use order::epoch_order;
