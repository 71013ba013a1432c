//! What can be wrong with an ONNX file.

use std::{fmt, path::PathBuf};

use tensor::DType;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OnnxError {
    /// A file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The bytes are no ONNX file: cut short, damaged, of another format or nested too deeply.
    #[error("not a whole ONNX file: {reason}; check that it was copied completely")]
    Format {
        /// What the decoder found.
        reason: String,
    },
    /// The file as a whole is malformed or of a version that is not read.
    #[error("expected {expected}, found {found}")]
    Model {
        /// What was expected.
        expected: String,
        /// What was found instead.
        found: String,
    },
    /// A stored tensor is malformed.
    #[error("tensor '{tensor}': expected {expected}, found {found}")]
    Tensor {
        /// The tensor's name.
        tensor: String,
        /// What was expected.
        expected: String,
        /// What was found instead.
        found: String,
    },
    /// A tensor's data lie in another file that is not read.
    #[error("tensor '{tensor}' lies in the file '{location}' beside the network: {reason}")]
    External {
        /// The tensor's name.
        tensor: String,
        /// The file as the network names it.
        location: String,
        /// What is wrong.
        reason: String,
    },
    /// Operators or attributes that cannot be read.
    #[error("{}", missing(list))]
    Unsupported {
        /// All of them, in the order of the file.
        list: Vec<Missing>,
    },
    /// A node cannot be applied to its operands.
    #[error("node '{node}' ({op}): {reason}")]
    Node {
        /// The node's name, or that of its first output where it has none.
        node: String,
        /// Its operator.
        op: String,
        /// What was expected and what was found.
        reason: String,
    },
    /// A parameter that is to be written is not the file's.
    #[error("parameter '{name}': expected {expected}, found {found}")]
    Parameter {
        /// The parameter's name.
        name: String,
        /// What was expected.
        expected: String,
        /// What was found instead.
        found: String,
    },
    /// The graph cannot be written as ONNX.
    #[error("cannot write '{op}' of {dtype} as ONNX: {reason}")]
    Export {
        /// The primitive.
        op: &'static str,
        /// The type of its result.
        dtype: DType,
        /// Why.
        reason: &'static str,
    },
}

/// Something in a file that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The name of the first node that needs it, or that of its first output where it has none.
    pub node: String,
    /// The operator, with its domain where that is not ONNX's own.
    pub op: String,
    /// Why it cannot be read.
    pub reason: String,
    /// How many nodes need it.
    pub count: usize,
}

/// As `Det: there is no such operator here (2 nodes, first 'det_1')`.
impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { node, op, reason, count } = self;
        match count {
            1 => write!(f, "{op}: {reason} (node '{node}')"),
            count => write!(f, "{op}: {reason} ({count} nodes, first '{node}')"),
        }
    }
}

fn missing(list: &[Missing]) -> String {
    let parts: Vec<String> = list.iter().map(ToString::to_string).collect();
    format!("the network needs what is not supported: {}", parts.join("; "))
}

/// Why a node could not become a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// What the node asks for is valid, but not supported.
    Unsupported(String),
    /// The node does not fit its operands.
    Invalid(String),
}

impl From<graph::TypeError> for Fault {
    fn from(error: graph::TypeError) -> Self {
        Self::Invalid(error.to_string())
    }
}

/// A node that expected one thing and found another.
pub(crate) fn invalid<T>(expected: impl fmt::Display, found: impl fmt::Display) -> Result<T, Fault> {
    Err(Fault::Invalid(format!("expected {expected}, found {found}")))
}

/// A node that asks for something that is not supported.
pub(crate) fn unsupported<T>(what: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Unsupported(what.into()))
}
