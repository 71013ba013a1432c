//! Files of weights under reading.

use std::{
    collections::BTreeMap,
    fmt,
    ops::Range,
    path::{Path, PathBuf},
};

use tensor::{Shape, Stored, Tensor};

use crate::{Format, WeightsError, folder, numpy, pytorch::PyTorch, safetensors::Safetensors, shards};

/// What a file says about one of its tensors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name.
    pub name: String,
    /// The type of the elements.
    pub stored: Stored,
    /// The sizes of the axes.
    pub shape: Shape,
}

impl Entry {
    /// The bytes of all elements.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.shape.elements() * self.stored.size_bytes()
    }
}

/// As `0.weight F32[10, 4]`.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.name, self.stored, self.shape)
    }
}

/// One file of whatever format.
pub(crate) trait Contents: fmt::Debug + Send + Sync {
    /// The tensors in the file's order. Their sizes in bytes do not exceed `usize`.
    fn entries(&self) -> &[Entry];
    /// What the file says about itself; nothing where the format has no place for it.
    fn metadata(&self) -> &BTreeMap<String, String> {
        static NONE: BTreeMap<String, String> = BTreeMap::new();
        &NONE
    }
    /// What was done to the names, for people.
    fn notes(&self) -> &[String] {
        &[]
    }
    /// The bytes of a range of elements of the tensor at `index`, little-endian and row-major.
    fn bytes(&self, index: usize, range: Range<usize>) -> Result<Vec<u8>, WeightsError>;
    /// Whether parts of the tensor at this index can be read without the rest of it.
    fn in_parts(&self, _: usize) -> bool {
        false
    }
    /// Fills `out` with the bytes of the tensor at `index` from element `start` on, on this thread alone.
    fn fill(&self, index: usize, start: usize, out: &mut [u8]) -> Result<(), WeightsError> {
        let elements = out.len() / self.entries()[index].stored.size_bytes();
        out.copy_from_slice(&self.bytes(index, start..start + elements)?);
        Ok(())
    }
    /// A range of elements of the tensor at `index`, which holds floats.
    fn floats(&self, index: usize, range: Range<usize>) -> Result<Vec<f32>, WeightsError>;
}

/// Whether all names begin with `prefix`, and have more than that.
pub(crate) fn all_start_with(entries: &[Entry], prefix: &str) -> bool {
    let longer = |entry: &Entry| entry.name.len() > prefix.len() && entry.name.starts_with(prefix);
    !entries.is_empty() && entries.iter().all(longer)
}

/// Floats of bytes that were read in one piece.
pub(crate) fn floats(stored: Stored, bytes: &[u8]) -> Vec<f32> {
    let mut floats = vec![0.0; bytes.len() / stored.size_bytes()];
    stored.write_f32(bytes, &mut floats);
    floats
}

/// Weights under reading: a file, or several that belong together. Tensors are read when they are asked for.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    files: Vec<(PathBuf, Box<dyn Contents>)>,
    entries: Vec<Entry>,
    /// For each entry, its file and its place there.
    places: Vec<(usize, usize)>,
    by_name: BTreeMap<String, usize>,
    metadata: BTreeMap<String, String>,
    notes: Vec<String>,
}

/// What wrappers put before the names of all tensors: `torch.nn.DataParallel` and `torch.compile`.
const WRAPPERS: [&str; 2] = ["module.", "_orig_mod."];

impl Reader {
    /// Opens a file of any [`Format`], an index of several (`*.index.json`), or a folder: of a run, or as the Hugging Face Hub
    /// lays them out (`model.safetensors`, sharded or not, or `pytorch_model.bin`). No tensor is read yet.
    ///
    /// From a file of PyTorch the tensors of a `state_dict` are taken, also where a checkpoint holds one among other things,
    /// and the prefixes that wrappers add to all names are taken off; [`Reader::notes`] says so.
    ///
    /// # Errors
    /// [`WeightsError::Read`] where a file cannot be read, [`WeightsError::Ending`] for a name that tells no format,
    /// [`WeightsError::NoWeights`] for a folder without weights, [`WeightsError::Format`] where a file is cut short, damaged
    /// or of another format, [`WeightsError::Shards`] where files that belong together do not,
    /// [`WeightsError::UnknownType`] for element types that are not read.
    pub fn open(path: &Path) -> Result<Self, WeightsError> {
        let (files, listed) = folder::find(path)?;
        let files = files
            .into_iter()
            .map(|file| open(&file).map(|contents| (file, contents)))
            .collect::<Result<Vec<_>, _>>()?;
        shards::check(path, listed.as_ref(), &files)?;
        let mut reader = Self {
            path: path.to_owned(),
            files: Vec::new(),
            entries: Vec::new(),
            places: Vec::new(),
            by_name: BTreeMap::new(),
            metadata: BTreeMap::new(),
            notes: Vec::new(),
        };
        files.into_iter().for_each(|(path, contents)| reader.add(path, contents));
        reader.unwrap_names();
        Ok(reader)
    }

    fn add(&mut self, path: PathBuf, contents: Box<dyn Contents>) {
        for (index, entry) in contents.entries().iter().enumerate() {
            self.places.push((self.files.len(), index));
            self.entries.push(entry.clone());
        }
        self.notes.extend(contents.notes().iter().cloned());
        for (key, value) in contents.metadata() {
            self.metadata.entry(key.clone()).or_insert_with(|| value.clone());
        }
        self.files.push((path, contents));
    }

    /// Takes off what wrappers of PyTorch added to all names, and makes names known.
    fn unwrap_names(&mut self) {
        let wrapped = self.files.iter().all(|(path, _)| Format::of(path).is_ok_and(|f| f == Format::PyTorch));
        while wrapped
            && let Some(prefix) = WRAPPERS.iter().find(|prefix| all_start_with(&self.entries, prefix))
        {
            self.entries.iter_mut().for_each(|entry| _ = entry.name.drain(..prefix.len()));
            self.notes.push(format!("'{prefix}' was taken off all names"));
        }
        let names = self.entries.iter().enumerate();
        self.by_name = names.map(|(position, entry)| (entry.name.clone(), position)).collect();
    }

    /// The path that was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The files that hold the tensors.
    pub fn files(&self) -> impl ExactSizeIterator<Item = &Path> {
        self.files.iter().map(|(path, _)| path.as_path())
    }

    /// The tensors in the files' order.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What the files say about themselves; where several say different things, the first one.
    #[must_use]
    pub const fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// What was done to the names, a sentence each for people.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// What is said about the tensor called `name`.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.by_name.get(name).map(|&position| &self.entries[position])
    }

    /// The bytes of a tensor, little-endian and row-major.
    ///
    /// # Errors
    /// [`WeightsError::NoTensor`] for a name that is not there, [`WeightsError::Read`] and [`WeightsError::Format`] where it
    /// cannot be read.
    pub fn bytes(&self, name: &str) -> Result<Vec<u8>, WeightsError> {
        let (entry, contents, index) = self.find(name)?;
        contents.bytes(index, 0..entry.shape.elements())
    }

    /// Whether parts of a tensor can be read without the rest of it, as [`Reader::read_bytes`] then does. Where not, every part
    /// costs as much as the whole: in files of PyTorch for views that do not stand in one piece, compressed archives, and formats
    /// before the archive. Checksums of archives are looked at only where a tensor is read whole.
    ///
    /// # Errors
    /// [`WeightsError::NoTensor`] for a name that is not there.
    pub fn in_parts(&self, name: &str) -> Result<bool, WeightsError> {
        let (_, contents, index) = self.find(name)?;
        Ok(contents.in_parts(index))
    }

    /// Fills `out` with the bytes of a tensor from element `start` on, as [`Reader::bytes`] gives them, on this thread alone: for
    /// callers that read in parallel themselves.
    ///
    /// # Errors
    /// As [`Reader::bytes`].
    ///
    /// # Panics
    /// Where `out` is no whole number of elements, or reaches beyond the last one.
    pub fn read_bytes(&self, name: &str, start: usize, out: &mut [u8]) -> Result<(), WeightsError> {
        let (entry, contents, index) = self.find(name)?;
        let (size, elements) = (entry.stored.size_bytes(), entry.shape.elements());
        let within = out.len().is_multiple_of(size) && out.len() / size <= elements.saturating_sub(start);
        assert!(within, "{} bytes from element {start} of {entry}", out.len());
        contents.fill(index, start, out)
    }

    /// A tensor of floats as `f32`: exactly, but for those stored as `F64`, which are rounded to the nearest, ties to even.
    ///
    /// # Errors
    /// As [`Reader::bytes`], and [`WeightsError::StoredType`] where it holds integers or truth values.
    pub fn read(&self, name: &str) -> Result<Tensor, WeightsError> {
        let shape = self.float(name)?.0.shape.clone();
        let elements = self.read_range(name, 0..shape.elements())?;
        Ok(whole(Tensor::new(shape, elements)))
    }

    /// A range of a tensor's elements, counted row-major, as [`Reader::read`] gives them.
    ///
    /// # Errors
    /// As [`Reader::read`].
    ///
    /// # Panics
    /// Where the range exceeds the elements.
    pub fn read_range(&self, name: &str, range: Range<usize>) -> Result<Vec<f32>, WeightsError> {
        let (entry, contents, index) = self.float(name)?;
        let elements = entry.shape.elements();
        assert!(range.start <= range.end && range.end <= elements, "{range:?} of {elements} elements");
        contents.floats(index, range)
    }

    /// A tensor in the nearest type of ours, every number exactly: `f64` for `F64`, `f32` for other floats, `i32` for
    /// integers, `bool` for truth values.
    ///
    /// # Errors
    /// As [`Reader::bytes`], and [`WeightsError::StoredType`] where an integer exceeds `i32`.
    pub fn read_exact(&self, name: &str) -> Result<Tensor, WeightsError> {
        let (entry, contents, index) = self.find(name)?;
        let bytes = contents.bytes(index, 0..entry.shape.elements())?;
        let buffer =
            entry.stored.exact(&bytes).ok_or_else(|| self.type_fault(entry, "integers up to 2^31"))?;
        Ok(whole(Tensor::from_buffer(entry.shape.clone(), buffer)))
    }

    fn float(&self, name: &str) -> Result<(&Entry, &dyn Contents, usize), WeightsError> {
        let found = self.find(name)?;
        if found.0.stored.is_float() { Ok(found) } else { Err(self.type_fault(found.0, "floats")) }
    }

    fn find(&self, name: &str) -> Result<(&Entry, &dyn Contents, usize), WeightsError> {
        let Some(&position) = self.by_name.get(name) else {
            let known = self.by_name.keys().cloned().collect();
            return Err(WeightsError::NoTensor { path: self.path.clone(), name: name.to_owned(), known });
        };
        let (file, index) = self.places[position];
        Ok((&self.entries[position], &*self.files[file].1, index))
    }

    fn type_fault(&self, entry: &Entry, expected: &'static str) -> WeightsError {
        let (path, name) = (self.path.clone(), entry.name.clone());
        WeightsError::StoredType { path, name, expected, found: entry.stored }
    }
}

fn open(path: &Path) -> Result<Box<dyn Contents>, WeightsError> {
    Ok(match Format::of(path)? {
        Format::Safetensors => Box::new(Safetensors::open(path)?),
        Format::PyTorch => Box::new(PyTorch::open(path)?),
        Format::Npz => Box::new(numpy::Npz::open(path)?),
        Format::Npy => Box::new(numpy::Npy::open(path)?),
    })
}

#[track_caller]
fn whole(tensor: Result<Tensor, tensor::TensorError>) -> Tensor {
    match tensor {
        Ok(tensor) => tensor,
        Err(error) => panic!("as many elements were read as the shape says: {error}"),
    }
}
