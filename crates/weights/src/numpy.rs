//! The formats of numpy.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufReader, Seek, SeekFrom},
    ops::Range,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use tensor::{
    npy::{self, Header, Malformed},
    npz,
};

use crate::{
    Format, WeightsError,
    reader::{Contents, Entry, floats},
    shards::Distinct,
    write::{Sink, WriteSeek},
};

/// The file of an archive that holds what the archive says about itself.
const METADATA: &str = "__metadata__.json";

/// Largest such file that is read.
const MOST_METADATA_BYTES: u64 = 1 << 24;

/// An archive under reading.
#[derive(Debug)]
pub(crate) struct Npz {
    path: PathBuf,
    archive: Mutex<npz::Reader<BufReader<File>>>,
    entries: Vec<Entry>,
    /// Whether the first axis varies fastest, for each entry.
    fortran_order: Vec<bool>,
    metadata: BTreeMap<String, String>,
}

impl Npz {
    pub(crate) fn open(path: &Path) -> Result<Self, WeightsError> {
        let malformed = |error| malformed(path, Format::Npz, error);
        let mut archive = npz::Reader::new(open(path)?).map_err(malformed)?;
        let names: Vec<String> = archive.names().map(str::to_owned).collect();
        let (mut entries, mut fortran_order) = (Vec::new(), Vec::new());
        for name in names {
            let header = array(&name, archive.header(&name)).map_err(malformed)?;
            fortran_order.push(header.fortran_order);
            entries.push(entry(name, header).map_err(malformed)?);
        }
        let metadata = match archive.text(METADATA, MOST_METADATA_BYTES) {
            Some(text) => metadata(&text.map_err(malformed)?).map_err(malformed)?,
            None => BTreeMap::new(),
        };
        Ok(Self { path: path.to_owned(), archive: Mutex::new(archive), entries, fortran_order, metadata })
    }
}

fn metadata(text: &str) -> Result<BTreeMap<String, String>, Malformed> {
    let metadata: Result<Distinct<String>, _> = serde_json::from_str(text);
    metadata.map(|Distinct(metadata)| metadata).map_err(|error| Malformed {
        expected: format!("in {METADATA} an object of texts"),
        found: error.to_string(),
    })
}

/// An array that the directory names.
fn array<T>(name: &str, found: Option<Result<T, Malformed>>) -> Result<T, Malformed> {
    let within =
        |error: Malformed| Malformed { expected: format!("in array '{name}' {}", error.expected), ..error };
    match found {
        Some(found) => found.map_err(within),
        None => Err(Malformed { expected: format!("an array '{name}'"), found: "none".to_owned() }),
    }
}

fn entry(name: String, header: Header) -> Result<Entry, Malformed> {
    match header.data_bytes() {
        Some(_) => Ok(Entry { name, stored: header.stored, shape: header.shape }),
        None => Err(Malformed {
            expected: format!("array '{name}' of a size that fits this machine"),
            found: header.shape.to_string(),
        }),
    }
}

impl Contents for Npz {
    fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    fn bytes(&self, index: usize, range: Range<usize>) -> Result<Vec<u8>, WeightsError> {
        let Entry { name, stored, .. } = &self.entries[index];
        let bytes = range.start * stored.size_bytes()..range.end * stored.size_bytes();
        // A reader that a panic has left behind starts anew at the next array.
        let mut archive = self.archive.lock().unwrap_or_else(PoisonError::into_inner);
        let found = if self.fortran_order[index] {
            let whole = archive.array(name);
            array(name, whole).map(|array| array.bytes[bytes].to_vec())
        } else {
            array(name, archive.range(name, bytes.start, bytes.len()))
        };
        found.map_err(|error| malformed(&self.path, Format::Npz, error))
    }

    fn floats(&self, index: usize, range: Range<usize>) -> Result<Vec<f32>, WeightsError> {
        Ok(floats(self.entries[index].stored, &self.bytes(index, range)?))
    }
}

/// A file of one array, which is called as the file is.
#[derive(Debug)]
pub(crate) struct Npy {
    path: PathBuf,
    entries: [Entry; 1],
    fortran_order: bool,
    /// Where the elements begin in the file.
    start: u64,
}

impl Npy {
    pub(crate) fn open(path: &Path) -> Result<Self, WeightsError> {
        let malformed = |error| malformed(path, Format::Npy, error);
        let mut file = open(path)?;
        let header = Header::read(&mut file).map_err(malformed)?;
        let fortran_order = header.fortran_order;
        let start = file.stream_position().map_err(|source| unreadable(path, source))?;
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let entries = [entry(name, header).map_err(malformed)?];
        Ok(Self { path: path.to_owned(), entries, fortran_order, start })
    }
}

impl Contents for Npy {
    fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn bytes(&self, _: usize, range: Range<usize>) -> Result<Vec<u8>, WeightsError> {
        let size = self.entries[0].stored.size_bytes();
        let bytes = range.start * size..range.end * size;
        let mut file = open(&self.path)?;
        let found = if self.fortran_order {
            npy::read(&mut file).map(|array| array.bytes[bytes].to_vec())
        } else {
            let position = SeekFrom::Start(self.start + bytes.start as u64);
            file.seek(position).map_err(|source| unreadable(&self.path, source))?;
            npy::range(&mut file, 0, bytes.len())
        };
        found.map_err(|error| malformed(&self.path, Format::Npy, error))
    }

    fn floats(&self, index: usize, range: Range<usize>) -> Result<Vec<f32>, WeightsError> {
        Ok(floats(self.entries[0].stored, &self.bytes(index, range)?))
    }
}

fn open(path: &Path) -> Result<BufReader<File>, WeightsError> {
    File::open(path).map(BufReader::new).map_err(|source| unreadable(path, source))
}

fn unreadable(path: &Path, source: io::Error) -> WeightsError {
    WeightsError::Read { path: path.to_owned(), source }
}

fn malformed(path: &Path, format: Format, Malformed { expected, found }: Malformed) -> WeightsError {
    WeightsError::Format { path: path.to_owned(), format, expected, found }
}

pub(crate) fn write_npz(
    file: &mut impl WriteSeek,
    entries: &[&Entry],
    metadata: &BTreeMap<String, String>,
    bytes: Sink<'_>,
) -> io::Result<()> {
    let mut archive = npz::Writer::new(file);
    for entry in entries {
        archive.array(&entry.name, entry.stored, &entry.shape, &bytes(entry)?)?;
    }
    if !metadata.is_empty() {
        archive.file(METADATA, &serde_json::to_vec_pretty(metadata)?)?;
    }
    archive.finish()
}

pub(crate) fn write_npy(file: &mut impl io::Write, entries: &[&Entry], bytes: Sink<'_>) -> io::Result<()> {
    entries.iter().try_for_each(|entry| {
        let header = Header { stored: entry.stored, shape: entry.shape.clone(), fortran_order: false };
        let header = header.encode().ok_or_else(|| io::Error::other("a type that numpy lacks"))?;
        file.write_all(&header)?;
        file.write_all(&bytes(entry)?)
    })
}
