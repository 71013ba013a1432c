//! Errors on their way to the user.

use std::{error::Error, fmt, io, path::PathBuf};

use isoloss::{
    graph::ParseError,
    tensor::{Stored, names},
};

/// Any error, to be shown as one message.
#[derive(Debug)]
pub(crate) struct Failure(Box<dyn Error + Send + Sync>);

impl<E: Error + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

/// The message, then every cause that it does not quote already.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut message = self.0.to_string();
        let mut cause = self.0.source();
        while let Some(error) = cause {
            let text = error.to_string();
            if !message.contains(&text) {
                message = format!("{message}: {text}");
            }
            cause = error.source();
        }
        f.write_str(&message)
    }
}

/// What can be wrong with what the command line itself was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    #[error("{}: metadata '{key}' is damaged: {source}", path.display())]
    Input { path: PathBuf, key: &'static str, source: serde_json::Error },
    #[error("data '{data}' has no part for validation; write validation=0.1 behind it to hold a tenth out")]
    NoValidation { data: String },
    #[error(
        "{a} and {b} read their data differently (normalisation or vocabulary), so no data set can be given to both; train \
         both on data normalised alike, as with the same --data"
    )]
    Inputs { a: String, b: String },
    #[error(
        "{} has no tokenizer.json, so the tokens of its network are not known; put it beside the weights, or write --data {data},tokenizer=FILE",
        folder.display()
    )]
    NoTokenizer { folder: PathBuf, data: String },
    #[error("--stride is for networks that predict the next token of a text, by cross-entropy; leave it out")]
    UnusedStride,
    #[error("--part whole is for texts; '{data}' is none")]
    NoWhole { data: String },
    #[error("{}: expected a new or empty folder, or with --force one that this program made; give another --out", path.display())]
    ExistingFolder { path: PathBuf },
    #[error("{}: tensor '{name}' is none of {model}, and what becomes of it is not known; write a single file instead, as --out b.safetensors", path.display())]
    StrangeTensor { path: PathBuf, name: String, model: String },
    #[error(
        "'{name}' would hold {value}, which {stored} cannot; convert the network to bf16 or f32 first (isoloss convert)"
    )]
    Beyond { name: String, stored: Stored, value: f32 },
    #[error(
        "--by-layer is for folders of the Hugging Face Hub with networks of Llama, Mistral or Qwen2 whose output layer is not tied to the \
         embedding; {} is none",
        found.display()
    )]
    NoLayers { found: PathBuf },
    #[error("{flag} does not go with --by-layer, which never has a whole network in memory; {hint}")]
    NotByLayer { flag: String, hint: &'static str },
    #[error("matching by {method} needs data; add --data SPEC, as --data digits or --data mnist:DIR")]
    MatchingNeedsData { method: String },
    #[error(
        "--data {data} has no influence on matching by {method}; leave it out, or try --method activation, ste or sinkhorn"
    )]
    UnusedData { method: String, data: String },
    #[error(
        "{flag} has no influence on this matching (method {method}); leave it out, or see --help for what it is for"
    )]
    UnusedFlag { flag: &'static str, method: String },
    #[error(
        "--repair=closed follows from how the units of two networks vary together pair by pair, and method {method} merges clusters of units; use --repair"
    )]
    ClosedForm { method: &'static str },
    #[error("{flag} looks at what networks do with training examples; give some with --data")]
    FlagNeedsData { flag: &'static str },
    #[error(
        "method {method} matches two networks at a time within one group; use --align weight, activation, ste or sinkhorn"
    )]
    MethodsOfTwo { method: &'static str },
    #[error("{what} takes two networks, found {found}{hint}")]
    TwoNetworks { what: String, found: usize, hint: &'static str },
    #[error(
        "{} is an unfinished run, whose optimiser moves with permutations alone; method {method} does more, so finish the training \
         first, or match by weight, activation, ste or sinkhorn",
        run.display()
    )]
    UnfinishedRun { run: PathBuf, method: String },
    #[error("--form: balanced and unit are two ways to choose the same scales; leave one out")]
    TwoScalings,
    #[error(
        "{flag} does not go with a recipe, which knows tensors by their names and no network; leave it out"
    )]
    FlagOfNetworks { flag: &'static str },
    #[error("{flag} goes with a recipe, *.yaml, only; leave it out")]
    FlagOfRecipe { flag: &'static str },
    #[error("{} is a recipe, which names its models itself; give it alone", found.display())]
    OneRecipe { found: PathBuf },
    #[error("expected two networks or more, or a recipe that ends in .yaml or .yml, found '{found}' alone")]
    OneNetwork { found: String },
    #[error("two networks would be written to {}; give them different names", path.display())]
    SameName { path: PathBuf },
    #[error("--evaluate: expected every name once, found '{name}' twice")]
    SetTwice { name: String },
    #[error("there is no recipe called '{name}'{}; known: {}", names::suggestion(name, &known.iter().map(String::as_str).collect::<Vec<_>>()), known.join(", "))]
    UnknownRecipe { name: String, known: Vec<String> },
    #[error(
        "{flag} does not go with .onnx files, whose weights are stored in the types of the network; leave it out"
    )]
    OnnxFlag { flag: &'static str },
    #[error("{command} is about the program's own executor for the processor; leave --device {device} out")]
    CpuOnly { command: &'static str, device: String },
    #[error(
        "--check-finite looks into the program's own executor for the processor; leave it or --device {device} out"
    )]
    CheckFinite { device: String },
    #[error("cannot start the process that uses the device: {source}")]
    Child { source: io::Error },
    #[error(
        "the process that used the device was ended by {signal}: the plugin of '{device}', or a library below it, has given \
         up, and what it had to say stands above. Nothing is half-written; an unfinished training goes on from its last \
         checkpoint with the same command"
    )]
    Died { device: String, signal: String },
    #[error("cannot write to standard output: {source}")]
    Output { source: io::Error },
    #[error("cannot catch Ctrl-C: {source}")]
    Signal { source: ctrlc::Error },
    #[error("cannot start {threads} threads: {reason}")]
    Threads { threads: usize, reason: String },
    #[error("{} is there already; give another --out, or --force to replace it", path.display())]
    Exists { path: PathBuf },
    #[error("--out {} is the same file as the input {}; give another --out, inputs are never overwritten", out.display(), input.display())]
    OutIsInput { out: PathBuf, input: PathBuf },
    #[error("--out {}: expected {expected}, found {found}", path.display())]
    Place { path: PathBuf, expected: &'static str, found: String },
    #[error("cannot write to {}: {source}", path.display())]
    Unwritable { path: PathBuf, source: io::Error },
    #[error("cannot read {}: {source}", path.display())]
    ReadGraph { path: PathBuf, source: io::Error },
    #[error("{}: {source}", path.display())]
    ParseGraph { path: PathBuf, source: ParseError },
    #[error(
        "graph '{graph}' has nothing to differentiate: expected a floating-point scalar as first output, found {found}"
    )]
    NoObjective { graph: String, found: String },
    #[error("graph '{graph}' takes arguments of {bytes} bytes, this machine has {memory}")]
    Arguments { graph: String, bytes: f64, memory: u64 },
    #[error("graph '{graph}' has no floating-point input to differentiate by")]
    NothingToDifferentiate { graph: String },
    #[error(
        "the networks have different architectures: {difference}; both must be of one to be compared unit by unit"
    )]
    Architectures { difference: String },
    #[error(
        "interrupted after step {steps}; a checkpoint is in {}, and the same command with --resume goes on from there",
        folder.display()
    )]
    Interrupted { folder: PathBuf, steps: u64 },
    #[error(
        "--at is a place between two networks, {found} were given; leave it out to average them all equally"
    )]
    At { found: usize },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Layer {
        text: &'static str,
        source: Option<Box<Layer>>,
    }

    fn shown(outer: &'static str, inner: &'static str) -> String {
        let inner = Layer { text: inner, source: None };
        Failure::from(Layer { text: outer, source: Some(Box::new(inner)) }).to_string()
    }

    #[test]
    fn a_cause_is_told_once() {
        assert_eq!(shown("cannot read a: no such file", "no such file"), "cannot read a: no such file");
        assert_eq!(shown("cannot read a", "no such file"), "cannot read a: no such file");
    }
}
