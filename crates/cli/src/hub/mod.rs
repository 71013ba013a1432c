//! Folders as the Hugging Face Hub lays them out: what stands beside the weights.

mod output;

use std::path::{Path, PathBuf};

use isoloss::{data::Input, models, models::weights};

use crate::failure::{CliError, Failure};
pub(crate) use output::Output;

/// The file that says which network the weights are of.
const CONFIG: &str = "config.json";

/// The file with the tokens.
const TOKENIZER: &str = "tokenizer.json";

/// The folder of a network whose architecture stands in a `config.json` beside its weights, and not in these.
pub(crate) fn folder(path: &Path) -> Result<Option<PathBuf>, Failure> {
    let folder = if path.is_dir() { Some(path) } else { path.parent() };
    match folder.filter(|folder| folder.join(CONFIG).is_file() && !models::is_onnx(path)) {
        Some(folder) if !weights::metadata(path)?.contains_key(weights::MODEL_KEY) => {
            Ok(Some(folder.to_owned()))
        }
        _ => Ok(None),
    }
}

/// Whether a specification is of a text whose tokens it leaves to the network.
fn is_bare_text(spec: &str) -> bool {
    let mut parts = spec.split(',');
    parts.next().is_some_and(|first| first.starts_with("text:"))
        && !parts.any(|option| option.starts_with("tokenizer="))
}

/// How the network at `path` reads texts, where a `tokenizer.json` beside its weights says it and `spec` is of a text.
pub(crate) fn input(path: &Path, spec: &str) -> Result<Option<Input>, Failure> {
    if !is_bare_text(spec) {
        return Ok(None);
    }
    let Some(folder) = folder(path)? else { return Ok(None) };
    let file = folder.join(TOKENIZER);
    if !file.is_file() {
        return Err(CliError::NoTokenizer { folder, data: spec.to_owned() }.into());
    }
    Ok(Some(Input::of_tokenizer(&file)?))
}
