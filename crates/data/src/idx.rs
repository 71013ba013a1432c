//! IDX files of unsigned bytes, gzipped or not: the format of MNIST
//! (LeCun, Cortes and Burges, *The MNIST database of handwritten digits*, section "file formats").

use std::{
    borrow::Cow,
    fs,
    io::{self, Read},
    path::Path,
};

use flate2::bufread::MultiGzDecoder;

use crate::DataError;

/// An array of bytes.
#[derive(Debug, PartialEq)]
pub(crate) struct Idx {
    /// The size of each axis, outermost first; none is 0.
    pub(crate) sizes: Vec<usize>,
    /// The elements, row-major.
    pub(crate) bytes: Vec<u8>,
}

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The most bytes that one byte of DEFLATE can stand for: 258 from two bits (zlib's technical notes, "maximum
/// compression factor"). A header that promises more is wrong, and nothing is allocated for it.
const MOST_FROM_ONE_BYTE: u64 = 1032;

const AGAIN: &str = "the file is damaged or was cut short: fetch it again";

/// Reads a file with `axes` axes.
pub(crate) fn read(path: &Path, axes: u8) -> Result<Idx, DataError> {
    let stored = fs::read(path).map_err(|source| DataError::Read { path: path.to_owned(), source })?;
    decode(path, &stored, axes)
}

/// Decodes the contents of a file; whether it is gzipped is seen from its first bytes, as names may lie. `path`
/// is only named in errors.
pub(crate) fn decode(path: &Path, stored: &[u8], axes: u8) -> Result<Idx, DataError> {
    let length = stored.len() as u64;
    let (mut reader, most): (Box<dyn Read + '_>, u64) = if stored.starts_with(&GZIP_MAGIC) {
        (Box::new(MultiGzDecoder::new(stored)), length.saturating_mul(MOST_FROM_ONE_BYTE))
    } else {
        (Box::new(stored), length)
    };
    let mut file = Source { path, reader: &mut reader };
    let sizes = file.header(axes)?;
    let total = file.total(&sizes, most)?;
    let bytes = file.exactly(total, "elements")?;
    file.end(total)?;
    Ok(Idx { sizes, bytes })
}

/// A file being decoded.
struct Source<'a> {
    path: &'a Path,
    reader: &'a mut dyn Read,
}

impl Source<'_> {
    /// The magic number and the sizes.
    fn header(&mut self, axes: u8) -> Result<Vec<usize>, DataError> {
        let magic = self.exactly(4, "the header")?;
        if magic != [0, 0, 8, axes] {
            let expected = format!("a {axes}-dimensional IDX file of bytes (it begins 00 00 08 {axes:02x})");
            let found: Vec<String> = magic.iter().map(|byte| format!("{byte:02x}")).collect();
            let hint = "is this the right file under this name?";
            return Err(self.fault(expected, found.join(" "), hint));
        }
        let sizes = self.exactly(4 * usize::from(axes), "the header")?;
        Ok(sizes.chunks_exact(4).map(|size| size.iter().fold(0, |n, &b| n << 8 | usize::from(b))).collect())
    }

    /// The number of elements, if the file can hold as many.
    fn total(&self, sizes: &[usize], most: u64) -> Result<usize, DataError> {
        let total = sizes.iter().try_fold(1usize, |product, &size| product.checked_mul(size));
        let shape = sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" × ");
        match total {
            Some(0) => Err(self.fault("at least one example", format!("the sizes {shape}"), AGAIN)),
            Some(total) if total as u64 <= most => Ok(total),
            _ => {
                let expected = format!("the {shape} elements that its header promises");
                Err(self.fault(expected, format!("a file that can hold at most {most}"), AGAIN))
            }
        }
    }

    /// The next `count` bytes, which are `what` in messages.
    fn exactly(&mut self, count: usize, what: &str) -> Result<Vec<u8>, DataError> {
        let mut bytes = Vec::with_capacity(count);
        let outcome = self.reader.take(count as u64).read_to_end(&mut bytes);
        let found = match outcome {
            Ok(_) if bytes.len() == count => return Ok(bytes),
            Ok(_) => Cow::Borrowed("the end of the file"),
            Err(error) => cause(&error),
        };
        Err(self.fault(format!("{count} bytes of {what}"), format!("{found} after {}", bytes.len()), AGAIN))
    }

    /// Nothing but the end of the file, and a right check sum where there is one.
    fn end(&mut self, total: usize) -> Result<(), DataError> {
        let expected = || format!("the end of the file after {total} elements");
        match self.reader.read(&mut [0]) {
            Ok(0) => Ok(()),
            Ok(_) => Err(self.fault(expected(), "more bytes".to_owned(), AGAIN)),
            Err(error) => Err(self.fault(expected(), cause(&error).into_owned(), AGAIN)),
        }
    }

    fn fault(&self, expected: impl Into<String>, found: String, hint: &'static str) -> DataError {
        DataError::Format { path: self.path.to_owned(), expected: expected.into(), found, hint }
    }
}

/// What stopped the decompression, in words for people.
fn cause(error: &io::Error) -> Cow<'static, str> {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Cow::Borrowed("the end of the gzip data"),
        _ => Cow::Owned(format!("damaged gzip data ({error})")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// Two images of 1 × 3.
    fn images() -> Vec<u8> {
        let mut bytes = vec![0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3];
        bytes.extend([1, 2, 3, 4, 5, 255]);
        bytes
    }

    fn decoded(stored: &[u8]) -> Result<Idx, String> {
        decode(Path::new("train-images"), stored, 3).map_err(|error| error.to_string())
    }

    #[test]
    fn plain_and_gzipped_files_decode_alike() {
        let expected = Idx { sizes: vec![2, 1, 3], bytes: vec![1, 2, 3, 4, 5, 255] };
        assert_eq!(decoded(&images()).unwrap(), expected);
        assert_eq!(decoded(&gzip(&images())).unwrap(), expected);
        let stored = images();
        let (head, tail) = stored.split_at(9);
        assert_eq!(decoded(&[gzip(head), gzip(tail)].concat()).unwrap(), expected);
    }

    #[track_caller]
    fn assert_refused(stored: &[u8], parts: &[&str]) {
        let error = decoded(stored).unwrap_err();
        assert!(error.starts_with("train-images: expected "), "{error}");
        assert!(parts.iter().all(|part| error.contains(part)), "{error}");
    }

    #[test]
    fn truncated_files_are_refused() {
        assert_refused(
            &images()[..20],
            &["6 bytes of elements", "found the end of the file after 4", "fetch it again"],
        );
        assert_refused(&images()[..10], &["12 bytes of the header", "found the end of the file after 6"]);
        assert_refused(&[], &["4 bytes of the header", "found the end of the file after 0"]);
        let whole = gzip(&images());
        for length in 2..whole.len() {
            assert_refused(&whole[..length], &["end of the gzip data", "fetch it again"]);
        }
    }

    #[test]
    fn damaged_gzip_data_is_refused() {
        let mut stored = gzip(&images());
        let checksum = stored.len() - 8;
        stored[checksum] ^= 1;
        assert_refused(&stored, &["the end of the file after 6 elements", "damaged gzip data"]);
        assert_refused(&[&GZIP_MAGIC[..], b"not really gzip data at all"].concat(), &["damaged gzip data"]);
    }

    #[test]
    fn other_formats_are_refused() {
        let found = &["a 3-dimensional IDX file of bytes (it begins 00 00 08 03)", "found 00 00 08 01"];
        assert_refused(&[&[0, 0, 8, 1], &images()[4..]].concat(), found);
        assert_refused(b"<!DOCTYPE html>", &["found 3c 21 44 4f", "right file"]);
    }

    #[test]
    fn sizes_that_cannot_be_true_are_refused_without_allocating() {
        let header = |sizes: [u32; 3]| {
            let sizes = sizes.iter().flat_map(|size| size.to_be_bytes());
            [0, 0, 8, 3].into_iter().chain(sizes).chain([7; 6]).collect::<Vec<u8>>()
        };
        assert_refused(&header([u32::MAX; 3]), &["4294967295 × 4294967295 × 4294967295"]);
        assert_refused(&header([u32::MAX, 28, 28]), &["promises", "at most 22"]);
        assert_refused(&gzip(&header([u32::MAX, 28, 28])), &["promises"]);
        assert_refused(&header([0, 28, 28]), &["at least one example", "0 × 28 × 28"]);
    }

    #[test]
    fn bytes_after_the_last_element_are_refused() {
        assert_refused(
            &[images(), vec![0]].concat(),
            &["end of the file after 6 elements", "found more bytes"],
        );
    }
}
