//! The folder of the result: beside its place until it is whole, then renamed.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use tensor::atomic_file;

use super::{card::RECIPE, journal};
use crate::{DeltaError, Plan, adapter::Adapter};

/// A file that is locked while a process works.
const LOCK: &str = "lock";

/// A folder that is being filled.
#[derive(Debug)]
pub(super) struct Unfinished {
    path: PathBuf,
    _lock: File,
}

/// As [`Plan::check_place`].
pub(super) fn check(plan: &Plan, out: &Path, replace: bool) -> Result<(), DeltaError> {
    let place = absolute(out)?;
    for model in &plan.models {
        let paths = [Some(model.reader.path()), model.adapter.as_ref().map(Adapter::folder)];
        for path in paths.into_iter().flatten() {
            over_input(&place, path, out)?;
        }
    }
    // Only what a merge has made is ever removed.
    let made_by_a_merge = out.join(RECIPE).is_file();
    let empty = fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_none());
    if !out.exists() || empty || replace && made_by_a_merge {
        return Ok(());
    }
    Err(DeltaError::Exists { path: out.to_owned() })
}

fn over_input(place: &Path, path: &Path, out: &Path) -> Result<(), DeltaError> {
    let input = absolute(path)?;
    if place.starts_with(&input) && input.is_dir() || input.starts_with(place) {
        return Err(DeltaError::OutputOverInput { out: out.to_owned(), input: path.to_owned() });
    }
    Ok(())
}

/// The path from the root, without links as far as it is there.
fn absolute(path: &Path) -> Result<PathBuf, DeltaError> {
    let unreadable = |source| DeltaError::Read { path: path.to_owned(), source };
    let whole = std::path::absolute(path).map_err(unreadable)?;
    for ancestor in whole.ancestors() {
        if let (Ok(real), Ok(rest)) = (ancestor.canonicalize(), whole.strip_prefix(ancestor)) {
            return Ok(if rest.as_os_str().is_empty() { real } else { real.join(rest) });
        }
    }
    Ok(whole)
}

/// The name of a hidden folder beside `out`.
fn beside(out: &Path, what: &str) -> Result<PathBuf, DeltaError> {
    let place = absolute(out)?;
    let name = place.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(place.with_file_name(format!(".{name}.{what}")))
}

impl Unfinished {
    /// Makes the folder, or goes on in it, and locks it.
    pub(super) fn begin(out: &Path) -> Result<Self, DeltaError> {
        let path = beside(out, "unfinished")?;
        let unwritable = |source| DeltaError::Write { path: path.clone(), source };
        fs::create_dir_all(&path).map_err(unwritable)?;
        let lock = File::create(path.join(LOCK)).map_err(unwritable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(DeltaError::Busy { path }),
            Err(TryLockError::Error(source)) => Err(unwritable(source)),
        }
    }

    /// Where files are written.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it, as nothing in it is finished. What cannot be removed is used again the next time.
    pub(super) fn give_up(self) {
        let _ = fs::remove_dir_all(&self.path);
    }

    /// Adds the small files and gives the folder its name.
    pub(super) fn finish(self, out: &Path, small: &[(String, Vec<u8>)]) -> Result<(), DeltaError> {
        for (name, contents) in small {
            atomic_file::write(&self.path.join(name), contents)?;
        }
        self.rename(out).map_err(|source| DeltaError::Write { path: out.to_owned(), source })
    }

    fn rename(self, out: &Path) -> io::Result<()> {
        fs::remove_file(self.path.join(journal::NAME))?;
        fs::remove_file(self.path.join(LOCK))?;
        atomic_file::place_folder(&self.path, out)
    }
}
