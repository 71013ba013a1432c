//! Normalisations.

use crate::{named::Named, positive::Positive};

/// The normalisation between a linear layer or convolution and its activation. ε is 1e-5, PyTorch's default, unless an
/// architecture says otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Norm {
    /// None.
    #[default]
    None,
    /// Layer normalisation over the features or channels, of each pixel by itself, with a gain, and a bias unless biases are
    /// off.
    Layer,
    /// Batch normalisation with a gain, a bias unless biases are off, and PyTorch's momentum, 0.1.
    Batch,
    /// Group normalisation of 16 channels at a time (arXiv:1803.08494, table 3), of all together where their number is no
    /// multiple of 16, with a gain, and a bias unless biases are off.
    Group,
    /// Normalisation of each channel over the pixels of an image, with a gain, and a bias unless biases are off (PyTorch's
    /// `affine=True`).
    Instance,
    /// Division by the root of the mean square over the features or channels, of each pixel by itself, with a gain.
    Rms,
}

/// The ε of PyTorch's normalisations.
pub(crate) const EPSILON: Positive = Positive::new(1e-5);

/// The channels that are normalised together by [`Norm::Group`].
const GROUP: usize = 16;

impl Norm {
    /// Those of single vectors.
    pub(crate) const OF_VECTORS: &'static [Self] =
        &[Self::None, Self::Layer, Self::Batch, Self::Group, Self::Rms];

    /// Those of single vectors that know no batch and no groups: what transformers have.
    pub(crate) const OF_TOKENS: &'static [Self] = &[Self::None, Self::Layer, Self::Rms];

    /// The name in specifications: `none`, `layer`, `batch`, `group`, `instance`, `rms`.
    #[must_use]
    pub fn name(self) -> &'static str {
        Named::name(self)
    }

    /// The number of groups that `channels` are cut into.
    pub(crate) const fn groups(channels: usize) -> usize {
        if channels.is_multiple_of(GROUP) { channels / GROUP } else { 1 }
    }
}

impl Named for Norm {
    const KIND: &'static str = "normalisation";
    const MEMBERS: &'static [Self] =
        &[Self::None, Self::Layer, Self::Batch, Self::Group, Self::Instance, Self::Rms];

    fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Layer => "layer",
            Self::Batch => "batch",
            Self::Group => "group",
            Self::Instance => "instance",
            Self::Rms => "rms",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_have_sixteen_channels_where_that_divides() {
        assert_eq!([16, 64, 8, 24].map(Norm::groups), [1, 4, 1, 1]);
    }
}
