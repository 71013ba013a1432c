//! What can be wrong with networks that are to be merged.

use evaluate::EvaluateError;
use symmetry::SymmetryError;
use tensor::{DType, Shape};

/// An error of this crate. Networks are counted from 1.
#[derive(Debug, thiserror::Error)]
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
    /// No value can be renormalised.
    #[error(
        "nothing can be renormalised in {model}: expected hidden values that weights and biases of their own scale and shift, found none that passed the test{}",
        if refused.is_empty() { String::new() } else { format!(" (refused: {})", refused.join(", ")) }
    )]
    NoSites {
        /// The architecture.
        model: String,
        /// What did not pass.
        refused: Vec<String>,
    },
    /// Other values can be renormalised after merging than before.
    #[error(
        "other values can be renormalised in the merged network than in the networks: expected {}, found {}",
        expected.join(", "), found.join(", ")
    )]
    OtherSites {
        /// The sites of the networks.
        expected: Vec<String>,
        /// Those of the merged one.
        found: Vec<String>,
    },
    /// Clusters are of two networks.
    #[error("clusters are of the units of two networks, found the moments of {found}")]
    Two {
        /// The number of networks.
        found: usize,
    },
    /// The weights of an average are none.
    #[error(
        "cannot average {networks} networks with weights {found:?}: expected one finite weight for each, with the sum 1"
    )]
    Weights {
        /// The number of networks.
        networks: usize,
        /// The weights.
        found: Vec<f64>,
    },
    /// The sites could not be tested.
    #[error(transparent)]
    Symmetry(Box<SymmetryError>),
    /// The network could not be run on the data.
    #[error(transparent)]
    Evaluate(Box<EvaluateError>),
}

impl From<SymmetryError> for MergeError {
    fn from(error: SymmetryError) -> Self {
        Self::Symmetry(Box::new(error))
    }
}

impl From<EvaluateError> for MergeError {
    fn from(error: EvaluateError) -> Self {
        Self::Evaluate(Box::new(error))
    }
}
