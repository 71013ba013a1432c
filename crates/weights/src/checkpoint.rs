//! Weights as a whole: tensors of `f32` by name.

use std::{collections::BTreeMap, path::Path};

use tensor::{Stored, Tensor};

use crate::{Entry, Params, Reader, WeightsError, write};

/// The metadata key under which a file says of which model its weights are: a canonical specification.
pub const MODEL_KEY: &str = "isoloss.model";

/// The contents of a file of weights.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checkpoint {
    /// The tensors in the order of the file.
    pub params: Params,
    /// What the file says about itself.
    pub metadata: BTreeMap<String, String>,
}

/// Whether this is the number of batches that a normalisation of PyTorch has seen.
#[must_use]
pub fn is_counter(name: &str) -> bool {
    name.rsplit(['.', '/']).next() == Some("num_batches_tracked")
}

/// Writes parameters with metadata, whole or not at all, as `f32` in the format that the name tells; equal arguments give
/// equal bytes. The data follow the parameters' order.
///
/// # Errors
/// As [`write()`]; an old file is then untouched.
///
/// # Panics
/// Where a tensor does not hold `f32`.
pub fn save(path: &Path, params: &Params, metadata: &BTreeMap<String, String>) -> Result<(), WeightsError> {
    let entries: Vec<Entry> = params.iter().map(|(name, tensor)| entry(name, tensor)).collect();
    let mut tensors = params.values();
    write(path, &entries, metadata, &mut |_| {
        let tensor = tensors.next().expect("a tensor for each entry");
        Ok(Stored::F32.encode(elements(tensor)))
    })
}

/// Reads all tensors of a file or folder, as [`Reader::open`] takes them. PyTorch's counters `num_batches_tracked` are passed
/// over: nothing here uses them, and PyTorch fills them in where they are missing.
///
/// # Errors
/// As [`Reader::open`] and [`Reader::read`]: tensors that are no floats are refused.
pub fn load(path: &Path) -> Result<Checkpoint, WeightsError> {
    let reader = Reader::open(path)?;
    let names = reader.entries().iter().map(|entry| &entry.name).filter(|name| !is_counter(name));
    let tensors = names.map(|name| Ok((name.clone(), reader.read(name)?)));
    let params = Params::from_pairs(tensors.collect::<Result<Vec<_>, WeightsError>>()?);
    Ok(Checkpoint { params, metadata: reader.metadata().clone() })
}

/// Reads what a file or folder says about itself, and not its tensors.
///
/// # Errors
/// As [`Reader::open`].
pub fn metadata(path: &Path) -> Result<BTreeMap<String, String>, WeightsError> {
    Ok(Reader::open(path)?.metadata().clone())
}

fn entry(name: &str, tensor: &Tensor) -> Entry {
    Entry { name: name.to_owned(), stored: tensor.dtype().into(), shape: tensor.shape().clone() }
}

#[track_caller]
fn elements(tensor: &Tensor) -> &[f32] {
    match tensor.as_slice() {
        Ok(elements) => elements,
        Err(error) => panic!("only weights of f32 are written: {error}"),
    }
}
