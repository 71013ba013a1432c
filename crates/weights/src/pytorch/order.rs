//! The order of the tensors in a file, which its reader does not keep.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::Read,
    path::Path,
};

use pytorch_reader::Tensor;

use crate::WeightsError;

/// The part of a file in which names are looked for. The dictionary stands before the elements, and one of ten thousand
/// tensors takes about two megabytes.
const SEARCHED_BYTES: u64 = 1 << 23;

/// Puts tensors into the order in which their names stand in the file; those whose names do not stand there in one piece
/// follow, numbers in names counting as numbers.
pub(super) fn restore(path: &Path, tensors: &mut [Tensor]) -> Result<(), WeightsError> {
    let unreadable = |source| WeightsError::Read { path: path.to_owned(), source };
    let mut begin = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(SEARCHED_BYTES).read_to_end(&mut begin).map_err(unreadable)?;
    let names: BTreeSet<&[u8]> = tensors.iter().map(|tensor| tensor.name.as_bytes()).collect();
    let places: BTreeMap<Vec<u8>, usize> =
        places(&begin, &names).into_iter().map(|(name, place)| (name.to_vec(), place)).collect();
    let place = |tensor: &Tensor| places.get(tensor.name.as_bytes()).copied().unwrap_or(usize::MAX);
    tensors.sort_by(|a, b| place(a).cmp(&place(b)).then_with(|| natural(&a.name, &b.name)));
    Ok(())
}

/// Where each of the names stands first, as a text of a pickle: a code, its length and its bytes.
fn places<'a>(begin: &'a [u8], names: &BTreeSet<&[u8]>) -> BTreeMap<&'a [u8], usize> {
    let lengths: BTreeSet<usize> = names.iter().map(|name| name.len()).collect();
    let mut places = BTreeMap::new();
    for (at, code) in begin.iter().enumerate() {
        let behind = &begin[at + 1..];
        let text = match code {
            // BINUNICODE and Python 2's BINSTRING; SHORT_BINUNICODE and Python 2's SHORT_BINSTRING.
            b'X' | b'T' => {
                behind.split_first_chunk().map(|(length, text)| (u32::from_le_bytes(*length) as usize, text))
            }
            0x8c | b'U' => behind.split_first().map(|(length, text)| (usize::from(*length), text)),
            _ => None,
        };
        if let Some((length, text)) = text
            && lengths.contains(&length)
            && let Some(name) = text.get(..length)
            && names.contains(name)
        {
            places.entry(name).or_insert(at);
        }
    }
    places
}

/// Compares names so that `layers.2` comes before `layers.10`.
fn natural(a: &str, b: &str) -> Ordering {
    let parts = |name: &str| -> Vec<(u128, String)> {
        name.split('.').map(|part| (part.parse().unwrap_or(u128::MAX), part.to_owned())).collect()
    };
    parts(a).cmp(&parts(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_count_as_numbers() {
        let mut names = ["l.10.w", "l.2.w", "a", "l.2.b"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["a", "l.2.b", "l.2.w", "l.10.w"]);
    }

    #[test]
    fn names_are_found_where_they_stand_first() {
        let names: BTreeSet<&[u8]> = [&b"b"[..], b"ab", b"c"].into();
        let begin = b"\x80\x02X\x02\0\0\0abX\x01\0\0\0bU\x01bX\xff\xff\xff\xff";
        assert_eq!(places(begin, &names), [(&b"ab"[..], 2), (b"b", 9)].into());
    }
}
