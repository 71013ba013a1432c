//! Losses.

use graph::{Builder, Val};

use crate::{
    ModelError,
    named::{self, Named},
};

/// What training minimises and evaluation averages: a number for each example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Loss {
    /// Minus the logarithm of the softmax probability of the right class, in nats.
    #[default]
    CrossEntropy,
    /// The squared distance from the logits to the one-hot vector of the right class, summed over the classes.
    SquaredError,
}

impl Loss {
    /// The name in flags: `cross-entropy`, `squared-error`.
    #[must_use]
    pub fn name(self) -> &'static str {
        Named::name(self)
    }

    /// The loss of this name.
    ///
    /// # Errors
    /// [`ModelError::Unknown`] with the nearest name and all names.
    pub fn parse(name: &str) -> Result<Self, ModelError> {
        named::parse(name)
    }

    /// Emits the loss of each example or token: logits `[N.., C]`, labels `i32[N..]`, result `[N..]`.
    pub(crate) fn emit(self, b: &mut Builder, logits: Val, labels: Val) -> Val {
        match self {
            Self::CrossEntropy => b.cross_entropy(logits, labels),
            Self::SquaredError => b.squared_error(logits, labels),
        }
    }
}

impl Named for Loss {
    const KIND: &'static str = "loss";
    const MEMBERS: &'static [Self] = &[Self::CrossEntropy, Self::SquaredError];

    fn name(self) -> &'static str {
        match self {
            Self::CrossEntropy => "cross-entropy",
            Self::SquaredError => "squared-error",
        }
    }
}
