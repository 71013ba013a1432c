//! Arrays of numpy: the format NPY, versions 1 to 3 (numpy's documentation, `numpy.lib.format`).

use std::io::{self, Read};

use crate::{Shape, Stored};

/// What an NPY file says about its array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The type of the elements.
    pub stored: Stored,
    /// The sizes of the axes.
    pub shape: Shape,
    /// Whether the first axis varies fastest in the file, as in Fortran.
    pub fortran_order: bool,
}

/// An array: its elements little-endian and row-major.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Array {
    /// The type of the elements.
    pub stored: Stored,
    /// The sizes of the axes.
    pub shape: Shape,
    /// The elements.
    pub bytes: Vec<u8>,
}

/// What is wrong with an array or an archive of arrays.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found {found}")]
pub struct Malformed {
    /// What was expected.
    pub expected: String,
    /// What was found instead.
    pub found: String,
}

const MAGIC: &[u8] = b"\x93NUMPY";

/// The data begin at a multiple of this many bytes, as numpy writes them.
const ALIGNMENT: usize = 64;

/// Longest header that is read. numpy's own are below a kilobyte.
const MOST_HEADER_BYTES: u32 = 1 << 20;

impl Malformed {
    pub(crate) fn new(expected: &str, found: impl Into<String>) -> Self {
        Self { expected: expected.to_owned(), found: found.into() }
    }
}

impl Header {
    /// Reads a header; the reader then stands at the first element.
    ///
    /// # Errors
    /// [`Malformed`] where it is cut short or damaged, and for element types that are not read: complex numbers, texts,
    /// objects, big-endian numbers.
    pub fn read(reader: &mut (impl Read + ?Sized)) -> Result<Self, Malformed> {
        let header = header_bytes(reader).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => whole_header("an earlier end"),
            _ => whole_header(error.to_string()),
        })?;
        let header = std::str::from_utf8(&header).map_err(|_| whole_header("other bytes"))?;
        let kind = entry(header, "descr")?.trim_matches(['\'', '"']);
        let stored = stored(kind).ok_or_else(|| {
            Malformed::new("little-endian integers, floats or truth values", format!("elements '{kind}'"))
        })?;
        let shape = shape(entry(header, "shape")?)
            .ok_or_else(|| Malformed::new("an NPY header with a shape", header))?;
        Ok(Self { stored, shape, fortran_order: entry(header, "fortran_order")?.starts_with("True") })
    }

    /// The bytes of all elements; `None` where that exceeds `usize`.
    #[must_use]
    pub fn data_bytes(&self) -> Option<usize> {
        self.shape.checked_elements().and_then(|elements| self.stored.checked_bytes(elements))
    }

    /// The header as numpy writes it, in format version 1. `None` for [`Stored::BF16`], which numpy does not have.
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        let kind = KINDS.iter().find(|(stored, _)| *stored == self.stored)?.1;
        let order = if self.fortran_order { "True" } else { "False" };
        let mut shape: String = self.shape.iter().map(|size| format!("{size}, ")).collect();
        if self.shape.rank() > 1 {
            shape.truncate(shape.len() - 2);
        }
        let dictionary =
            format!("{{'descr': '{kind}', 'fortran_order': {order}, 'shape': ({}), }}", shape.trim_end());
        let before = MAGIC.len() + 4;
        let length = (before + dictionary.len() + 1).next_multiple_of(ALIGNMENT) - before;
        let stated = u16::try_from(length).ok()?.to_le_bytes();
        let padding = " ".repeat(length - dictionary.len() - 1);
        Some([MAGIC, &[1, 0], &stated, dictionary.as_bytes(), padding.as_bytes(), b"\n"].concat())
    }
}

/// Reads an array.
///
/// # Errors
/// [`Malformed`] as [`Header::read`], and where there are fewer or more elements than the shape says.
pub fn read(reader: &mut (impl Read + ?Sized)) -> Result<Array, Malformed> {
    let Header { stored, shape, fortran_order } = Header::read(reader)?;
    let expected = shape.checked_elements().and_then(|elements| stored.checked_bytes(elements));
    let fault = |found: String| Malformed::new(&format!("elements {stored}{shape}"), found);
    let Some(expected) = expected else { return Err(fault("a size beyond this machine".to_owned())) };
    let mut bytes = Vec::new();
    // One byte more than there should be tells whether there are too many.
    let outcome = reader.take(expected as u64 + 1).read_to_end(&mut bytes);
    outcome.map_err(|error| fault(format!("damaged data ({error})")))?;
    match bytes.len().cmp(&expected) {
        std::cmp::Ordering::Less => Err(fault(format!("{} bytes: cut short or damaged", bytes.len()))),
        std::cmp::Ordering::Greater => Err(fault(format!("more than {expected} bytes"))),
        std::cmp::Ordering::Equal if fortran_order => {
            Ok(Array { stored, bytes: row_major(&bytes, &shape, stored.size_bytes()), shape })
        }
        std::cmp::Ordering::Equal => Ok(Array { stored, shape, bytes }),
    }
}

/// `count` bytes of elements from byte `start`, in the file's order, from a reader behind the header. Memory is taken as the
/// bytes come.
///
/// # Errors
/// [`Malformed`] where there are fewer.
pub fn range(reader: &mut (impl Read + ?Sized), start: usize, count: usize) -> Result<Vec<u8>, Malformed> {
    let fault =
        |found: String| Malformed::new(&format!("{count} bytes of elements from byte {start}"), found);
    let mut bytes = Vec::new();
    io::copy(&mut (&mut *reader).take(start as u64), &mut io::sink())
        .and_then(|_| reader.take(count as u64).read_to_end(&mut bytes))
        .map_err(|error| fault(format!("damaged data ({error})")))?;
    if bytes.len() == count { Ok(bytes) } else { Err(fault(format!("{} bytes: cut short", bytes.len()))) }
}

fn whole_header(found: impl Into<String>) -> Malformed {
    Malformed::new("an NPY array with a whole header", found)
}

fn header_bytes(reader: &mut (impl Read + ?Sized)) -> io::Result<Vec<u8>> {
    let mut begin = [0; MAGIC.len() + 2];
    reader.read_exact(&mut begin)?;
    let Some([version @ 1..=3, _]) = begin.strip_prefix(MAGIC) else {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "another format"));
    };
    let length = if *version == 1 {
        let mut length = [0; 2];
        reader.read_exact(&mut length)?;
        u32::from(u16::from_le_bytes(length))
    } else {
        let mut length = [0; 4];
        reader.read_exact(&mut length)?;
        u32::from_le_bytes(length)
    };
    if length > MOST_HEADER_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a header of {length} bytes")));
    }
    let mut header = vec![0; length as usize];
    reader.read_exact(&mut header)?;
    Ok(header)
}

/// The text behind `'name':` in the header, which is a Python dictionary.
fn entry<'a>(header: &'a str, name: &str) -> Result<&'a str, Malformed> {
    let value = || {
        let at = header.find(&format!("'{name}':"))? + name.len() + 3;
        let value = header[at..].trim_start();
        let end = if value.starts_with('(') { value.find(')')? + 1 } else { value.find([',', '}'])? };
        Some(&value[..end])
    };
    value().ok_or_else(|| Malformed::new(&format!("an NPY header with '{name}'"), header))
}

fn shape(text: &str) -> Option<Shape> {
    let sizes = text.strip_prefix('(')?.strip_suffix(')')?;
    sizes.split(',').map(str::trim).filter(|size| !size.is_empty()).map(|size| size.parse().ok()).collect()
}

/// The types that numpy has, with its names for them.
const KINDS: [(Stored, &str); 12] = [
    (Stored::F64, "<f8"),
    (Stored::F32, "<f4"),
    (Stored::F16, "<f2"),
    (Stored::I64, "<i8"),
    (Stored::I32, "<i4"),
    (Stored::I16, "<i2"),
    (Stored::I8, "|i1"),
    (Stored::U64, "<u8"),
    (Stored::U32, "<u4"),
    (Stored::U16, "<u2"),
    (Stored::U8, "|u1"),
    (Stored::Bool, "|b1"),
];

fn stored(kind: &str) -> Option<Stored> {
    KINDS.iter().find(|(_, known)| *known == kind).map(|(stored, _)| *stored)
}

/// The elements of an array whose first axis varied fastest, with the last one varying fastest.
fn row_major(bytes: &[u8], shape: &Shape, size: usize) -> Vec<u8> {
    let reversed: Shape = shape.iter().rev().copied().collect();
    let strides: Vec<usize> = reversed.strides().into_iter().rev().collect();
    let mut index = vec![0; shape.rank()];
    let mut ordered = Vec::with_capacity(bytes.len());
    for _ in 0..bytes.len() / size {
        let at: usize = index.iter().zip(&strides).map(|(position, stride)| position * stride).sum();
        ordered.extend_from_slice(&bytes[at * size..][..size]);
        for (position, &end) in index.iter_mut().zip(shape.iter()).rev() {
            *position += 1;
            if *position < end {
                break;
            }
            *position = 0;
        }
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(kind: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n");
        [MAGIC, &[1, 0], &(header.len() as u16).to_le_bytes(), header.as_bytes(), data].concat()
    }

    fn decode(mut stored: &[u8]) -> Result<Array, Malformed> {
        read(&mut stored)
    }

    #[test]
    fn arrays_of_every_type_and_rank_are_read() {
        for (stored, kind) in KINDS {
            let bytes: Vec<u8> = (0..6 * stored.size_bytes() as u8).collect();
            let array = decode(&encoded(kind, "(2, 3)", &bytes)).unwrap();
            assert_eq!(array, Array { stored, shape: [2, 3].into(), bytes });
        }
        assert_eq!(decode(&encoded("|u1", "()", &[1])).unwrap().shape, Shape::scalar());
        assert_eq!(decode(&encoded("<f4", "(0, 3)", &[])).unwrap().shape, [0, 3].into());
    }

    #[test]
    fn headers_are_written_as_numpy_writes_them_and_read_again() {
        for (shape, text) in [(vec![], "()"), (vec![5], "(5,)"), (vec![2, 3], "(2, 3)")] {
            let header = Header { stored: Stored::F16, shape: shape.into(), fortran_order: false };
            let written = header.encode().unwrap();
            assert!(written.len().is_multiple_of(ALIGNMENT) && written.ends_with(b"\n"));
            let dictionary = format!("{{'descr': '<f2', 'fortran_order': False, 'shape': {text}, }}");
            assert!(String::from_utf8_lossy(&written).contains(&dictionary), "{dictionary}");
            assert_eq!(Header::read(&mut &written[..]), Ok(header));
        }
        let lacking = Header { stored: Stored::BF16, shape: Shape::scalar(), fortran_order: false };
        assert_eq!(lacking.encode(), None);
    }

    #[test]
    fn fortran_order_is_turned_into_rows() {
        let text = encoded("|u1", "(2, 3)", &[]);
        let text = String::from_utf8_lossy(&text[10..]).replace("False", "True");
        let mut stored = [MAGIC, &[2, 0], &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat();
        stored.extend([0, 10, 1, 11, 2, 12]);
        assert_eq!(decode(&stored).unwrap().bytes, [0, 1, 2, 10, 11, 12]);
    }

    #[test]
    fn damaged_and_foreign_arrays_are_refused() {
        let error = |stored: &[u8]| decode(stored).unwrap_err();
        let whole = encoded("<f4", "(2,)", &[0; 8]);
        for length in 0..whole.len() {
            error(&whole[..length]);
        }
        assert!(error(&whole[..whole.len() - 1]).found.contains("7 bytes: cut short"));
        assert!(error(&[&whole[..], b"x"].concat()).found.contains("more than 8 bytes"));
        assert!(error(b"PK and more than that").found.contains("another format"));
        assert!(error(&encoded("<c8", "(1,)", &[0; 8])).found.contains("'<c8'"));
        assert!(error(&encoded(">f4", "(1,)", &[0; 4])).expected.contains("little-endian"));
        assert!(error(&encoded("<f4", "(4611686018427387904, 8)", &[0; 4])).found.contains("beyond"));
        assert!(error(&encoded("<f4", "(-1,)", &[0; 4])).expected.contains("a shape"));
        let long = [MAGIC, &[2, 0], &u32::MAX.to_le_bytes()].concat();
        assert!(error(&long).found.contains("4294967295 bytes"));
    }
}
