//! Where everything stands in sharded safetensors files that are yet to be written, so that they can be written in any order.

use std::{collections::BTreeMap, ops::Range};

use serde_json::json;

use crate::{Entry, folder, safetensors, shards, write::parts};

/// A file of safetensors to be written: the header, then the tensors at their places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shard {
    /// The file's name.
    pub name: String,
    /// Which of the entries are in it.
    pub entries: Range<usize>,
    /// The first bytes of the file.
    pub header: Vec<u8>,
    /// Where the bytes of each of its tensors begin in the file.
    pub starts: Vec<u64>,
    /// The bytes of the file.
    pub bytes: u64,
}

impl Shard {
    /// Cuts tensors into files of at most `most_bytes` of tensor data each (a larger tensor has a file of its own), called as the
    /// Hugging Face Hub calls them: `model.safetensors` where one is enough, else `model-00001-of-00003.safetensors`.
    #[must_use]
    pub fn plan(entries: &[Entry], metadata: &BTreeMap<String, String>, most_bytes: usize) -> Vec<Self> {
        let parts = parts(entries, most_bytes);
        let name = |number| match parts.len() {
            1 => folder::RUN_WEIGHTS.to_owned(),
            count => shards::file_name(number, count),
        };
        let numbered = parts.iter().enumerate();
        numbered.map(|(index, part)| Self::new(name(index + 1), part.clone(), entries, metadata)).collect()
    }

    fn new(name: String, part: Range<usize>, all: &[Entry], metadata: &BTreeMap<String, String>) -> Self {
        let entries: Vec<&Entry> = all[part.clone()].iter().collect();
        let header = safetensors::begin(&entries, metadata);
        let (mut starts, mut bytes) = (Vec::new(), header.len() as u64);
        for entry in &entries {
            starts.push(bytes);
            bytes += entry.bytes() as u64;
        }
        Self { name, entries: part, header, starts, bytes }
    }

    /// The name and text of the index that belongs to several files; none for a single one.
    #[must_use]
    pub fn index(shards: &[Self], entries: &[Entry]) -> Option<(String, String)> {
        let map: BTreeMap<&str, &str> = shards
            .iter()
            .flat_map(|shard| {
                entries[shard.entries.clone()].iter().map(|entry| (&entry.name[..], &shard.name[..]))
            })
            .collect();
        let total: usize = entries.iter().map(Entry::bytes).sum();
        let index = json!({ "metadata": { "total_size": total }, "weight_map": map });
        let file = format!("{}{}", folder::RUN_WEIGHTS, folder::INDEX);
        (shards.len() > 1).then(|| (file, format!("{index:#}\n")))
    }
}
