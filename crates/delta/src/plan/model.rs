//! A model on the disk: its tensors by their headers, and what its configuration says.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use tensor::Stored;
use weights::{Entry, Reader};

use crate::{
    DeltaError, Reference,
    adapter::Adapter,
    vocabulary::{self, Tokens},
};

/// The longest JSON file beside a model that is read. Ours: configurations have a few kilobytes.
const MOST_JSON: u64 = 1 << 24;

/// The longest tokenizer that is compared. Ours: the largest vocabularies have about 20 megabytes.
const MOST_TOKENIZER: u64 = 1 << 28;

/// The file with a model's tokens, as the Hugging Face Hub has it.
pub(crate) const TOKENIZER: &str = "tokenizer.json";

/// The file with a model's configuration, as the Hugging Face Hub has it.
pub(crate) const CONFIG: &str = "config.json";

/// A model under reading.
#[derive(Debug)]
pub struct Model {
    /// How the recipe calls it.
    pub reference: Reference,
    /// Its tensors.
    pub reader: Reader,
    /// The folder that it lies in, where it is one that was named as a whole.
    pub folder: Option<PathBuf>,
    /// Its `config.json`, where it has one.
    pub config: Option<Value>,
    /// What is added to its tensors.
    pub(crate) adapter: Option<Adapter>,
}

/// Endings of names under which quantised weights keep what belongs to them.
const QUANTISED: [&str; 10] = [
    ".qweight",
    ".qzeros",
    ".g_idx",
    ".SCB",
    ".absmax",
    ".quant_map",
    ".weight_scale",
    ".weight_scale_inv",
    ".weight_packed",
    ".scales",
];

/// Keys of configurations for the number of layers.
pub(crate) const LAYERS: [&str; 4] = ["num_hidden_layers", "n_layer", "num_layers", "n_layers"];

impl Model {
    /// Finds a model and reads its headers.
    pub(super) fn open(reference: &Reference) -> Result<Self, DeltaError> {
        let path = reference.find()?;
        let folder = path.is_dir().then(|| path.clone());
        let reader = Reader::open(&path)?;
        let config =
            folder.as_ref().map(|folder| json(&folder.join(CONFIG), MOST_JSON)).transpose()?.flatten();
        let adapter = match &reference.adapter {
            Some(adapter) => Some(Adapter::open(&adapter.find()?, &reader)?),
            None => None,
        };
        Ok(Self { reference: reference.clone(), reader, folder, config, adapter })
    }

    /// All files that decide about its tensors.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let own = self.reader.files().map(Path::to_owned);
        own.chain(self.adapter.iter().flat_map(Adapter::files)).collect()
    }

    /// Whether the adapter changes this tensor.
    pub(crate) fn changes(&self, tensor: &str) -> bool {
        self.adapter.as_ref().is_some_and(|adapter| adapter.changes(tensor))
    }

    /// Why its weights are quantised, if they are.
    pub(super) fn quantised(&self) -> Option<String> {
        let configured = self.config.as_ref().and_then(|config| config.get("quantization_config"));
        if configured.is_some_and(|value| !value.is_null()) {
            return Some(format!("{} is quantised, says its {CONFIG}", self.reference));
        }
        let packed = |entry: &&Entry| {
            let beside = QUANTISED.iter().any(|ending| entry.name.ends_with(ending));
            let integers = matches!(entry.stored, Stored::U8 | Stored::I8 | Stored::I32 | Stored::U32);
            beside || integers && entry.name.ends_with(".weight")
        };
        let entry = self.reader.entries().iter().find(packed)?;
        Some(format!("{} is quantised: it has {entry}", self.reference))
    }

    /// Whether the output embedding is the input embedding.
    pub(super) fn ties_embeddings(&self) -> bool {
        let tied = |config: &Value| config.get("tie_word_embeddings").and_then(Value::as_bool);
        self.config.as_ref().and_then(tied).unwrap_or(false)
    }

    /// Its tokens that have a row of the embedding; nothing where it has no `tokenizer.json`.
    pub(super) fn tokens(&self) -> Result<Option<Tokens>, DeltaError> {
        let Some(folder) = &self.folder else { return Ok(None) };
        let path = folder.join(TOKENIZER);
        let Some(json) = json(&path, MOST_TOKENIZER)? else { return Ok(None) };
        let embedding = self.reader.entries().iter().find(|entry| vocabulary::is_embedding(&entry.name));
        let rows = embedding.and_then(|entry| entry.shape.first().copied());
        let tokens = Tokens::read(json).and_then(|tokens| match rows {
            Some(rows) => tokens.within(rows),
            None => Ok(tokens),
        });
        let fault = |expected| DeltaError::Json { path, expected, found: "something else".to_owned() };
        tokens.map(Some).map_err(fault)
    }
}

fn json(path: &Path, most: u64) -> Result<Option<Value>, DeltaError> {
    let unreadable = |source| DeltaError::Read { path: path.to_owned(), source };
    let found = match fs::metadata(path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    if found > most {
        return Err(DeltaError::TooLong { path: path.to_owned(), what: "a JSON file", found, most });
    }
    let bytes = fs::read(path).map_err(unreadable)?;
    serde_json::from_slice(&bytes).map(Some).map_err(|error| DeltaError::Json {
        path: path.to_owned(),
        expected: "JSON",
        found: error.to_string(),
    })
}
