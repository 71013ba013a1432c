//! What can be wrong with an application of a primitive.

use crate::Ty;

/// A primitive was applied to operands that its type rule refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{op}: {message} ({constraint}); operands: {}", list(.operands))]
pub struct TypeError {
    /// The primitive's name.
    pub op: &'static str,
    /// The number of the violated constraint in the primitive's documentation, as `C1`.
    pub constraint: &'static str,
    /// What was expected and what was found.
    pub message: String,
    /// The types of the operands.
    pub operands: Vec<Ty>,
}

fn list(types: &[Ty]) -> String {
    if types.is_empty() {
        return "none".to_owned();
    }
    types.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl TypeError {
    /// An error of primitive `op` on `operands`.
    pub fn new(
        op: &'static str,
        constraint: &'static str,
        message: impl Into<String>,
        operands: &[&Ty],
    ) -> Self {
        let operands = operands.iter().map(|&ty| ty.clone()).collect();
        Self { op, constraint, message: message.into(), operands }
    }
}

/// The attributes of a primitive, read from text, do not make one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AttributeError {
    /// There is no primitive of this name.
    #[error("there is no primitive called '{name}'")]
    UnknownPrimitive {
        /// The name that was read.
        name: String,
    },
    /// An attribute that the primitive needs is absent.
    #[error("{op}: the attribute '{name}' is missing")]
    Missing {
        /// The primitive's name.
        op: &'static str,
        /// The attribute's name.
        name: &'static str,
    },
    /// An attribute has a value of the wrong kind.
    #[error("{op}: the attribute '{name}' should be {expected}")]
    Malformed {
        /// The primitive's name.
        op: &'static str,
        /// The attribute's name.
        name: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// An attribute that the primitive does not have.
    #[error("{op}: there is no attribute '{name}'")]
    Unknown {
        /// The primitive's name.
        op: &'static str,
        /// The attribute's name.
        name: String,
    },
}
