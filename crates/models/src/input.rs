//! What a network reads.

use std::fmt;

/// An example as a network takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A vector of numbers.
    Features(usize),
    /// An image, flattened in the order channels, rows, columns.
    Image(Image),
    /// A text: numbers of tokens.
    Tokens {
        /// Tokens of an example.
        count: usize,
        /// How many different tokens there are.
        vocabulary: usize,
    },
}

/// The size of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Image {
    /// Channels: 3 for colours, 1 for grey.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl Image {
    /// The images of CIFAR.
    pub const CIFAR: Self = Self { channels: 3, height: 32, width: 32 };

    /// The number of elements.
    #[must_use]
    pub const fn elements(self) -> usize {
        self.channels * self.height * self.width
    }
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}x{}", self.channels, self.height, self.width)
    }
}

impl Input {
    /// The number of elements of an example.
    #[must_use]
    pub const fn elements(self) -> usize {
        match self {
            Self::Features(count) | Self::Tokens { count, .. } => count,
            Self::Image(image) => image.elements(),
        }
    }
}
