//! What can be wrong with a tensor.

use std::path::PathBuf;

use crate::{DType, Shape};

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TensorError {
    /// The number of elements does not fit the shape.
    #[error("a tensor of shape {shape} holds {expected} elements, but {found} were given")]
    ElementCount {
        /// The shape asked for.
        shape: Shape,
        /// Its number of elements.
        expected: usize,
        /// The number of elements given.
        found: usize,
    },
    /// The elements are of another type.
    #[error("expected a tensor of {expected}, found one of {found}")]
    DType {
        /// The type asked for.
        expected: DType,
        /// The type of the tensor.
        found: DType,
    },
    /// A file could not be written whole.
    #[error("cannot write {}: {source}; nothing was left behind", path.display())]
    Write {
        /// The file that was to be written.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
}
