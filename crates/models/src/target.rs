//! What a network that is its own objective is given besides examples.

use std::fmt;

/// How a network that is its own objective takes the labels of its examples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// It does not: the objective depends on the examples alone, as that of an autoencoder.
    Nothing,
    /// As numbers of classes.
    Classes {
        /// How many classes there are, where the network tells.
        count: Option<usize>,
    },
    /// As numbers of classes in floating point.
    Numbers,
    /// As rows of so many numbers, 1 at the class of the label and 0 elsewhere.
    OneHot(usize),
}

impl Target {
    /// The number of classes, where the network tells.
    #[must_use]
    pub const fn classes(self) -> Option<usize> {
        match self {
            Self::Nothing | Self::Numbers => None,
            Self::Classes { count } => count,
            Self::OneHot(count) => Some(count),
        }
    }
}

/// As in "the objective takes labels as one-hot rows of 10".
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("none"),
            Self::Classes { count: None } => f.write_str("numbers of classes"),
            Self::Classes { count: Some(count) } => write!(f, "numbers of {count} classes"),
            Self::Numbers => f.write_str("numbers of classes in floating point"),
            Self::OneHot(count) => write!(f, "one-hot rows of {count}"),
        }
    }
}
