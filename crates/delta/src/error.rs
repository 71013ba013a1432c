//! What can be wrong with a merge of checkpoints.

use std::path::PathBuf;

use tensor::{TensorError, names};
use weights::WeightsError;

use crate::Method;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeltaError {
    /// A file or folder could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file or folder could not be written.
    #[error("cannot write {}: {source}; what is finished stays for the same command to go on from", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file is longer than files of its kind are.
    #[error("{} has {found} bytes; at most {most} are read of {what}", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// What it was read as.
        what: &'static str,
        /// Its length in bytes.
        found: u64,
        /// The largest length that is read.
        most: u64,
    },
    /// The recipe is no YAML, or beyond the limits against hostile files.
    #[error("the recipe is not read as YAML: {reason}")]
    Yaml {
        /// What the parser said, with the place.
        reason: String,
    },
    /// Something in the recipe is not what belongs there.
    #[error("{at}: expected {expected}, found {found}")]
    Recipe {
        /// Where, as `models[1].parameters.weight`.
        at: String,
        /// What was expected.
        expected: String,
        /// What was found.
        found: String,
    },
    /// A key that is not known at its place.
    #[error("{at}: there is no '{found}'{}; known are {}", names::suggestion(found, known), known.join(", "))]
    UnknownKey {
        /// Where.
        at: String,
        /// The key.
        found: String,
        /// The keys there are.
        known: Vec<&'static str>,
    },
    /// A merge method that is not known.
    #[error("merge_method: there is no '{found}'{}; known are {}", names::suggestion(found, &Method::names()), Method::names().join(", "))]
    UnknownMethod {
        /// The method.
        found: String,
    },
    /// Something that mergekit's recipes may say and that is not done here.
    #[error("{at}: {what} is not supported; {hint}")]
    Unsupported {
        /// Where.
        at: String,
        /// What.
        what: String,
        /// What to do instead.
        hint: &'static str,
    },
    /// A model is not on this machine.
    #[error("model '{reference}' is not here: neither a file or folder of that name, nor in the hub's cache ({}); nothing is downloaded", tried.display())]
    NoModel {
        /// The model as the recipe names it.
        reference: String,
        /// Where in the cache it was looked for.
        tried: PathBuf,
    },
    /// A JSON file beside a model is damaged.
    #[error("{}: expected {expected}, found {found}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What was expected.
        expected: &'static str,
        /// What was found.
        found: String,
    },
    /// An adapter that is no plain LoRA, is damaged, or does not fit its model.
    #[error("adapter {}: expected {expected}, found {found}", path.display())]
    Adapter {
        /// The folder.
        path: PathBuf,
        /// What was expected.
        expected: String,
        /// What was found.
        found: String,
    },
    /// The models do not fit each other or the method, one sentence each.
    #[error("the models cannot be merged so: {}", faults.join("; "))]
    Incompatible {
        /// All that is wrong.
        faults: Vec<String>,
    },
    /// The work needs more memory than it may take.
    #[error("tensor '{tensor}' needs {needed} bytes of memory, {given} may be taken; {hint}")]
    Memory {
        /// The tensor that needs most.
        tensor: String,
        /// What it needs.
        needed: usize,
        /// What may be taken.
        given: usize,
        /// What to do.
        hint: &'static str,
    },
    /// A number that cannot be merged.
    #[error("tensor '{tensor}' of {model} has {found} at element {at}; what is not finite cannot be merged")]
    NotFinite {
        /// The tensor.
        tensor: String,
        /// The model.
        model: String,
        /// The element, counted row-major.
        at: usize,
        /// The number.
        found: f32,
    },
    /// A result that its type cannot hold.
    #[error(
        "tensor '{tensor}' would have {found} at element {at}, stored as {stored}; take a wider out_dtype, as bfloat16 or float32"
    )]
    Overflow {
        /// The tensor.
        tensor: String,
        /// The element, counted row-major.
        at: usize,
        /// The number before it was rounded.
        found: f32,
        /// The type of the result.
        stored: tensor::Stored,
    },
    /// Integers that differ between models.
    #[error(
        "the integers of tensor '{tensor}' differ between {first} and {second}; integers are copied, never averaged"
    )]
    Buffer {
        /// The tensor.
        tensor: String,
        /// One model.
        first: String,
        /// The other one.
        second: String,
    },
    /// The output is there already.
    #[error("{} is there already; give another folder, or --force to replace one that a recipe made", path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// The output is an input.
    #[error("the output {} is, or lies in, the folder of the input {}; inputs are never replaced", out.display(), input.display())]
    OutputOverInput {
        /// The output.
        out: PathBuf,
        /// The input.
        input: PathBuf,
    },
    /// Another process is writing the same output.
    #[error("another process is merging into {}", path.display())]
    Busy {
        /// The unfinished folder.
        path: PathBuf,
    },
    /// The work was stopped on request.
    #[error(
        "stopped with {finished} of {files} files finished; the same command goes on from there ({})",
        path.display()
    )]
    Interrupted {
        /// The unfinished folder.
        path: PathBuf,
        /// Files that are finished.
        finished: usize,
        /// Files that there will be.
        files: usize,
    },
    /// A file of weights cannot be read.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A small file could not be written.
    #[error(transparent)]
    File(#[from] TensorError),
    /// The threads cannot be had.
    #[error("cannot start threads: {reason}")]
    Threads {
        /// Why not.
        reason: String,
    },
}
