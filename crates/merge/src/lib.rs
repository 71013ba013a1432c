//! Interpolating, averaging and renormalising networks.

mod average;
mod error;
mod interpolate;
mod layout;
mod many;
pub mod repair;

pub use average::average;
pub use error::MergeError;
pub use interpolate::interpolate;
pub use many::{Matching, ROUNDS, Together, hierarchical, merge_many};
