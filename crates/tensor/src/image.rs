//! Sizes of images.

use std::fmt;

/// The size of an image; flattened, its numbers come in the order channels, rows, columns.
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

    /// The pixels of a channel.
    #[must_use]
    pub const fn plane(self) -> usize {
        self.height * self.width
    }

    /// The numbers of all channels.
    #[must_use]
    pub const fn elements(self) -> usize {
        self.channels * self.plane()
    }
}

/// As `3x32x32`: channels, rows, columns.
impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}x{}", self.channels, self.height, self.width)
    }
}
