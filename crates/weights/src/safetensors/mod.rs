//! The format safetensors: the header's length, the header as JSON, and the elements of the tensors one after the other.

mod file;
mod header;
mod write;

pub(crate) use file::Safetensors;
pub(crate) use write::{begin, write};

/// The name of the header's entry that holds what the file says about itself.
const METADATA: &str = "__metadata__";

/// The file begins with the header's length in this many bytes, little-endian; the header is padded to a multiple of it.
const LENGTH_BYTES: usize = 8;
