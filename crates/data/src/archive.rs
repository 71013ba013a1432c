//! ZIP archives, as far as numpy writes them: files stored or deflated, below 4 GiB (PKWARE's APPNOTE.TXT, section 4.3).

use std::{collections::BTreeMap, io::Read};

use flate2::{Crc, read::DeflateDecoder};

/// Where a file lies in an archive.
#[derive(Clone, Copy, Debug)]
struct Entry {
    method: u16,
    check: u32,
    packed: usize,
    size: usize,
    header: usize,
}

/// The files of an archive by name.
pub(crate) struct Archive<'a> {
    stored: &'a [u8],
    entries: BTreeMap<String, Entry>,
}

const END: u32 = 0x0605_4b50;
const END_BYTES: usize = 22;
const CENTRAL: u32 = 0x0201_4b50;
const CENTRAL_BYTES: usize = 46;
const LOCAL: u32 = 0x0403_4b50;
const LOCAL_BYTES: usize = 30;
/// The longest comment at the end of an archive.
const COMMENT_BYTES: usize = 0xffff;

const STORED: u16 = 0;
const DEFLATED: u16 = 8;

impl<'a> Archive<'a> {
    /// Reads the directory; an error says what was found instead.
    pub(crate) fn new(stored: &'a [u8]) -> Result<Self, String> {
        let entries = directory(stored).ok_or_else(|| {
            format!(
                "{} bytes without the directory of an archive below 4 GiB: cut short, or something else",
                stored.len()
            )
        })?;
        Ok(Self { stored, entries })
    }

    /// The names of the files, sorted.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// The contents of a file that is there; an error says what was found instead.
    pub(crate) fn read(&self, name: &str) -> Option<Result<Vec<u8>, String>> {
        self.entries.get(name).map(|entry| self.contents(*entry))
    }

    fn contents(&self, entry: Entry) -> Result<Vec<u8>, String> {
        let packed = self.packed(entry).ok_or("a place beyond the archive's end")?;
        let bytes = match entry.method {
            STORED => packed.to_vec(),
            DEFLATED => inflated(packed, entry.size)?,
            method => return Err(format!("compression method {method}")),
        };
        let mut crc = Crc::new();
        crc.update(&bytes);
        if bytes.len() == entry.size && crc.sum() == entry.check {
            Ok(bytes)
        } else {
            Err(format!("{} bytes of {} with another check sum", bytes.len(), entry.size))
        }
    }

    fn packed(&self, entry: Entry) -> Option<&'a [u8]> {
        let header = self.stored.get(entry.header..)?;
        if u32_at(header, 0)? != LOCAL {
            return None;
        }
        let start = LOCAL_BYTES + usize::from(u16_at(header, 26)?) + usize::from(u16_at(header, 28)?);
        header.get(start..)?.get(..entry.packed)
    }
}

fn inflated(packed: &[u8], size: usize) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let outcome = DeflateDecoder::new(packed).take(size as u64 + 1).read_to_end(&mut bytes);
    outcome.map(|_| bytes).map_err(|error| format!("damaged data ({error})"))
}

fn directory(stored: &[u8]) -> Option<BTreeMap<String, Entry>> {
    let last = stored.len().checked_sub(END_BYTES)?;
    let first = last.saturating_sub(COMMENT_BYTES);
    let end = (first..=last).rev().find(|&at| u32_at(stored, at) == Some(END))?;
    let count = u16_at(stored, end + 10)?;
    let mut at = usize::try_from(u32_at(stored, end + 16)?).ok()?;
    let mut entries = BTreeMap::new();
    for _ in 0..count {
        let header = stored.get(at..)?;
        let number =
            |at: usize| u32_at(header, at).filter(|&n| n != u32::MAX).and_then(|n| usize::try_from(n).ok());
        let length = |at: usize| u16_at(header, at).map(usize::from);
        if u32_at(header, 0)? != CENTRAL {
            return None;
        }
        let name = header.get(CENTRAL_BYTES..)?.get(..length(28)?)?;
        let entry = Entry {
            method: u16_at(header, 10)?,
            check: u32_at(header, 16)?,
            packed: number(20)?,
            size: number(24)?,
            header: number(42)?,
        };
        entries.insert(String::from_utf8_lossy(name).into_owned(), entry);
        at += CENTRAL_BYTES + length(28)? + length(30)? + length(32)?;
    }
    Some(entries)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Write;

    use flate2::{Compression, write::DeflateEncoder};

    use super::*;

    /// An archive of these files, deflated on demand.
    pub(crate) fn archive(files: &[(&str, &[u8])], deflate: bool) -> Vec<u8> {
        let (mut stored, mut directory) = (Vec::new(), Vec::new());
        for (name, contents) in files {
            let mut crc = Crc::new();
            crc.update(contents);
            let packed = if deflate { deflated(contents) } else { contents.to_vec() };
            let method: u16 = if deflate { DEFLATED } else { STORED };
            let mut common = [20u16, 0, method, 0, 0].map(u16::to_le_bytes).concat();
            let sizes = [crc.sum(), packed.len() as u32, contents.len() as u32];
            common.extend(sizes.map(u32::to_le_bytes).concat());
            common.extend([name.len() as u16, 0].map(u16::to_le_bytes).concat());
            directory.extend([&CENTRAL.to_le_bytes()[..], &20u16.to_le_bytes(), &common].concat());
            directory.extend([0; 10]);
            directory.extend((stored.len() as u32).to_le_bytes());
            directory.extend(name.as_bytes());
            stored.extend([&LOCAL.to_le_bytes()[..], &common, name.as_bytes(), &packed].concat());
        }
        let start = stored.len() as u32;
        stored.extend(&directory);
        stored.extend(END.to_le_bytes());
        stored.extend([0, 0, files.len() as u16, files.len() as u16].map(u16::to_le_bytes).concat());
        stored.extend([directory.len() as u32, start].map(u32::to_le_bytes).concat());
        stored.extend([0; 2]);
        stored
    }

    fn deflated(contents: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(contents).unwrap();
        encoder.finish().unwrap()
    }

    const FILES: [(&str, &[u8]); 2] = [("b.npy", b"hello hello hello"), ("a.npy", b"")];

    #[test]
    fn stored_and_deflated_files_are_read() {
        for deflate in [false, true] {
            let stored = archive(&FILES, deflate);
            let archive = Archive::new(&stored).unwrap();
            assert_eq!(archive.names().collect::<Vec<_>>(), ["a.npy", "b.npy"]);
            assert_eq!(archive.read("b.npy").unwrap().unwrap(), b"hello hello hello");
            assert!(archive.read("a.npy").unwrap().unwrap().is_empty() && archive.read("c").is_none());
        }
    }

    #[test]
    fn damaged_archives_are_refused_without_a_panic() {
        for deflate in [false, true] {
            let stored = archive(&FILES, deflate);
            for length in 0..stored.len() {
                assert!(Archive::new(&stored[..length]).is_err(), "{length}");
            }
            for at in 0..stored.len() {
                let mut stored = stored.clone();
                stored[at] ^= 0x41;
                let Ok(archive) = Archive::new(&stored) else { continue };
                if let Some(Ok(contents)) = archive.read("b.npy") {
                    assert_eq!(contents, b"hello hello hello", "{at}");
                }
            }
        }
    }
}
