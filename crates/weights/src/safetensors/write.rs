//! Writing a file.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use serde_json::{Map, Value, json};

use super::{LENGTH_BYTES, METADATA};
use crate::{reader::Entry, write::Sink};

/// Writes the header, then the bytes of each tensor in order. Equal arguments give equal bytes.
pub(crate) fn write(
    file: &mut impl Write,
    entries: &[&Entry],
    metadata: &BTreeMap<String, String>,
    bytes: Sink<'_>,
) -> io::Result<()> {
    file.write_all(&begin(entries, metadata))?;
    entries.iter().try_for_each(|entry| file.write_all(&bytes(entry)?))
}

/// What stands before the elements: the header's length and the header.
pub(crate) fn begin(entries: &[&Entry], metadata: &BTreeMap<String, String>) -> Vec<u8> {
    let header = header(entries, metadata);
    [&(header.len() as u64).to_le_bytes()[..], &header].concat()
}

fn header(tensors: &[&Entry], metadata: &BTreeMap<String, String>) -> Vec<u8> {
    let mut entries = Map::new();
    if !metadata.is_empty() {
        entries.insert(METADATA.to_owned(), json!(metadata));
    }
    let mut start = 0;
    for entry in tensors {
        let end = start + entry.bytes();
        let described = json!({
            "dtype": entry.stored.name(), "shape": entry.shape.to_vec(), "data_offsets": [start, end]
        });
        entries.insert(entry.name.clone(), described);
        start = end;
    }
    let mut header = Value::Object(entries).to_string().into_bytes();
    header.resize(header.len().next_multiple_of(LENGTH_BYTES), b' ');
    header
}
