//! What an example is.

use std::fmt;

use tensor::Image;

/// The kind and size of an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Example {
    /// A vector of numbers.
    Features(usize),
    /// An image, flattened in the order channels, rows, columns.
    Image(Image),
    /// A piece of a text: as many tokens to read, each with the token after it as its label.
    Tokens(usize),
}

impl Example {
    /// The numbers or tokens of an example.
    #[must_use]
    pub const fn elements(self) -> usize {
        match self {
            Self::Features(count) | Self::Tokens(count) => count,
            Self::Image(image) => image.elements(),
        }
    }

    /// The channels that are normalised each for itself: of an image its own, of a vector every feature; none of tokens.
    #[must_use]
    pub const fn channels(self) -> usize {
        match self {
            Self::Features(count) => count,
            Self::Image(image) => image.channels,
            Self::Tokens(_) => 0,
        }
    }
}

/// In words, as "images 3x32x32".
impl fmt::Display for Example {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Features(count) => write!(f, "vectors of {count}"),
            Self::Image(image) => write!(f, "images {image}"),
            Self::Tokens(count) => write!(f, "pieces of {count} tokens"),
        }
    }
}
