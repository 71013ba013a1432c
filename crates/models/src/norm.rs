//! Normalisations.

use crate::named::Named;

/// The normalisation between a linear layer and its activation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Norm {
    /// None.
    #[default]
    None,
    /// Layer normalisation over the features with a gain, a bias unless biases are off, and ε = 1e-5 as in PyTorch.
    Layer,
}

impl Norm {
    /// The name in specifications: `none`, `layer`.
    #[must_use]
    pub fn name(self) -> &'static str {
        Named::name(self)
    }
}

impl Named for Norm {
    const KIND: &'static str = "normalisation";
    const MEMBERS: &'static [Self] = &[Self::None, Self::Layer];

    fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Layer => "layer",
        }
    }
}
