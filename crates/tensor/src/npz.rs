//! Archives of numpy: the format NPZ, a ZIP archive of NPY files.

use std::io::{self, Read, Seek, Write};

use zip::{CompressionMethod, ZipArchive, ZipWriter, result::ZipError, write::SimpleFileOptions};

use crate::{
    Shape, Stored,
    npy::{self, Array, Header, Malformed},
};

/// The ending of the archive's arrays.
const ENDING: &str = ".npy";

/// An archive under reading. Arrays may be stored or deflated.
#[derive(Debug)]
pub struct Reader<R> {
    archive: ZipArchive<R>,
    files: Vec<String>,
}

impl<R: Read + Seek> Reader<R> {
    /// Reads the directory.
    ///
    /// # Errors
    /// [`Malformed`] where it is cut short, damaged, or no ZIP archive, and where two files have the same name.
    pub fn new(reader: R) -> Result<Self, Malformed> {
        let fault = |found: String| Malformed::new("an NPZ archive", found);
        let archive = ZipArchive::new(reader).map_err(|error| fault(what(&error)))?;
        if archive.has_duplicate_names() {
            return Err(fault("two files of the same name".to_owned()));
        }
        let files: Result<_, _> =
            archive.file_names().map(|name| name.map(std::borrow::Cow::into_owned)).collect();
        Ok(Self { files: files.map_err(|error| fault(what(&error)))?, archive })
    }

    /// The names of the arrays in the archive's order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.files.iter().filter_map(|file| file.strip_suffix(ENDING))
    }

    /// What is said about an array; `None` where there is none of that name.
    pub fn header(&mut self, name: &str) -> Option<Result<Header, Malformed>> {
        self.with_array(name, |file| Header::read(file))
    }

    /// An array; `None` where there is none of that name. An error says what is wrong with it: damaged, or of elements that
    /// are not read.
    pub fn array(&mut self, name: &str) -> Option<Result<Array, Malformed>> {
        self.with_array(name, |file| npy::read(file))
    }

    /// `count` bytes of an array's elements from byte `start`, in the file's order; `None` where there is none of that name.
    pub fn range(&mut self, name: &str, start: usize, count: usize) -> Option<Result<Vec<u8>, Malformed>> {
        self.with_array(name, |file| {
            Header::read(file)?;
            npy::range(file, start, count)
        })
    }

    /// The contents of a file that is no array, up to `most` bytes; `None` where there is none of that name.
    pub fn text(&mut self, file: &str, most: u64) -> Option<Result<String, Malformed>> {
        self.with_file(file, |file| {
            let mut text = String::new();
            let outcome = file.take(most).read_to_string(&mut text);
            outcome.map(|_| text).map_err(|error| Malformed::new("a text", error.to_string()))
        })
    }

    fn with_array<T>(
        &mut self,
        name: &str,
        work: impl FnOnce(&mut dyn Read) -> Result<T, Malformed>,
    ) -> Option<Result<T, Malformed>> {
        self.with_file(&format!("{name}{ENDING}"), work)
    }

    fn with_file<T>(
        &mut self,
        file: &str,
        work: impl FnOnce(&mut dyn Read) -> Result<T, Malformed>,
    ) -> Option<Result<T, Malformed>> {
        match self.archive.by_name(file) {
            Ok(mut file) => Some(work(&mut file)),
            Err(ZipError::FileNotFound) => None,
            Err(error) => Some(Err(Malformed::new("a whole array", what(&error)))),
        }
    }
}

/// An archive under writing. Arrays are stored, not deflated: weights hardly get smaller.
pub struct Writer<W: Write + Seek> {
    archive: ZipWriter<W>,
}

impl<W: Write + Seek> Writer<W> {
    /// Begins an archive.
    pub fn new(writer: W) -> Self {
        Self { archive: ZipWriter::new(writer) }
    }

    /// Writes an array of these bytes, little-endian and row-major.
    ///
    /// # Errors
    /// Where writing fails, the name is there already, or numpy lacks the type ([`Stored::BF16`]).
    pub fn array(&mut self, name: &str, stored: Stored, shape: &Shape, bytes: &[u8]) -> io::Result<()> {
        let header = Header { stored, shape: shape.clone(), fortran_order: false };
        let header = header.encode().ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, format!("numpy has no elements of type {stored}"))
        })?;
        self.start(&format!("{name}{ENDING}"), header.len() + bytes.len())?;
        self.archive.write_all(&header)?;
        self.archive.write_all(bytes)
    }

    /// Writes a file that is no array.
    ///
    /// # Errors
    /// Where writing fails or the name is there already.
    pub fn file(&mut self, name: &str, contents: &[u8]) -> io::Result<()> {
        self.start(name, contents.len())?;
        self.archive.write_all(contents)
    }

    /// Writes the directory.
    ///
    /// # Errors
    /// Where writing fails.
    pub fn finish(self) -> io::Result<()> {
        self.archive.finish()?;
        Ok(())
    }

    /// Equal contents give equal bytes: no time is written.
    fn start(&mut self, file: &str, bytes: usize) -> io::Result<()> {
        let large = u32::try_from(bytes).is_err();
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(zip::DateTime::default())
            .large_file(large);
        Ok(self.archive.start_file(file, options)?)
    }
}

fn what(error: &ZipError) -> String {
    format!("something else or a damaged one ({error})")
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn archive() -> Vec<u8> {
        let mut stored = Cursor::new(Vec::new());
        let mut writer = Writer::new(&mut stored);
        writer.array("b", Stored::U8, &[3].into(), &[1, 2, 3]).unwrap();
        writer.array("deep/a.weight", Stored::F32, &Shape::scalar(), &1f32.to_le_bytes()).unwrap();
        writer.file("note.json", b"{}").unwrap();
        writer.finish().unwrap();
        stored.into_inner()
    }

    /// The same files, deflated.
    fn deflated() -> Vec<u8> {
        let mut reader = ZipArchive::new(Cursor::new(archive())).unwrap();
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for index in 0..reader.len() {
            let mut file = reader.by_index(index).unwrap();
            let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
            writer.start_file(file.name().unwrap().into_owned(), options).unwrap();
            io::copy(&mut file, &mut writer).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn stored_and_deflated_arrays_are_read_in_order() {
        assert_eq!(archive(), archive());
        for stored in [archive(), deflated()] {
            let mut reader = Reader::new(Cursor::new(stored)).unwrap();
            assert_eq!(reader.names().collect::<Vec<_>>(), ["b", "deep/a.weight"]);
            assert_eq!(reader.header("b").unwrap().unwrap().shape, [3].into());
            assert_eq!(reader.array("b").unwrap().unwrap().bytes, [1, 2, 3]);
            assert_eq!(reader.range("b", 1, 2).unwrap().unwrap(), [2, 3]);
            assert!(reader.range("b", 1, 3).unwrap().unwrap_err().found.contains("2 bytes"));
            assert_eq!(reader.array("deep/a.weight").unwrap().unwrap().stored, Stored::F32);
            assert_eq!(reader.text("note.json", 9).unwrap().unwrap(), "{}");
            assert!(reader.array("c").is_none());
        }
    }

    #[test]
    fn a_type_that_numpy_lacks_is_not_written() {
        let mut writer = Writer::new(Cursor::new(Vec::new()));
        let error = writer.array("a", Stored::BF16, &[1].into(), &[0; 2]).unwrap_err();
        assert!(error.to_string().contains("numpy has no elements of type BF16"));
    }

    #[test]
    fn damaged_archives_are_refused_without_a_panic() {
        for stored in [archive(), deflated()] {
            for length in 0..stored.len() {
                assert!(Reader::new(Cursor::new(&stored[..length])).is_err(), "{length}");
            }
            for at in 0..stored.len() {
                let mut stored = stored.clone();
                stored[at] ^= 0x41;
                let Ok(mut reader) = Reader::new(Cursor::new(&stored)) else { continue };
                if let Some(Ok(array)) = reader.array("b") {
                    assert_eq!(array.bytes, [1, 2, 3], "{at}");
                }
            }
        }
    }
}
