//! Reading and writing files of weights.
//!
//! [`Reader`] opens a file, a folder or an index of several files of any [`Format`], lists the tensors and reads them one
//! by one, or parts of them, so that what is larger than memory can be worked on. [`write()`] writes any of the formats,
//! tensor by tensor. [`load`] and [`save`] are the short way for what fits: [`Params`], tensors of `f32` by name.
//! [`Mismatch`] explains which names and shapes of a file are not those that a network needs, and [`Renaming`] finds the
//! prefix or separator by which two sets of names differ.
//!
//! What is read may come from anywhere: every length is checked against the file before memory is taken for it, nothing in
//! a file is run, and names of further files must stay in their folder.

mod checkpoint;
mod error;
mod folder;
mod format;
mod layout;
mod mismatch;
mod numpy;
mod params;
mod pytorch;
mod read_at;
mod reader;
mod renaming;
mod safetensors;
mod shards;
mod write;

pub use checkpoint::{Checkpoint, MODEL_KEY, is_counter, load, metadata, save};
pub use error::WeightsError;
pub use folder::{RUN_WEIGHTS, files};
pub use format::Format;
pub use layout::Shard;
pub use mismatch::Mismatch;
pub use params::Params;
pub use reader::{Entry, Reader};
pub use renaming::Renaming;
pub use write::{Source, write, write_sharded};
