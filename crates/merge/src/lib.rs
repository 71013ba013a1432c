//! Interpolating and averaging networks.

mod average;
mod error;
mod interpolate;
mod layout;

pub use average::average;
pub use error::MergeError;
pub use interpolate::interpolate;
