//! The format of `torch.save`, read without running anything that a file says.

mod order;
mod pickle;
mod places;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    ops::Range,
    path::{Path, PathBuf},
};

use pytorch_reader::{DType, PytorchError, PytorchReader, Tensor};
use tensor::{Shape, Stored};

pub(crate) use self::pickle::write;
use self::places::Place;
use crate::{
    Format, WeightsError,
    read_at::read_at,
    reader::{Contents, Entry, all_start_with, floats},
};

/// The names under which training scripts keep the weights beside other things, the most usual first.
const NESTED: [&str; 8] =
    ["state_dict", "model_state_dict", "model", "module", "net", "network", "weights", "params"];

/// What PyTorch Lightning puts before all names, in its `state_dict` beside other things.
const LIGHTNING: &str = "model.";

/// A tensor may stand for more elements than are stored, where an axis repeats. It is refused where it is beyond this many
/// bytes and more than [`MOST_REPEATED`] times the file's size. Ours, so that a small file cannot ask for all memory.
const ALWAYS_BYTES: usize = 1 << 26;

/// See [`ALWAYS_BYTES`].
const MOST_REPEATED: u64 = 16;

/// A file under reading.
#[derive(Debug)]
pub(crate) struct PyTorch {
    path: PathBuf,
    entries: Vec<Entry>,
    tensors: Vec<Tensor>,
    /// Where those begin whose parts can be read by themselves.
    starts: Vec<Option<u64>>,
    file: File,
    notes: Vec<String>,
}

impl PyTorch {
    pub(crate) fn open(path: &Path) -> Result<Self, WeightsError> {
        let bytes = match fs::metadata(path) {
            Ok(metadata) => metadata.len(),
            Err(source) => return Err(WeightsError::Read { path: path.to_owned(), source }),
        };
        let (mut tensors, key, mut notes) = select(path)?;
        order::restore(path, &mut tensors)?;
        let mut entries = Vec::new();
        for tensor in &tensors {
            entries.push(entry(path, tensor, bytes)?);
        }
        let lightning = !notes.is_empty() && all_start_with(&entries, LIGHTNING);
        if lightning {
            entries.iter_mut().for_each(|entry| _ = entry.name.drain(..LIGHTNING.len()));
            notes.push(format!("'{LIGHTNING}' was taken off all names"));
        }
        let places = places::find(path);
        let starts = tensors.iter().map(|tensor| start(&places, key, tensor)).collect();
        let file = File::open(path).map_err(|source| WeightsError::Read { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), entries, tensors, starts, file, notes })
    }
}

/// Where a tensor of the dictionary `key` begins, if what is found under its name is the same.
fn start(places: &BTreeMap<String, Place>, key: Option<&str>, tensor: &Tensor) -> Option<u64> {
    let name = key.map_or_else(|| tensor.name.clone(), |key| format!("{key}.{}", tensor.name));
    let place = places.get(&name)?;
    let shape = place.shape.iter().copied().eq(tensor.shape().iter().map(|&size| size as u64));
    (shape && place.class == class(tensor.dtype())).then_some(place.start)
}

/// The class of storages whose bytes are the elements of this type.
const fn class(dtype: DType) -> &'static str {
    match dtype {
        DType::F64 => "DoubleStorage",
        DType::F32 => "FloatStorage",
        DType::F16 => "HalfStorage",
        DType::BF16 => "BFloat16Storage",
        DType::I64 => "LongStorage",
        DType::I32 => "IntStorage",
        DType::I16 => "ShortStorage",
        DType::I8 => "CharStorage",
        DType::U8 => "ByteStorage",
        // Truth values may be stored as any byte that is not 0.
        DType::U64 | DType::U32 | DType::U16 | DType::Bool => "none",
    }
}

/// The tensors of a state dictionary, under which name it stands, and what was passed over.
type Selected = (Vec<Tensor>, Option<&'static str>, Vec<String>);

fn select(path: &Path) -> Result<Selected, WeightsError> {
    let all = read(path, None)?.ok_or_else(|| fault(path, "none".to_owned()))?;
    for key in NESTED {
        let inside = all.iter().filter(|tensor| tensor.name.starts_with(&format!("{key}."))).count();
        // A name that merely begins so is no dictionary of that name.
        if inside == 0 {
            continue;
        }
        let Some(tensors) = read(path, Some(key))?.filter(|tensors| !tensors.is_empty()) else { continue };
        let beside = all.len() - inside;
        let note = format!("the tensors of '{key}' were taken, {beside} beside it were not");
        return Ok((tensors, Some(key), vec![note]));
    }
    Ok((all, None, Vec::new()))
}

/// The tensors of a file, or of a dictionary in it; `None` where there is no such dictionary.
fn read(path: &Path, key: Option<&str>) -> Result<Option<Vec<Tensor>>, WeightsError> {
    let reader = match key {
        Some(key) => PytorchReader::with_top_level_key(path, key),
        None => PytorchReader::new(path),
    };
    let mut tensors = match reader {
        Ok(reader) => reader.into_tensors(),
        Err(PytorchError::KeyNotFound(_)) => return Ok(None),
        Err(error) => return Err(fault(path, error.to_string())),
    };
    let mut names: Vec<String> = tensors.keys().cloned().collect();
    names.sort();
    Ok(Some(names.into_iter().filter_map(|name| tensors.remove(&name)).collect()))
}

fn entry(path: &Path, tensor: &Tensor, file_bytes: u64) -> Result<Entry, WeightsError> {
    let (stored, shape) = (stored(tensor.dtype()), Shape::from(tensor.shape()));
    let bytes = shape.checked_elements().and_then(|elements| stored.checked_bytes(elements));
    let within = |&bytes: &usize| bytes <= ALWAYS_BYTES || bytes as u64 / MOST_REPEATED <= file_bytes;
    match bytes.filter(within) {
        Some(_) => Ok(Entry { name: tensor.name.clone(), stored, shape }),
        None => Err(fault(path, format!("'{}' {stored}{shape}, far larger than the file", tensor.name))),
    }
}

const fn stored(dtype: DType) -> Stored {
    match dtype {
        DType::F64 => Stored::F64,
        DType::F32 => Stored::F32,
        DType::F16 => Stored::F16,
        DType::BF16 => Stored::BF16,
        DType::I64 => Stored::I64,
        DType::I32 => Stored::I32,
        DType::I16 => Stored::I16,
        DType::I8 => Stored::I8,
        DType::U64 => Stored::U64,
        DType::U32 => Stored::U32,
        DType::U16 => Stored::U16,
        DType::U8 => Stored::U8,
        DType::Bool => Stored::Bool,
    }
}

fn fault(path: &Path, found: String) -> WeightsError {
    let expected =
        "dictionaries of dense tensors, as torch.save(module.state_dict(), …) writes them".to_owned();
    WeightsError::Format { path: path.to_owned(), format: Format::PyTorch, expected, found }
}

impl Contents for PyTorch {
    fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn notes(&self) -> &[String] {
        &self.notes
    }

    fn bytes(&self, index: usize, range: Range<usize>) -> Result<Vec<u8>, WeightsError> {
        let mut bytes = self.tensors[index].read().map_err(|error| fault(&self.path, error.to_string()))?;
        let size = self.entries[index].stored.size_bytes();
        if cfg!(target_endian = "big") {
            bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
        }
        bytes.truncate(range.end * size);
        bytes.drain(..range.start * size);
        Ok(bytes)
    }

    fn in_parts(&self, index: usize) -> bool {
        self.starts[index].is_some()
    }

    fn fill(&self, index: usize, start: usize, out: &mut [u8]) -> Result<(), WeightsError> {
        let size = self.entries[index].stored.size_bytes();
        let Some(begin) = self.starts[index] else {
            out.copy_from_slice(&self.bytes(index, start..start + out.len() / size)?);
            return Ok(());
        };
        read_at(&self.file, &self.path, begin + (start * size) as u64, out)
            .map_err(|source| WeightsError::Read { path: self.path.clone(), source })
    }

    fn floats(&self, index: usize, range: Range<usize>) -> Result<Vec<f32>, WeightsError> {
        Ok(floats(self.entries[index].stored, &self.bytes(index, range)?))
    }
}
