//! Files that hold one network together: their index, and whether they fit each other.

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Component, Path, PathBuf},
};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};

use crate::{Format, WeightsError, reader::Contents};

/// For each tensor the name of its file.
pub(crate) type Index = BTreeMap<String, String>;

/// A JSON object whose names must differ.
pub(crate) struct Distinct<V>(pub(crate) BTreeMap<String, V>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Distinct<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(DistinctVisitor(std::marker::PhantomData))
    }
}

struct DistinctVisitor<V>(std::marker::PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for DistinctVisitor<V> {
    type Value = Distinct<V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Distinct<V>, A::Error> {
        let mut entries = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            if entries.contains_key(&name) {
                return Err(A::Error::custom(format!("'{name}' twice")));
            }
            entries.insert(name, map.next_value()?);
        }
        Ok(Distinct(entries))
    }
}

/// What an index file holds that is needed.
#[derive(Deserialize)]
struct Written {
    weight_map: Distinct<String>,
}

/// Largest index that is read, as large as the largest header of safetensors.
const MOST_INDEX_BYTES: u64 = 100_000_000;

/// Reads `*.index.json`, whose files must lie beside it.
pub(crate) fn read_index(path: &Path) -> Result<Index, WeightsError> {
    let unreadable = |source| WeightsError::Read { path: path.to_owned(), source };
    let bytes = fs::metadata(path).map_err(unreadable)?.len();
    if bytes > MOST_INDEX_BYTES {
        return Err(fault(path, "an index below 100 MB", format!("{bytes} bytes")));
    }
    let written = fs::read(path).map_err(unreadable)?;
    let index: Written = serde_json::from_slice(&written).map_err(|error| {
        fault(path, "an index with a 'weight_map' from names of tensors to names of files", error.to_string())
    })?;
    let Distinct(index) = index.weight_map;
    if index.is_empty() {
        return Err(fault(path, "an index that names files", "an empty 'weight_map'".to_owned()));
    }
    match index.iter().find(|(_, file)| !is_plain(file)) {
        Some((name, file)) => Err(fault(
            path,
            &format!("for tensor '{name}' a file beside the index"),
            format!("'{file}'; files elsewhere are never opened"),
        )),
        None => Ok(index),
    }
}

/// Whether this names a file in the same folder.
fn is_plain(file: &str) -> bool {
    let mut components = Path::new(file).components();
    let plain = matches!((components.next(), components.next()), (Some(Component::Normal(_)), None));
    plain && !file.contains(['/', '\\', ':'])
}

/// Checks that no tensor is in two files, and that the files hold exactly what the index says.
pub(crate) fn check(
    path: &Path,
    index: Option<&Index>,
    files: &[(PathBuf, Box<dyn Contents>)],
) -> Result<(), WeightsError> {
    let mut homes: BTreeMap<&str, String> = BTreeMap::new();
    for (file, contents) in files {
        for entry in contents.entries() {
            let home = name_of(file);
            if let Some(other) = homes.insert(&entry.name, home.clone()) {
                return Err(fault(
                    path,
                    &format!("tensor '{}' in one file", entry.name),
                    format!("it in {other} and in {home}"),
                ));
            }
        }
    }
    index.map_or(Ok(()), |index| check_index(path, index, &homes))
}

fn check_index(path: &Path, index: &Index, homes: &BTreeMap<&str, String>) -> Result<(), WeightsError> {
    for (name, file) in index {
        match homes.get(&name[..]) {
            Some(home) if home == file => {}
            home => {
                let found = home.map_or("it in none of the files".to_owned(), |home| format!("it in {home}"));
                return Err(fault(path, &format!("tensor '{name}' in {file}, as the index says"), found));
            }
        }
    }
    match homes.iter().find(|(name, _)| !index.contains_key(**name)) {
        Some((name, home)) => {
            Err(fault(path, "an index that names all tensors", format!("'{name}' in {home} beside it")))
        }
        None => Ok(()),
    }
}

fn name_of(file: &Path) -> String {
    file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn fault(path: &Path, expected: &str, found: String) -> WeightsError {
    WeightsError::Shards { path: path.to_owned(), expected: expected.to_owned(), found }
}

/// The name of file `number` of `count`, as the Hugging Face Hub has them.
pub(crate) fn file_name(number: usize, count: usize) -> String {
    let ending = Format::Safetensors.endings()[0];
    format!("model-{number:05}-of-{count:05}.{ending}")
}
