//! Which files a path given by a person stands for.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::{
    WeightsError,
    format::endings,
    shards::{self, Index},
};

/// The name of the weights file in a run folder.
pub const RUN_WEIGHTS: &str = "model.safetensors";

/// The ending of an index of several files.
pub(crate) const INDEX: &str = ".index.json";

/// What a folder is looked through for, in this order: files and indices of files.
const NAMES: [&str; 4] =
    [RUN_WEIGHTS, "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json"];

/// The files that hold the tensors of what [`Reader::open`](crate::Reader::open) takes, without opening them.
///
/// # Errors
/// [`WeightsError::Read`], [`WeightsError::NoWeights`] and [`WeightsError::Shards`], as there.
pub fn files(path: &Path) -> Result<Vec<PathBuf>, WeightsError> {
    Ok(find(path)?.0)
}

/// The files, and what an index says about them, where there is one.
pub(crate) fn find(path: &Path) -> Result<(Vec<PathBuf>, Option<Index>), WeightsError> {
    let there = fs::metadata(path).map_err(|source| WeightsError::Read { path: path.to_owned(), source })?;
    if there.is_dir() {
        return match NAMES.iter().map(|name| path.join(name)).find(|file| file.is_file()) {
            Some(file) => find(&file),
            None => Ok((numbered(path)?, None)),
        };
    }
    if !path.to_string_lossy().ends_with(INDEX) {
        return Ok((vec![path.to_owned()], None));
    }
    let index = shards::read_index(path)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let names: BTreeSet<&String> = index.values().collect();
    Ok((names.into_iter().map(|name| folder.join(name)).collect(), Some(index)))
}

/// The files `*-00001-of-00003.safetensors` of a folder without an index: all that belong together.
fn numbered(folder: &Path) -> Result<Vec<PathBuf>, WeightsError> {
    let unreadable = |source| WeightsError::Read { path: folder.to_owned(), source };
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        names.insert(entry.map_err(unreadable)?.file_name().to_string_lossy().into_owned());
    }
    let shards: Vec<(&String, Numbers<'_>)> =
        names.iter().filter_map(|name| numbers(name).map(|numbers| (name, numbers))).collect();
    let Some((_, (first, _, count))) = shards.first() else {
        let (path, file) = (folder.to_owned(), RUN_WEIGHTS);
        return Err(WeightsError::NoWeights { path, file, endings: endings() });
    };
    let complete =
        shards.iter().map(|(_, numbers)| *numbers).eq((1..=*count).map(|number| (*first, number, *count)));
    if !complete {
        let found = shards.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
        let expected = format!("all files {first}-1-of-{count} to {first}-{count}-of-{count}");
        return Err(WeightsError::Shards { path: folder.to_owned(), expected, found });
    }
    Ok(shards.into_iter().map(|(name, _)| folder.join(name)).collect())
}

/// What stands before the numbers, the file's number and the number of files.
type Numbers<'a> = (&'a str, usize, usize);

fn numbers(name: &str) -> Option<Numbers<'_>> {
    let (before, count) = name.strip_suffix(".safetensors")?.rsplit_once("-of-")?;
    let (name, number) = before.rsplit_once('-')?;
    Some((name, number.parse().ok()?, count.parse().ok()?))
}
