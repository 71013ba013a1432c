//! Where results go.
//!
//! Places are checked before the work begins, so that an hour of computing does not end at a folder that cannot be
//! written to; and nothing is made there until the result is complete.

use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
};

use isoloss::tensor::atomic_file;

use crate::failure::{CliError, Failure};

/// Whether what is at `--out` may be replaced.
#[derive(Debug, clap::Args)]
pub(crate) struct Replace {
    /// Replace --out if it is there; inputs are never replaced
    #[arg(long)]
    pub(crate) force: bool,
}

/// The ending of weights files.
const WEIGHTS: &str = "safetensors";

/// Checks that a weights file can be written: it is named `*.safetensors`, is none of the inputs, is not there yet unless
/// `force`, and its folder can be written to.
pub(crate) fn check_weights(out: &Path, inputs: &[PathBuf], force: bool) -> Result<(), Failure> {
    if out.extension() != Some(OsStr::new(WEIGHTS)) {
        let found =
            out.file_name().map_or_else(|| "no name".to_owned(), |name| format!("'{}'", name.display()));
        return Err(fault(out, "a file name that ends in .safetensors", found).into());
    }
    check_file(out, inputs, force)
}

/// Checks that a file can be written: it is none of the inputs, is not there yet unless `force`, and its folder can be
/// written to.
pub(crate) fn check_file(out: &Path, inputs: &[PathBuf], force: bool) -> Result<(), Failure> {
    if let Some(input) = inputs.iter().find(|input| is_same_file(out, input)) {
        return Err(CliError::OutIsInput { out: out.to_owned(), input: input.clone() }.into());
    }
    if out.is_dir() {
        return Err(fault(out, "a file", "a folder".to_owned()).into());
    }
    if out.exists() && !force {
        return Err(CliError::Exists { path: out.to_owned() }.into());
    }
    check_writable(parent(out))
}

/// Checks that a folder is there and can be written to, or can be made.
pub(crate) fn check_folder(out: &Path) -> Result<(), Failure> {
    if out.exists() && !out.is_dir() {
        return Err(fault(out, "a folder", "a file".to_owned()).into());
    }
    check_writable(out)
}

/// Checks that a run can be written into a folder: it is not there yet, or empty, can be made and written to, and is not named as
/// a file of weights is.
pub(crate) fn check_run(out: &Path) -> Result<(), Failure> {
    let fault = |found: &str| fault(out, "a new folder, as for an unfinished run", found.to_owned());
    if out.extension() == Some(OsStr::new(WEIGHTS)) {
        return Err(fault("the name of a file of weights").into());
    }
    check_folder(out)?;
    let unreadable = |source| CliError::Unwritable { path: out.to_owned(), source };
    if out.exists() && fs::read_dir(out).map_err(unreadable)?.next().is_some() {
        return Err(fault("a folder with files").into());
    }
    Ok(())
}

/// Writes files into a folder, which is made if it is not there. Each file is written whole or not at all.
pub(crate) fn write_folder(folder: &Path, files: &[(String, Vec<u8>)]) -> Result<(), Failure> {
    for (name, contents) in files {
        atomic_file::write(&folder.join(name), contents)?;
    }
    Ok(())
}

/// Checks that files can be made in a folder, or in the nearest one above it that is there.
fn check_writable(folder: &Path) -> Result<(), Failure> {
    let unwritable = |source| CliError::Unwritable { path: folder.to_owned(), source };
    let there = folder.ancestors().map(or_here).find(|folder| folder.exists()).unwrap_or(Path::new("."));
    let metadata = fs::metadata(there).map_err(unwritable)?;
    if !metadata.is_dir() {
        return Err(unwritable(io::Error::new(
            io::ErrorKind::NotADirectory,
            format!("{} is a file", there.display()),
        ))
        .into());
    }
    // An unnamed file shows what permissions and mounts allow, and is gone when it is dropped.
    tempfile::tempfile_in(there).map_err(unwritable)?;
    Ok(())
}

fn parent(path: &Path) -> &Path {
    or_here(path.parent().unwrap_or(Path::new("")))
}

/// The empty path means the working folder.
fn or_here(path: &Path) -> &Path {
    if path.as_os_str().is_empty() { Path::new(".") } else { path }
}

fn is_same_file(left: &Path, right: &Path) -> bool {
    match (left.canonicalize(), right.canonicalize()) {
        (Ok(left), Ok(right)) => left == right,
        _ => false,
    }
}

fn fault(path: &Path, expected: &'static str, found: String) -> CliError {
    CliError::Place { path: path.to_owned(), expected, found }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(result: Result<(), Failure>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn an_input_is_never_overwritten_even_by_another_name_and_force() {
        let folder = tempfile::tempdir().unwrap();
        let input = folder.path().join("a.safetensors");
        fs::write(&input, "").unwrap();
        let other_name = folder.path().join(".").join("a.safetensors");
        assert!(message(check_weights(&other_name, &[input], true)).contains("same file as the input"));
    }

    #[test]
    fn what_is_there_needs_force() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("a.safetensors");
        fs::write(&out, "").unwrap();
        assert!(message(check_weights(&out, &[], false)).contains("--force"));
        assert!(check_weights(&out, &[], true).is_ok());
    }

    #[test]
    fn a_place_below_a_file_is_refused_and_nothing_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(message(check_folder(&file.join("deep/er"))).contains("is a file"));
        assert!(message(check_folder(&file)).contains("expected a folder, found a file"));
        assert!(check_folder(&folder.path().join("new/folder")).is_ok());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn weights_have_their_ending() {
        assert!(message(check_weights(Path::new("merged"), &[], false)).contains("found 'merged'"));
        assert!(check_weights(Path::new("merged.safetensors"), &[], false).is_ok());
    }
}
