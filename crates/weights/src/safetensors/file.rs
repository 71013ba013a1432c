//! Reading a file.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Read,
    ops::Range,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use tensor::{Stored, parallel};

use super::{
    LENGTH_BYTES,
    header::{Header, fault},
};
use crate::{
    WeightsError,
    read_at::read_at,
    reader::{Contents, Entry},
};

/// Longest header that is read: the limit of the format's own library.
const MOST_HEADER_BYTES: u64 = 100_000_000;

/// Bytes read at a time by one thread: many times what a call of the operating system costs.
const PIECE: usize = 1 << 22;

/// Elements of other types than ours read and converted at a time, so that they stay in the cache.
const BLOCK: usize = 1 << 16;

/// A file under reading. The header was checked, so that every tensor lies within the file.
#[derive(Debug)]
pub(crate) struct Safetensors {
    path: PathBuf,
    file: File,
    entries: Vec<Entry>,
    /// Where each tensor's data begin in the file.
    starts: Vec<u64>,
    metadata: BTreeMap<String, String>,
}

impl Safetensors {
    pub(crate) fn open(path: &Path) -> Result<Self, WeightsError> {
        let unreadable = |source| WeightsError::Read { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(unreadable)?;
        let bytes = file.metadata().map_err(unreadable)?.len();
        let mut length = Vec::new();
        Read::by_ref(&mut file).take(LENGTH_BYTES as u64).read_to_end(&mut length).map_err(unreadable)?;
        let Some(length) = length.first_chunk().copied().map(u64::from_le_bytes) else {
            return Err(fault(path, &format!("at least {LENGTH_BYTES} bytes"), length.len().to_string()));
        };
        let Some(rest) = (bytes - LENGTH_BYTES as u64).checked_sub(length) else {
            let expected = format!("a header that ends within the file's {bytes} bytes");
            let found = format!("a header length of {length}: cut short, or not safetensors at all");
            return Err(fault(path, &expected, found));
        };
        if length > MOST_HEADER_BYTES {
            let expected = format!("a header of at most {MOST_HEADER_BYTES} bytes");
            return Err(fault(path, &expected, length.to_string()));
        }
        let mut header = Vec::new();
        Read::by_ref(&mut file).take(length).read_to_end(&mut header).map_err(unreadable)?;
        let Header { entries, starts, metadata } = Header::parse(path, &header, rest)?;
        let data = LENGTH_BYTES as u64 + length;
        let starts = starts.into_iter().map(|start| data + start).collect();
        Ok(Self { path: path.to_owned(), file, entries, starts, metadata })
    }

    /// Fills `out` with the bytes of the tensor at `index` from its element `start`, on all threads.
    fn fill_all(&self, index: usize, start: usize, out: &mut [u8]) -> Result<(), WeightsError> {
        let start = self.starts[index] + (start * self.entries[index].stored.size_bytes()) as u64;
        let failed = OnceLock::new();
        parallel::for_each_chunk(out, PIECE, |offset, piece| {
            if let Err(source) = read_at(&self.file, &self.path, start + offset as u64, piece) {
                let _ = failed.set(source);
            }
        });
        match failed.into_inner() {
            Some(source) => Err(WeightsError::Read { path: self.path.clone(), source }),
            None => Ok(()),
        }
    }
}

impl Contents for Safetensors {
    fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    fn bytes(&self, index: usize, range: Range<usize>) -> Result<Vec<u8>, WeightsError> {
        let mut bytes = vec![0; range.len() * self.entries[index].stored.size_bytes()];
        self.fill_all(index, range.start, &mut bytes)?;
        Ok(bytes)
    }

    fn in_parts(&self, _: usize) -> bool {
        true
    }

    fn fill(&self, index: usize, start: usize, out: &mut [u8]) -> Result<(), WeightsError> {
        let start = self.starts[index] + (start * self.entries[index].stored.size_bytes()) as u64;
        read_at(&self.file, &self.path, start, out)
            .map_err(|source| WeightsError::Read { path: self.path.clone(), source })
    }

    /// 32-bit floats are read to where they stay; others pass through a block that stays in the cache.
    fn floats(&self, index: usize, range: Range<usize>) -> Result<Vec<f32>, WeightsError> {
        let stored = self.entries[index].stored;
        let mut floats = vec![0f32; range.len()];
        if stored == Stored::F32 && cfg!(target_endian = "little") {
            self.fill_all(index, range.start, bytemuck::cast_slice_mut(&mut floats))?;
            return Ok(floats);
        }
        let failed = OnceLock::new();
        parallel::for_each_chunk(&mut floats, BLOCK, |start, block| {
            let mut bytes = vec![0; block.len() * stored.size_bytes()];
            match self.fill_all(index, range.start + start, &mut bytes) {
                Ok(()) => stored.write_f32(&bytes, block),
                Err(error) => _ = failed.set(error),
            }
        });
        failed.into_inner().map_or(Ok(floats), Err)
    }
}
