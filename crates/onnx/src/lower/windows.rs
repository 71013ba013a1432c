//! What convolutions and poolings share: where their windows lie.

use graph::ops::Window;

use super::node::{Node, size};
use crate::error::{Fault, invalid};

/// How padding is chosen.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Auto {
    Listed,
    SameUpper,
    SameLower,
    Valid,
}

const AUTO: [(&str, Auto); 4] = [
    ("NOTSET", Auto::Listed),
    ("SAME_UPPER", Auto::SameUpper),
    ("SAME_LOWER", Auto::SameLower),
    ("VALID", Auto::Valid),
];

impl Node<'_> {
    /// One positive number for each spatial axis, `1` by default.
    pub(super) fn distances(&self, name: &str, spatial: usize) -> Result<Vec<usize>, Fault> {
        let Some(numbers) = self.ints(name)?.filter(|numbers| !numbers.is_empty()) else {
            return Ok(vec![1; spatial]);
        };
        let sizes = numbers.iter().map(|&number| size(number)).collect::<Result<Vec<_>, _>>()?;
        if sizes.len() == spatial && !sizes.contains(&0) {
            Ok(sizes)
        } else {
            invalid(format!("{spatial} positive numbers as '{name}'"), format!("{numbers:?}"))
        }
    }

    /// The padding before and after each spatial axis, none by default.
    pub(super) fn pads(&self, spatial: usize) -> Result<Vec<(i64, i64)>, Fault> {
        let Some(numbers) = self.ints("pads")?.filter(|numbers| !numbers.is_empty()) else {
            return Ok(vec![(0, 0); spatial]);
        };
        if numbers.len() != 2 * spatial {
            return invalid(format!("{} pads", 2 * spatial), numbers.len());
        }
        Ok((0..spatial).map(|k| (numbers[k], numbers[spatial + k])).collect())
    }

    /// The windows of a kernel of these sizes on an image of these.
    pub(super) fn windows(&self, kernel: &[usize], image: &[usize]) -> Result<Vec<Window>, Fault> {
        let spatial = kernel.len();
        if image.len() != spatial {
            return invalid(format!("an image with {spatial} spatial axes"), image.len());
        }
        let (strides, dilations) =
            (self.distances("strides", spatial)?, self.distances("dilations", spatial)?);
        let pads = match self.word("auto_pad", "NOTSET", &AUTO)? {
            Auto::Listed => self.pads(spatial)?,
            Auto::Valid => vec![(0, 0); spatial],
            auto => {
                let same = |k: usize| {
                    let reach = kernel[k].saturating_sub(1).saturating_mul(dilations[k]).saturating_add(1);
                    let results = image[k].div_ceil(strides[k]);
                    let wanted = results.saturating_sub(1).saturating_mul(strides[k]).saturating_add(reach);
                    let total = wanted.saturating_sub(image[k]);
                    let (less, more) = (total / 2, total - total / 2);
                    if auto == Auto::SameUpper {
                        (less as i64, more as i64)
                    } else {
                        (more as i64, less as i64)
                    }
                };
                (0..spatial).map(same).collect()
            }
        };
        let window = |k: usize| Window {
            size: kernel[k],
            stride: strides[k],
            low: pads[k].0,
            high: pads[k].1,
            base_dilation: 1,
            dilation: dilations[k],
        };
        Ok((0..spatial).map(window).collect())
    }
}
