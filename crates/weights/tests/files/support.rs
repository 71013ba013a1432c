//! Small weights, and files of them.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use isoloss_weights::{Checkpoint, Entry, MODEL_KEY, Params, WeightsError, load, save};
use tempfile::TempDir;
use tensor::{Stored, Tensor};

/// A folder that is removed.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// Two tensors in an order that is not their names', with numbers that are easily lost.
pub(crate) fn sample() -> Checkpoint {
    let weight = Tensor::new([2, 3], vec![1.5f32, -2.0, 0.0, f32::MIN_POSITIVE, 1e-40, -0.0]).unwrap();
    let params = Params::from_pairs([("2.weight", weight), ("0.bias", Tensor::full([2], 7f32))]);
    let metadata = [(MODEL_KEY, "mlp:3-2"), ("a \"quoted\" key", "ü")];
    Checkpoint { params, metadata: metadata.map(|(key, value)| (key.to_owned(), value.to_owned())).into() }
}

/// The sample in a file of this name.
pub(crate) fn saved(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    let Checkpoint { params, metadata } = sample();
    save(&path, &params, &metadata).unwrap();
    path
}

/// The message for a file with these contents.
#[track_caller]
pub(crate) fn refused(name: &str, contents: &[u8]) -> String {
    let folder = folder();
    let path = folder.path().join(name);
    fs::write(&path, contents).unwrap();
    load(&path).unwrap_err().to_string()
}

/// A safetensors file of this header and data.
pub(crate) fn with_header(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat()
}

/// Writes one tensor of these bytes.
pub(crate) fn write_one(path: &Path, stored: Stored, bytes: &[u8]) -> Result<(), WeightsError> {
    let shape = [bytes.len() / stored.size_bytes()].into();
    let entry = Entry { name: "x".to_owned(), stored, shape };
    isoloss_weights::write(path, &[entry], &BTreeMap::new(), &mut |_| Ok(bytes.to_vec()))
}
