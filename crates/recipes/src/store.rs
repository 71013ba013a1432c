//! Results on disk.

use std::path::Path;

use serde::{Serialize, de::DeserializeOwned};
use tensor::atomic_file;

use crate::RecipeError;

/// Writes a result as JSON, whole or not at all.
pub(crate) fn write<T: Serialize>(path: &Path, result: &T) -> Result<(), RecipeError> {
    let json = serde_json::to_vec_pretty(result)
        .map_err(|error| RecipeError::Stored { path: path.to_owned(), problem: error.to_string() })?;
    Ok(atomic_file::write(path, &json)?)
}

/// Reads a result, if there is one, which must be one of what is asked for.
pub(crate) fn read_of<T: DeserializeOwned>(
    path: &Path,
    is_it: impl Fn(&T) -> bool,
) -> Result<Option<T>, RecipeError> {
    match read(path)? {
        Some(result) if !is_it(&result) => Err(RecipeError::OtherResult { path: path.to_owned() }),
        result => Ok(result),
    }
}

/// Reads a result, if there is one.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, RecipeError> {
    let stored = |problem: String| RecipeError::Stored { path: path.to_owned(), problem };
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(stored(error.to_string())),
    };
    serde_json::from_str(&text).map(Some).map_err(|error| stored(error.to_string()))
}
