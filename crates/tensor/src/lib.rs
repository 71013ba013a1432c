//! Element types, shapes, host tensors, counter-based random numbers and deterministic parallelism.
//!
//! Everything here is shared by all crates above and knows nothing of graphs or networks.

pub mod atomic_file;
mod dtype;
mod error;
pub mod names;
pub mod parallel;
mod rng;
mod shape;
mod tensor;

pub use dtype::{DType, Element};
pub use error::TensorError;
pub use rng::Key;
pub use shape::Shape;
pub use tensor::{Buffer, Tensor};
