//! What can be wrong with networks that are to be merged.

use tensor::{DType, Shape};

/// An error of this crate. Networks are counted from 1.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// There is no network.
    #[error("cannot average no networks: expected at least 1")]
    Empty,
    /// The networks have parameters of different names.
    #[error(
        "networks 1 and {network} have different architectures: expected parameters {}, found {}; only networks of one architecture can be merged",
        expected.join(", "), found.join(", ")
    )]
    Names {
        /// The number of the second network.
        network: usize,
        /// The names in the first.
        expected: Vec<String>,
        /// The names in the second.
        found: Vec<String>,
    },
    /// A parameter has different shapes.
    #[error(
        "networks 1 and {network} have different architectures: expected parameter '{name}' of shape {expected}, found {found}; only networks of one architecture can be merged"
    )]
    Shape {
        /// The number of the second network.
        network: usize,
        /// The parameter's name.
        name: String,
        /// Its shape in the first.
        expected: Shape,
        /// Its shape in the second.
        found: Shape,
    },
    /// A parameter does not hold 32-bit floats.
    #[error("parameter '{name}' of network {network}: expected elements of type f32, found {found}")]
    DType {
        /// The number of the network.
        network: usize,
        /// The parameter's name.
        name: String,
        /// The type found.
        found: DType,
    },
    /// The position on the segment is NaN or infinite.
    #[error(
        "cannot interpolate at {lambda}: expected a finite number, 0 for the first network and 1 for the second"
    )]
    Lambda {
        /// The position.
        lambda: f64,
    },
}
