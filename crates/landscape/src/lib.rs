//! The loss landscape: loss along a segment and its barrier.

mod barrier;
mod error;
mod segment;

pub use barrier::Barrier;
pub use error::LandscapeError;
pub use segment::{Curve, POINTS, Settle, Step, segment};
