//! Writing files of weights, tensor by tensor.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Seek, Write},
    ops::Range,
    path::Path,
};

use serde_json::json;
use tensor::{TensorError, atomic_file};

use crate::{Entry, Format, WeightsError, folder, numpy, pytorch, safetensors, shards};

/// Gives the bytes of a tensor, little-endian and row-major, when it is to be written.
pub type Source<'a> = &'a mut dyn FnMut(&Entry) -> Result<Vec<u8>, WeightsError>;

/// A [`Source`] whose errors pass through a writer of the operating system's errors.
pub(crate) type Sink<'a> = &'a mut dyn FnMut(&Entry) -> io::Result<Vec<u8>>;

/// Writes a file, whole or not at all, in the [`Format`] that its name tells; equal arguments give equal bytes. Each
/// tensor's bytes are asked for once, in order.
///
/// PyTorch's format and NPY have no place for metadata, which are then not written. NPZ keeps them in a file of the
/// archive, `__metadata__.json`.
///
/// # Errors
/// [`WeightsError::Ending`] for a name that tells no format, [`WeightsError::Unwritable`] where the format cannot hold the
/// tensors (BF16 in numpy's, more than one in NPY, unsigned integers beyond bytes in PyTorch's), [`WeightsError::Write`] where the file cannot be written, and those of
/// `bytes`. An old file is then untouched.
///
/// # Panics
/// Where `bytes` gives another number of bytes than the entry needs.
pub fn write(
    path: &Path,
    entries: &[Entry],
    metadata: &BTreeMap<String, String>,
    bytes: Source<'_>,
) -> Result<(), WeightsError> {
    let entries: Vec<&Entry> = entries.iter().collect();
    let format = Format::of(path)?;
    check(path, format, &entries)?;
    atomic(path, bytes, |file, bytes| match format {
        Format::Safetensors => safetensors::write(file, &entries, metadata, bytes),
        Format::PyTorch => pytorch::write(file, &entries, bytes),
        Format::Npz => numpy::write_npz(file, &entries, metadata, bytes),
        Format::Npy => numpy::write_npy(file, &entries, bytes),
    })
}

/// Checks that a format has the tensors' types, and that a file of one array is asked to hold one.
fn check(path: &Path, format: Format, entries: &[&Entry]) -> Result<(), WeightsError> {
    let fault = |what: String, hint| WeightsError::Unwritable { path: path.to_owned(), format, what, hint };
    if let Some(entry) = entries.iter().find(|entry| !format.holds(entry.stored)) {
        let what = format!("{}, as tensor '{}' is", entry.stored, entry.name);
        return Err(fault(what, "write .safetensors instead, or convert 16-bit floats to f16 or f32"));
    }
    if format == Format::Npy && entries.len() != 1 {
        return Err(fault(format!("{} tensors, only one", entries.len()), "write .npz instead"));
    }
    Ok(())
}

/// Writes a folder of safetensors files of at most `most_bytes` of tensor data each (a larger tensor has a file of its own),
/// with the index `model.safetensors.index.json` that the Hugging Face Hub has. The index is written last. Returns the names
/// of the files.
///
/// # Errors
/// [`WeightsError::Write`] where a file cannot be written, and those of `bytes`.
///
/// # Panics
/// As [`write()`].
pub fn write_sharded(
    folder: &Path,
    entries: &[Entry],
    metadata: &BTreeMap<String, String>,
    most_bytes: usize,
    bytes: Source<'_>,
) -> Result<Vec<String>, WeightsError> {
    let parts: Vec<Vec<&Entry>> =
        parts(entries, most_bytes).into_iter().map(|part| entries[part].iter().collect()).collect();
    let names: Vec<String> = (1..=parts.len()).map(|number| shards::file_name(number, parts.len())).collect();
    let mut map = BTreeMap::new();
    for (name, part) in names.iter().zip(&parts) {
        atomic(&folder.join(name), bytes, |file, bytes| safetensors::write(file, part, metadata, bytes))?;
        map.extend(part.iter().map(|entry| (entry.name.as_str(), name.as_str())));
    }
    let total: usize = entries.iter().map(Entry::bytes).sum();
    let index = json!({ "metadata": { "total_size": total }, "weight_map": map });
    let file = format!("{}{}", folder::RUN_WEIGHTS, folder::INDEX);
    atomic_file::write(&folder.join(file), format!("{index:#}\n").as_bytes())?;
    Ok(names)
}

/// Runs of tensors that stay below the limit together; at least one.
pub(crate) fn parts(entries: &[Entry], most_bytes: usize) -> Vec<Range<usize>> {
    let (mut parts, mut begin, mut filled) = (Vec::new(), 0, 0usize);
    for (index, entry) in entries.iter().enumerate() {
        let sum = filled.saturating_add(entry.bytes());
        if sum > most_bytes && index > begin {
            parts.push(begin..index);
            (begin, filled) = (index, entry.bytes());
        } else {
            filled = sum;
        }
    }
    parts.push(begin..entries.len());
    parts
}

/// Writes a file whole or not at all; an error of `bytes` comes back as what it was.
fn atomic(
    path: &Path,
    bytes: Source<'_>,
    fill: impl FnOnce(&mut io::BufWriter<&fs::File>, Sink<'_>) -> io::Result<()>,
) -> Result<(), WeightsError> {
    let mut checked = |entry: &Entry| {
        let bytes = bytes(entry).map_err(io::Error::other)?;
        assert_eq!(bytes.len(), entry.bytes(), "the bytes of {entry}");
        Ok(bytes)
    };
    atomic_file::write_with(path, |file| fill(file, &mut checked)).map_err(|error| match error {
        TensorError::Write { path, source } => match source.downcast::<WeightsError>() {
            Ok(error) => error,
            Err(source) => TensorError::Write { path, source }.into(),
        },
        other => other.into(),
    })
}

/// A writer that can also go back, as archives need.
pub(crate) trait WriteSeek: Write + Seek {}

impl<W: Write + Seek> WriteSeek for W {}
