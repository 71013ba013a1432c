//! What can be wrong with the text of a graph.

use std::fmt;

use tensor::{DType, Shape};

use crate::{AttributeError, Fault};

/// One fault of a text and where it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {problem}")]
pub struct ParseFault {
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong at a place of a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// Something else was expected here.
    #[error("expected {expected}, found {found}")]
    Syntax {
        /// What was expected.
        expected: String,
        /// The start of what is there.
        found: String,
    },
    /// Values are not numbered from 0 in order.
    #[error("expected %{expected}, since values are numbered in order; found %{found}")]
    Numbering {
        /// The number due.
        expected: usize,
        /// The number that was read.
        found: usize,
    },
    /// There is no such primitive, or its attributes are not these.
    #[error(transparent)]
    Attribute(#[from] AttributeError),
    /// An element of a constant cannot be read.
    #[error("expected an element of type {dtype}, found '{found}'")]
    Element {
        /// The type of the elements.
        dtype: DType,
        /// What was read.
        found: String,
    },
    /// A constant has another number of elements than its shape.
    #[error("a constant of shape {shape} does not have {found} elements")]
    ElementCount {
        /// The shape.
        shape: Shape,
        /// The number of elements that were read.
        found: usize,
    },
    /// The splats of the text stand for too many bytes.
    #[error("the splats up to here take more than {limit} bytes; write large constants out in full")]
    Splat {
        /// The most bytes that they may take together.
        limit: usize,
    },
    /// The text is well formed, but the graph is not.
    #[error("{}", labelled(.0))]
    Graph(Fault),
}

/// A fault with the rule that it breaks, which those of operands name themselves.
fn labelled(fault: &Fault) -> String {
    match fault {
        Fault::Operands(error) => error.to_string(),
        _ => format!("{fault} ({})", fault.constraint()),
    }
}

/// A text is not that of a graph: all its faults, as [`crate::Graph::parse`] says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    faults: Vec<ParseFault>,
}

impl ParseError {
    pub(super) const fn new(faults: Vec<ParseFault>) -> Self {
        Self { faults }
    }

    /// The faults; at least one.
    #[must_use]
    pub fn faults(&self) -> &[ParseFault] {
        &self.faults
    }
}

impl std::error::Error for ParseError {}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the text is not a graph")?;
        self.faults.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}
