//! Which axis of an image or of a kernel is which.

use tensor::Shape;

/// The axes of an image: batch, features and spatial axes, in any order.
///
/// Written as a word with a letter or digit for each axis: `b01f` has the batch first, then two spatial axes, then
/// the features.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageAxes {
    /// The batch axis.
    pub batch: usize,
    /// The axis of the features (channels).
    pub feature: usize,
    /// The spatial axes, in order.
    pub spatial: Vec<usize>,
}

/// The axes of a kernel: output features, input features and spatial axes, in any order.
///
/// Written as a word: `oi01` has the output features first, then the input features, then two spatial axes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelAxes {
    /// The axis of the output features.
    pub output: usize,
    /// The axis of the input features.
    pub input: usize,
    /// The spatial axes, in order.
    pub spatial: Vec<usize>,
}

/// The largest number of spatial axes: each has one decimal digit.
const MAX_SPATIAL: usize = 10;

/// The positions of `letters` and of the digits `0`, `1`, … in a word that has each once.
fn parse(word: &str, letters: [char; 2]) -> Option<([usize; 2], Vec<usize>)> {
    let place = |letter: char| word.chars().position(|found| found == letter);
    let spatial = word.len().checked_sub(2).filter(|&count| count <= MAX_SPATIAL)?;
    let digits = (0..spatial as u32).map(|digit| char::from_digit(digit, 10).and_then(place));
    Some(([place(letters[0])?, place(letters[1])?], digits.collect::<Option<_>>()?))
}

fn print(axes: [usize; 2], spatial: &[usize], letters: [char; 2]) -> String {
    let letter = |axis: usize| {
        let digit =
            || spatial.iter().position(|&place| place == axis).and_then(|k| char::from_digit(k as u32, 10));
        axes.iter().position(|&place| place == axis).map(|k| letters[k]).or_else(digit).unwrap_or('_')
    };
    (0..spatial.len() + 2).map(letter).collect()
}

/// Whether these are all axes of some tensor, each once.
fn is_complete(axes: [usize; 2], spatial: &[usize]) -> bool {
    let mut all = [&axes, spatial].concat();
    all.sort_unstable();
    spatial.len() <= MAX_SPATIAL && all.into_iter().eq(0..spatial.len() + 2)
}

fn sizes(shape: &Shape, axes: &[usize]) -> Vec<usize> {
    axes.iter().map(|&axis| shape[axis]).collect()
}

impl ImageAxes {
    /// Batch first, features last, `spatial` axes between them: the layout that the executor computes in.
    #[must_use]
    pub fn features_last(spatial: usize) -> Self {
        Self { batch: 0, feature: spatial + 1, spatial: (1..=spatial).collect() }
    }

    /// Batch, features, then `spatial` axes, as PyTorch has them.
    #[must_use]
    pub fn features_first(spatial: usize) -> Self {
        Self { batch: 0, feature: 1, spatial: (2..spatial + 2).collect() }
    }

    /// The axes that a word as `b01f` names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        parse(word, ['b', 'f']).map(|([batch, feature], spatial)| Self { batch, feature, spatial })
    }

    /// The word that names these axes.
    #[must_use]
    pub fn word(&self) -> String {
        print([self.batch, self.feature], &self.spatial, ['b', 'f'])
    }

    /// The number of axes.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.spatial.len() + 2
    }

    /// The sizes of the spatial axes of an image.
    ///
    /// # Panics
    /// Where `shape` has no such axes.
    #[must_use]
    pub fn spatial_sizes(&self, shape: &Shape) -> Vec<usize> {
        sizes(shape, &self.spatial)
    }

    pub(super) fn is_complete(&self) -> bool {
        is_complete([self.batch, self.feature], &self.spatial)
    }

    /// Batch and features exchanged.
    pub(super) fn swapped(&self) -> Self {
        Self { batch: self.feature, feature: self.batch, spatial: self.spatial.clone() }
    }

    /// The kernel that sums over the batch and puts out the features.
    pub(super) fn as_kernel(&self) -> KernelAxes {
        KernelAxes { output: self.feature, input: self.batch, spatial: self.spatial.clone() }
    }
}

impl KernelAxes {
    /// Output features, input features, then `spatial` axes, as PyTorch has them.
    #[must_use]
    pub fn outputs_first(spatial: usize) -> Self {
        Self { output: 0, input: 1, spatial: (2..spatial + 2).collect() }
    }

    /// The axes that a word as `oi01` names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        parse(word, ['o', 'i']).map(|([output, input], spatial)| Self { output, input, spatial })
    }

    /// The word that names these axes.
    #[must_use]
    pub fn word(&self) -> String {
        print([self.output, self.input], &self.spatial, ['o', 'i'])
    }

    /// The number of axes.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.spatial.len() + 2
    }

    /// The sizes of the spatial axes of a kernel.
    ///
    /// # Panics
    /// Where `shape` has no such axes.
    #[must_use]
    pub fn spatial_sizes(&self, shape: &Shape) -> Vec<usize> {
        sizes(shape, &self.spatial)
    }

    pub(super) fn is_complete(&self) -> bool {
        is_complete([self.output, self.input], &self.spatial)
    }

    /// Input and output features exchanged.
    pub(super) fn swapped(&self) -> Self {
        Self { output: self.input, input: self.output, spatial: self.spatial.clone() }
    }

    /// The image with a batch of input features.
    pub(super) fn as_image(&self) -> ImageAxes {
        ImageAxes { batch: self.input, feature: self.output, spatial: self.spatial.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_name_every_axis_once() {
        for word in ["b01f", "bf01", "1fb0", "bf", "f012b", "01bf"] {
            assert_eq!(ImageAxes::from_word(word).expect(word).word(), word);
        }
        for word in ["", "b", "bb", "b02f", "b00f", "b01", "b01i", "b01fx", "b0123456789af"] {
            assert_eq!(ImageAxes::from_word(word), None, "{word}");
        }
        assert_eq!(ImageAxes::features_last(2).word(), "b01f");
        assert_eq!(ImageAxes::features_first(3).word(), "bf012");
        assert_eq!(KernelAxes::outputs_first(1).word(), "oi0");
        assert_eq!(KernelAxes::from_word("01io").map(|axes| (axes.output, axes.input)), Some((3, 2)));
    }
}
