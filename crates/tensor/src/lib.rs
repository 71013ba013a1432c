//! Element types, shapes, sizes of images, host tensors, counter-based random numbers and deterministic parallelism.
//!
//! Everything here is shared by all crates above and knows nothing of graphs or networks.

pub mod atomic_file;
mod dtype;
mod error;
mod fingerprint;
mod image;
pub mod names;
pub mod npy;
pub mod npz;
pub mod parallel;
mod rng;
mod shape;
mod stored;
mod tensor;

pub use dtype::{DType, Element};
pub use error::TensorError;
pub use fingerprint::Fingerprint;
pub use image::Image;
pub use rng::{Key, Philox};
pub use shape::Shape;
pub use stored::Stored;
pub use tensor::{Buffer, Tensor};
