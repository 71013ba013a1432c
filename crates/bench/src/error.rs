//! What can go wrong.

use std::{io, path::PathBuf};

use isoloss::{
    data::DataError,
    graph::ExecError,
    models::{ModelError, weights::WeightsError},
    symmetry::{SymmetryError, assignment::AssignmentError},
    tensor::TensorError,
    train::TrainError,
};

/// Why a benchmark could not be run. A target that is missed is a result and no error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BenchError {
    /// There is no such benchmark.
    #[error("no benchmark called '{found}'; there are {known}")]
    UnknownName {
        /// What was asked for.
        found: String,
        /// The names that exist.
        known: String,
    },
    /// A benchmark with nothing to time.
    #[error("0 rounds time nothing; expected at least 1")]
    NoRounds,
    /// Parts of a benchmark that has none.
    #[error("--only names parts of the benchmark engine; expected engine or all")]
    NoParts,
    /// [`crate::Name::Devices`] compares the processor with a device.
    #[error("devices compares the processor with a device: name one with --device (see isoloss devices)")]
    NoDevice,
    /// A document has no place for tables.
    #[error("the document has no line '{mark}'")]
    Marks {
        /// What is missing.
        mark: &'static str,
    },
    /// Training without the data.
    #[error("benchmark {benchmark} needs the data: expected --data {expected}, found {found}")]
    NeedsData {
        /// The benchmark.
        benchmark: &'static str,
        /// The data that it needs.
        expected: &'static str,
        /// What was given.
        found: String,
    },
    /// Data that no benchmark trains on.
    #[error(
        "expected --data mnist:DIR with MNIST's four files in DIR, or cifar10:DIR with CIFAR-10's binary files, found {found}"
    )]
    UnknownData {
        /// What was given.
        found: String,
    },
    /// A peer that is required is not installed.
    #[error("peer {peer} is absent: {reason}; install the peers with bench/peers/install.sh")]
    PeerAbsent {
        /// The peer.
        peer: &'static str,
        /// What is missing.
        reason: String,
    },
    /// A peer is installed and did not do its work.
    #[error("peer {peer} failed: {problem}{said}")]
    Peer {
        /// The peer.
        peer: &'static str,
        /// What is wrong.
        problem: String,
        /// The end of what it wrote to standard error, on lines of its own.
        said: String,
    },
    /// A peer that takes turns cannot be talked to.
    #[error("peer {peer} went away: {source}{said}")]
    Talk {
        /// The peer.
        peer: &'static str,
        /// The cause.
        source: io::Error,
        /// The end of what it wrote to standard error, on lines of its own.
        said: String,
    },
    /// Threads could not be started.
    #[error("cannot start a thread: {reason}")]
    Threads {
        /// The cause.
        reason: String,
    },
    /// A run of the program itself failed.
    #[error("`{command}` ended with {status}{said}")]
    Program {
        /// The command.
        command: String,
        /// How it ended.
        status: String,
        /// The end of what it wrote to standard error, on lines of its own.
        said: String,
    },
    /// A process could not be started.
    #[error("cannot start {}: {source}", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A matrix does not have the size that its name says.
    #[error("{}: expected {expected} bytes, found {found}", path.display())]
    MatrixSize {
        /// The file.
        path: PathBuf,
        /// The size of an n × n matrix of 32-bit floats.
        expected: usize,
        /// The file's size.
        found: usize,
    },
    /// Where the result should go is a file already.
    #[error("{} is there already, and results are never overwritten; give another --out", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A run ended early.
    #[error("{source}\nwhat was finished before is in {}", path.display())]
    CutOff {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: Box<Self>,
    },
    /// There is no place for temporary files.
    #[error("cannot make a temporary folder: {source}")]
    Temporary {
        /// The cause.
        source: io::Error,
    },
    /// A result could not be written as JSON.
    #[error("cannot write the result as JSON: {source}")]
    Json {
        /// The cause.
        source: serde_json::Error,
    },
    /// From training.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// From data.
    #[error(transparent)]
    Data(#[from] DataError),
    /// From networks and their files.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Weights cannot be read or written.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// From matching.
    #[error(transparent)]
    Symmetry(#[from] SymmetryError),
    /// From the assignment solver.
    #[error(transparent)]
    Assignment(#[from] AssignmentError),
    /// From the executor.
    #[error(transparent)]
    Exec(#[from] ExecError),
    /// From writing files.
    #[error(transparent)]
    Tensor(#[from] TensorError),
}

impl BenchError {
    /// Training on MNIST without MNIST.
    pub(crate) fn needs_mnist(found: &str) -> Self {
        let expected = "mnist:DIR with MNIST's four files in DIR";
        Self::NeedsData { benchmark: "mnist-train", expected, found: found.to_owned() }
    }

    /// Training on CIFAR-10 without it.
    pub(crate) fn needs_cifar(found: &str) -> Self {
        let expected = "cifar10:DIR with CIFAR-10's binary files in DIR";
        Self::NeedsData { benchmark: "cifar-epoch", expected, found: found.to_owned() }
    }
}
