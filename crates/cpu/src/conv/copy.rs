//! Copies of images, with their channels as neighbours and without gaps, whose rows have zeros before and
//! after them and whose pixels have zeros after their channels.

use tensor::Element;

use super::problem::Extent;

/// Where an image is and what its copy looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Copying {
    pub(super) outer: Vec<Extent>,
    pub(super) columns: Extent,
    pub(super) channels: Extent,
    /// Pixels of zeros before and after each row.
    pub(super) before: usize,
    pub(super) after: usize,
    /// Channels of the copy.
    pub(super) width: usize,
}

impl Copying {
    fn row_elements(&self) -> usize {
        (self.before + self.columns.size + self.after) * self.width
    }

    /// Elements of a copy.
    pub(super) fn elements(&self) -> usize {
        self.outer.iter().map(|axis| axis.size).product::<usize>() * self.row_elements()
    }

    /// Strides of the outer axes in a copy.
    pub(super) fn outer_strides(&self) -> Vec<usize> {
        let mut stride = self.row_elements();
        let mut strides = vec![0; self.outer.len()];
        for (axis, to) in self.outer.iter().zip(&mut strides).rev() {
            *to = stride;
            stride *= axis.size;
        }
        strides
    }

    /// Copies the image at `from[at..]` and channels from `first` on, `count` of them.
    pub(super) fn run<T: Element>(&self, to: &mut [T], from: &[T], at: usize) {
        if !to.is_empty() {
            self.axes(&self.outer, to, from, at);
        }
    }

    fn axes<T: Element>(&self, outer: &[Extent], to: &mut [T], from: &[T], at: usize) {
        match outer.split_first() {
            Some((axis, rest)) => {
                for (index, part) in to.chunks_exact_mut(to.len() / axis.size).enumerate() {
                    self.axes(rest, part, from, at + index * axis.stride);
                }
            }
            None => self.row(to, from, at),
        }
    }

    fn row<T: Element>(&self, to: &mut [T], from: &[T], at: usize) {
        let (before, rest) = to.split_at_mut(self.before * self.width);
        let (inside, after) = rest.split_at_mut(self.columns.size * self.width);
        before.fill(T::default());
        after.fill(T::default());
        for (index, pixel) in inside.chunks_exact_mut(self.width).enumerate() {
            let at = at + index * self.columns.stride;
            let (channels, zeros) = pixel.split_at_mut(self.channels.size);
            if self.channels.stride == 1 {
                channels.copy_from_slice(&from[at..at + self.channels.size]);
            } else {
                for (channel, to) in channels.iter_mut().enumerate() {
                    *to = from[at + channel * self.channels.stride];
                }
            }
            zeros.fill(T::default());
        }
    }
}
