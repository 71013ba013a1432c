//! What can be wrong with a walk through the landscape.

use evaluate::EvaluateError;
use merge::MergeError;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LandscapeError {
    /// A number of points that does not hold both ends and the midpoint.
    #[error("a segment needs an odd number of points from 3 on, so that both ends and the midpoint are among them; found {found}, try {}", (found | 1).max(3))]
    Points {
        /// The number of points asked for.
        found: usize,
    },
    /// The networks cannot be interpolated.
    #[error(transparent)]
    Merge(#[from] MergeError),
    /// A network on the segment cannot be evaluated.
    #[error(transparent)]
    Evaluate(#[from] EvaluateError),
}
