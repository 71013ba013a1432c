//! Normalisations.

use crate::named::Named;

/// The normalisation between a linear layer or convolution and its activation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Norm {
    /// None.
    #[default]
    None,
    /// Layer normalisation over the features or channels, of each pixel by itself, with a gain, a bias unless biases are off,
    /// and ε = 1e-5 as in PyTorch.
    Layer,
    /// Batch normalisation with a gain, a bias unless biases are off, and PyTorch's defaults: ε = 1e-5, momentum 0.1.
    Batch,
}

impl Norm {
    /// The name in specifications: `none`, `layer`, `batch`.
    #[must_use]
    pub fn name(self) -> &'static str {
        Named::name(self)
    }
}

impl Named for Norm {
    const KIND: &'static str = "normalisation";
    const MEMBERS: &'static [Self] = &[Self::None, Self::Layer, Self::Batch];

    fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Layer => "layer",
            Self::Batch => "batch",
        }
    }
}
