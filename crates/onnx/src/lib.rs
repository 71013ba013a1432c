//! Reading ONNX networks as graphs, and writing them.
//!
//! An [`OnnxModel`] is a network read from a file: its parameters and buffers under the names that the file gives them,
//! its inputs, and a program that [`OnnxModel::emit`] turns into graph for any size of the batch. What depends on shapes
//! alone is computed while the graph is built, so that nothing of the exporter's arithmetic on shapes is left in it.
//! [`export()`] writes any graph as ONNX, and [`OnnxModel::patch`] puts other weights into a file and leaves every other
//! byte as it is.

mod bound;
mod classify;
mod element;
mod error;
mod export;
mod external;
mod lower;
mod model;
mod parsed;
mod patch;
mod port;
#[expect(unreachable_pub, clippy::enum_variant_names, reason = "generated with everything public")]
mod schema;

pub use error::{Missing, OnnxError};
pub use export::{Examples, export};
pub use lower::{Emission, operators};
pub use model::OnnxModel;
pub use port::{Batch, Entry, Moments, Port, PortKind};
