//! What a merge will do: for each tensor of the result its sources, parameters, shape and type. Only headers are read for it.

mod build;
mod fit;
mod layers;
mod model;
mod tensors;

use std::collections::BTreeMap;

use tensor::{Stored, parallel};
use weights::{Entry, Shard};

pub use model::Model;
pub(crate) use model::{CONFIG, LAYERS, TOKENIZER};

use crate::{
    DeltaError, Effective, Recipe, Work,
    vocabulary::{Rows, Vocabulary},
};

/// How a merge is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The most bytes of tensors in a file of the result.
    pub most_shard_bytes: usize,
    /// The most bytes of memory for elements of tensors.
    pub memory: usize,
    /// Decides about random masks.
    pub seed: u64,
}

impl Default for Options {
    /// Files of 5 GB, as mergekit and Hugging Face's libraries write them; 512 MB of memory, ours: it suffices for any tensor of
    /// safetensors files; seed 0.
    fn default() -> Self {
        Self { most_shard_bytes: 5_000_000_000, memory: 512_000_000, seed: 0 }
    }
}

/// Where a tensor comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The model, by its place in [`Plan::models`].
    pub model: usize,
    /// The tensor's name there.
    pub name: String,
}

/// A tensor of the result.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// Name, type and shape.
    pub entry: Entry,
    /// Where it comes from.
    pub sources: Vec<Source>,
    /// Which of the sources is the base.
    pub base: Option<usize>,
    /// What all parameters come to.
    pub effective: Effective,
    /// What is done.
    pub work: Work,
    /// How rows are put in order before, where tokens have other numbers than in the sources.
    pub(crate) rows: Option<Rows>,
}

/// What a merge will do.
#[derive(Debug)]
pub struct Plan {
    /// The recipe.
    pub recipe: Recipe,
    /// How it is done.
    pub options: Options,
    /// All models that it names, each once.
    pub models: Vec<Model>,
    /// The model whose configuration and tokenizer the result has: the base, or the first one.
    pub donor: usize,
    /// The model whose tokenizer the result has.
    pub tokenizer: usize,
    /// The tokens of the result, where the recipe asks for a tokenizer.
    pub(crate) vocabulary: Option<Vocabulary>,
    /// The tensors of the result.
    pub outputs: Vec<Output>,
    /// The files of the result.
    pub shards: Vec<Shard>,
    /// The number of layers of the result, where layers were put together anew.
    pub layers: Option<usize>,
    /// What is worth knowing before the work begins.
    pub notes: Vec<String>,
    /// Chunks that may be worked on at a time without exceeding the memory.
    pub workers: usize,
    /// The memory for elements of tensors that this takes, in bytes.
    pub memory: usize,
}

impl Plan {
    /// The plan of a recipe. Only headers and configurations are read.
    ///
    /// # Errors
    /// [`DeltaError::NoModel`] and those of [`weights::Reader::open`] where a model cannot be read,
    /// [`DeltaError::Incompatible`] with all that does not fit, [`DeltaError::Recipe`] for parameters out of bounds, and
    /// [`DeltaError::Memory`] where the memory does not suffice.
    pub fn new(recipe: Recipe, options: Options) -> Result<Self, DeltaError> {
        let draft = build::draft(&recipe)?;
        let entries: Vec<Entry> = draft.outputs.iter().map(|output| output.entry.clone()).collect();
        let metadata = BTreeMap::from([("format".to_owned(), "pt".to_owned())]);
        let shards = Shard::plan(&entries, &metadata, options.most_shard_bytes);
        let (workers, memory) = fit::workers(&draft.models, &draft.outputs, options.memory)?;
        let mut notes = recipe.notes.clone();
        notes.extend(draft.models.iter().flat_map(|model| {
            model.reader.notes().iter().map(|note| format!("{}: {note}", model.reference))
        }));
        notes.extend(draft.notes);
        let (models, donor, tokenizer) = (draft.models, draft.donor, draft.tokenizer);
        let (outputs, layers, vocabulary) = (draft.outputs, draft.layers, draft.vocabulary);
        Ok(Self {
            recipe,
            options,
            models,
            donor,
            tokenizer,
            vocabulary,
            outputs,
            shards,
            layers,
            notes,
            workers,
            memory,
        })
    }

    /// Name, type and shape of all tensors of the result.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        self.outputs.iter().map(|output| output.entry.clone()).collect()
    }

    /// The bytes that are read, a pass over a tensor counted as often as it is made.
    #[must_use]
    pub fn read_bytes(&self) -> u64 {
        self.outputs.iter().map(|output| self.read_bytes_of(output)).sum()
    }

    /// The bytes of tensors that are written.
    #[must_use]
    pub fn written_bytes(&self) -> u64 {
        self.outputs.iter().map(|output| output.entry.bytes() as u64).sum()
    }

    /// As [`Plan::read_bytes`], of one tensor.
    #[must_use]
    pub fn read_bytes_of(&self, output: &Output) -> u64 {
        let models = if output.work == Work::Copy { 1 } else { output.sources.len() };
        let bytes: u64 =
            output.sources[..models].iter().map(|source| self.source(source).bytes() as u64).sum();
        bytes * (output.work.passes() as u64 + 1)
    }

    pub(crate) fn source(&self, source: &Source) -> &Entry {
        match self.models[source.model].reader.entry(&source.name) {
            Some(entry) => entry,
            None => panic!("a source that was found when the plan was made: {}", source.name),
        }
    }

    /// The type that all tensors of floats are written in, where the recipe says one.
    #[must_use]
    pub fn dtype(&self) -> Option<Stored> {
        self.recipe.out_dtype.or(self.recipe.dtype)
    }
}

/// The threads that work started here would use.
fn threads() -> usize {
    parallel::threads()
}
