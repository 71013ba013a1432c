//! Arrays of numpy: the format NPY, versions 1 to 3 (numpy's documentation, `numpy.lib.format`).

/// An array that was read.
#[derive(Debug, PartialEq)]
pub(crate) struct Array {
    pub(crate) shape: Vec<usize>,
    pub(crate) numbers: Values,
}

/// Its elements, row-major.
#[derive(Debug, PartialEq)]
pub(crate) enum Values {
    Bytes(Vec<u8>),
    Floats(Vec<f32>),
    Integers(Vec<i64>),
}

const MAGIC: &[u8] = b"\x93NUMPY";

/// Reads an array; an error says what was expected and what was found.
pub(crate) fn decode(stored: &[u8]) -> Result<Array, (String, String)> {
    let fault = |expected: &str, found: String| (expected.to_owned(), found);
    let (header, data) = split(stored)
        .ok_or_else(|| fault("an NPY array with a whole header", format!("{} other bytes", stored.len())))?;
    let header =
        std::str::from_utf8(header).map_err(|_| fault("an NPY header in UTF-8", "other bytes".to_owned()))?;
    let entry = |name: &str| {
        entry(header, name).ok_or_else(|| fault(&format!("an NPY header with '{name}'"), header.to_owned()))
    };
    if entry("fortran_order")?.starts_with("True") {
        return Err(fault(
            "an array in C order",
            "one in Fortran order; save numpy.ascontiguousarray of it".to_owned(),
        ));
    }
    let kind = entry("descr")?.trim_matches(|quote| quote == '\'' || quote == '"').to_owned();
    let shape =
        shape(entry("shape")?).ok_or_else(|| fault("an NPY header with a shape", header.to_owned()))?;
    let elements = shape.iter().try_fold(1usize, |product, &size| product.checked_mul(size));
    let width: usize = kind.get(2..).and_then(|width| width.parse().ok()).unwrap_or(0);
    if elements.and_then(|elements| elements.checked_mul(width)) != Some(data.len()) {
        let expected = format!("{shape:?} elements of {width} bytes");
        return Err(fault(&expected, format!("{} bytes: cut short or damaged", data.len())));
    }
    match values(&kind, data) {
        Some(numbers) => Ok(Array { shape, numbers }),
        None => Err(fault("little-endian integers or floats", format!("elements '{kind}'"))),
    }
}

/// The header and the data.
fn split(stored: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = stored.strip_prefix(MAGIC)?;
    let (version, rest) = rest.split_first_chunk::<2>()?;
    if version[0] == 1 {
        let (length, rest) = rest.split_first_chunk()?;
        rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))
    } else {
        let (length, rest) = rest.split_first_chunk()?;
        rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)
    }
}

/// The text behind `'name':` in the header, which is a Python dictionary.
fn entry<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    let at = header.find(&format!("'{name}':"))? + name.len() + 3;
    let value = header[at..].trim_start();
    let end = if value.starts_with('(') { value.find(')')? + 1 } else { value.find([',', '}'])? };
    Some(&value[..end])
}

fn shape(text: &str) -> Option<Vec<usize>> {
    let sizes = text.strip_prefix('(')?.strip_suffix(')')?;
    sizes.split(',').map(str::trim).filter(|size| !size.is_empty()).map(|size| size.parse().ok()).collect()
}

fn values(kind: &str, data: &[u8]) -> Option<Values> {
    Some(match kind {
        "|u1" => Values::Bytes(data.to_vec()),
        "|i1" => integers::<1>(data, |bytes| i64::from(i8::from_le_bytes(bytes))),
        "<u2" => integers(data, |bytes| i64::from(u16::from_le_bytes(bytes))),
        "<i2" => integers(data, |bytes| i64::from(i16::from_le_bytes(bytes))),
        "<u4" => integers(data, |bytes| i64::from(u32::from_le_bytes(bytes))),
        "<i4" => integers(data, |bytes| i64::from(i32::from_le_bytes(bytes))),
        // Numbers above the range are no labels, and are refused as such.
        "<u8" => integers(data, |bytes| i64::try_from(u64::from_le_bytes(bytes)).unwrap_or(i64::MAX)),
        "<i8" => integers(data, i64::from_le_bytes),
        "<f4" => floats(data, f32::from_le_bytes),
        "<f8" => floats(data, |bytes| f64::from_le_bytes(bytes) as f32),
        _ => return None,
    })
}

fn integers<const N: usize>(data: &[u8], value: impl Fn([u8; N]) -> i64) -> Values {
    Values::Integers(data.as_chunks().0.iter().map(|&bytes| value(bytes)).collect())
}

fn floats<const N: usize>(data: &[u8], value: impl Fn([u8; N]) -> f32) -> Values {
    Values::Floats(data.as_chunks().0.iter().map(|&bytes| value(bytes)).collect())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An array as numpy writes it.
    pub(crate) fn encoded(kind: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n");
        [MAGIC, &[1, 0], &(header.len() as u16).to_le_bytes(), header.as_bytes(), data].concat()
    }

    #[test]
    fn arrays_of_all_kinds_are_read() {
        let read = |kind: &str, shape: &str, data: &[u8]| decode(&encoded(kind, shape, data)).unwrap();
        let bytes = read("|u1", "(2, 1)", &[3, 255]);
        assert_eq!(bytes, Array { shape: vec![2, 1], numbers: Values::Bytes(vec![3, 255]) });
        assert_eq!(read("<i8", "(1,)", &(-5i64).to_le_bytes()).numbers, Values::Integers(vec![-5]));
        assert_eq!(read("<u2", "()", &[1, 2]).numbers, Values::Integers(vec![513]));
        assert_eq!(read("<f8", "(1,)", &0.5f64.to_le_bytes()).numbers, Values::Floats(vec![0.5]));
        assert_eq!(read("<f4", "(0, 3)", &[]).numbers, Values::Floats(vec![]));
    }

    #[test]
    fn damaged_and_foreign_arrays_are_refused() {
        let error = |stored: &[u8]| decode(stored).unwrap_err();
        assert!(error(b"PK").1.contains("2 other bytes"));
        let whole = encoded("<f4", "(2,)", &[0; 8]);
        for length in 0..whole.len() {
            error(&whole[..length]);
        }
        assert!(error(&whole[..whole.len() - 1]).1.contains("7 bytes: cut short"));
        assert!(error(&encoded("<c8", "(1,)", &[0; 8])).1.contains("'<c8'"));
        assert!(error(&encoded(">f4", "(1,)", &[0; 4])).0.contains("little-endian"));
        assert!(error(&encoded("<f4", "(4611686018427387904, 8)", &[0; 4])).1.contains("cut short"));
        let fortran = String::from_utf8_lossy(&encoded("|u1", "(1,)", &[0])).replace("False", "True ");
        assert!(decode(fortran.as_bytes()).is_err());
    }
}
