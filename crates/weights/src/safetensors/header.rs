//! The header of a file, checked against the file's size.

use std::{collections::BTreeMap, fmt, path::Path};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};
use tensor::{Shape, Stored};

use super::METADATA;
use crate::{Format, WeightsError, reader::Entry, shards::Distinct};

/// The tensors of a file in the order of their data, and where these begin behind the header.
pub(super) struct Header {
    pub(super) entries: Vec<Entry>,
    pub(super) starts: Vec<u64>,
    pub(super) metadata: BTreeMap<String, String>,
}

/// A header as it is written.
struct Written {
    tensors: Vec<(String, Described)>,
    metadata: BTreeMap<String, String>,
}

/// A tensor as it is written.
#[derive(Deserialize)]
struct Described {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [u64; 2],
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(WrittenVisitor)
    }
}

struct WrittenVisitor;

impl<'de> Visitor<'de> for WrittenVisitor {
    type Value = Written;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a member for each tensor")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Written, A::Error> {
        let (mut tensors, mut metadata) = (BTreeMap::new(), None);
        let mut order = 0usize;
        while let Some(name) = map.next_key::<String>()? {
            let twice = if name == METADATA {
                metadata.replace(map.next_value::<Distinct<String>>()?.0).is_some()
            } else {
                order += 1;
                tensors.insert(name.clone(), (order, map.next_value()?)).is_some()
            };
            if twice {
                return Err(A::Error::custom(format!("'{name}' twice")));
            }
        }
        let mut tensors: Vec<(usize, String, Described)> =
            tensors.into_iter().map(|(name, (order, described))| (order, name, described)).collect();
        tensors.sort_by_key(|(order, ..)| *order);
        let tensors = tensors.into_iter().map(|(_, name, described)| (name, described)).collect();
        Ok(Written { tensors, metadata: metadata.unwrap_or_default() })
    }
}

impl Header {
    /// Reads a header of a file with `data_bytes` behind it. The tensors' data must follow one another without gaps.
    pub(super) fn parse(path: &Path, header: &[u8], data_bytes: u64) -> Result<Self, WeightsError> {
        let fault = |expected: String, found: String| fault(path, &expected, found);
        let mut written: Written = serde_json::from_slice(header).map_err(|error| {
            fault("a header that describes its tensors".to_owned(), format!("a damaged one ({error})"))
        })?;
        written.tensors.sort_by_key(|(_, described)| described.data_offsets);
        let (mut entries, mut starts, mut end) = (Vec::new(), Vec::new(), 0);
        for (name, Described { dtype, shape, data_offsets: [from, to] }) in written.tensors {
            let Some(stored) = Stored::from_name(&dtype) else {
                return Err(WeightsError::UnknownType { path: path.to_owned(), name, found: dtype });
            };
            let shape = Shape::from(shape);
            if from != end {
                let expected =
                    format!("the data of tensor '{name}' from byte {end}, where those before it end");
                return Err(fault(expected, format!("them from byte {from}")));
            }
            let bytes = shape.checked_elements().and_then(|elements| stored.checked_bytes(elements));
            if to.checked_sub(from) != bytes.map(|bytes| bytes as u64) || bytes.is_none() {
                let expected = format!("for tensor '{name}' as many bytes as {stored}{shape} needs");
                return Err(fault(expected, format!("those from {from} to {to}")));
            }
            entries.push(Entry { name, stored, shape });
            starts.push(from);
            end = to;
        }
        if end != data_bytes {
            let found = format!("{data_bytes} bytes: cut short or damaged");
            return Err(fault(format!("{end} bytes of tensor data"), found));
        }
        Ok(Self { entries, starts, metadata: written.metadata })
    }
}

pub(super) fn fault(path: &Path, expected: &str, found: String) -> WeightsError {
    let (path, expected) = (path.to_owned(), expected.to_owned());
    WeightsError::Format { path, format: Format::Safetensors, expected, found }
}
