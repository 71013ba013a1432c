//! The transposes of a convolution: convolutions with the roles of image, kernel and result exchanged.

use super::{Convolution, window::Window};
use crate::{Builder, Operand, Transpose, Ty, Val};

impl Transpose for Convolution {
    fn transpose(&self, b: &mut Builder, ct: Val, operands: &[Operand]) -> Vec<Option<Val>> {
        let lhs = operands[0].linear().map(|ty| self.image_cotangent(b, ct, operands[1].known(), ty));
        let rhs = operands[1].linear().map(|ty| match self.mirrored_axes().len() {
            mirrored if mirrored > 0 && mirrored == self.reversal.len() => {
                self.mirrored_kernel_cotangent(b, ct, operands[0].known(), ty)
            }
            _ => self.kernel_cotangent(b, ct, operands[0].known(), ty),
        });
        vec![lhs, rhs]
    }
}

/// What a convolution relates, and the window of each spatial axis.
struct Sliding {
    windows: Vec<Window>,
    image: Vec<usize>,
    result: Vec<usize>,
}

impl Sliding {
    /// The windows after an exchange of roles.
    fn exchanged(&self, exchange: impl Fn(&Window, usize, usize) -> Window) -> Vec<Window> {
        let sizes = self.image.iter().zip(&self.result);
        self.windows
            .iter()
            .zip(sizes)
            .map(|(window, (&image, &result))| exchange(window, image, result))
            .collect()
    }
}

impl Convolution {
    fn sliding(&self, b: &Builder, ct: Val, image: &tensor::Shape, kernel: &tensor::Shape) -> Sliding {
        Sliding {
            windows: self.windows(kernel),
            image: self.lhs.spatial_sizes(image),
            result: self.out.spatial_sizes(b.shape(ct)),
        }
    }

    /// The same with other windows.
    fn with_windows(self, windows: &[Window]) -> Self {
        Self {
            strides: windows.iter().map(|window| window.stride).collect(),
            low: windows.iter().map(|window| window.low).collect(),
            high: windows.iter().map(|window| window.high).collect(),
            lhs_dilation: windows.iter().map(|window| window.base_dilation).collect(),
            rhs_dilation: windows.iter().map(|window| window.dilation).collect(),
            ..self
        }
    }

    /// The spatial axes of the kernel that are mirrored.
    fn mirrored_axes(&self) -> Vec<usize> {
        let axes = self.rhs.spatial.iter().zip(&self.reversal);
        axes.filter(|&(_, &mirrored)| mirrored).map(|(&axis, _)| axis).collect()
    }

    /// The cotangent slides over the mirrored kernel. Batch groups are feature groups of an image whose blocks are
    /// exchanged.
    fn image_cotangent(&self, b: &mut Builder, ct: Val, rhs: Val, image: &Ty) -> Val {
        let sliding = self.sliding(b, ct, &image.shape, b.shape(rhs));
        let groups = self.groups();
        let (kernel, axes) = if groups == 1 {
            (rhs, self.rhs.swapped())
        } else {
            (exchange_blocks(b, rhs, self.rhs.output, self.rhs.input, groups), self.rhs.clone())
        };
        let op = Self {
            lhs: self.out.clone(),
            rhs: axes,
            out: if self.batch_groups > 1 { self.lhs.swapped() } else { self.lhs.clone() },
            reversal: self.reversal.iter().map(|mirrored| !mirrored).collect(),
            feature_groups: groups,
            batch_groups: 1,
            ..self.clone()
        };
        let op = op.with_windows(&sliding.exchanged(Window::onto_base));
        let cotangent = b.convolution(op, ct, kernel);
        if self.batch_groups == 1 {
            return cotangent;
        }
        exchange_blocks(b, cotangent, self.lhs.batch, self.lhs.feature, groups)
    }

    /// The image slides over the cotangent, with batch and features exchanged; the result is mirrored where the kernel
    /// is.
    fn kernel_cotangent(&self, b: &mut Builder, ct: Val, lhs: Val, kernel: &Ty) -> Val {
        let sliding = self.sliding(b, ct, b.shape(lhs), &kernel.shape);
        let op = Self {
            lhs: self.lhs.swapped(),
            rhs: self.out.as_kernel(),
            out: self.rhs.as_image(),
            reversal: vec![false; self.reversal.len()],
            feature_groups: self.batch_groups,
            batch_groups: self.feature_groups,
            ..self.clone()
        };
        let op = op.with_windows(&sliding.exchanged(Window::onto_window));
        let cotangent = b.convolution(op, lhs, ct);
        match self.mirrored_axes() {
            axes if axes.is_empty() => cotangent,
            axes => b.reverse(cotangent, &axes),
        }
    }

    /// Where the kernel is mirrored along all axes: the cotangent slides over the image.
    fn mirrored_kernel_cotangent(&self, b: &mut Builder, ct: Val, lhs: Val, kernel: &Ty) -> Val {
        let sliding = self.sliding(b, ct, b.shape(lhs), &kernel.shape);
        let groups = self.groups();
        let (image, axes) = if self.batch_groups > 1 {
            (exchange_blocks(b, lhs, self.lhs.batch, self.lhs.feature, groups), self.lhs.swapped())
        } else {
            (lhs, self.lhs.clone())
        };
        let op = Self {
            lhs: self.out.swapped(),
            rhs: axes.as_kernel(),
            out: if groups > 1 { self.rhs.as_image() } else { self.rhs.swapped().as_image() },
            reversal: vec![false; self.reversal.len()],
            feature_groups: 1,
            batch_groups: groups,
            ..self.clone()
        };
        let op = op.with_windows(&sliding.exchanged(Window::onto_mirrored_window));
        let cotangent = b.convolution(op, ct, image);
        if groups == 1 {
            cotangent
        } else {
            exchange_blocks(b, cotangent, self.rhs.output, self.rhs.input, groups)
        }
    }
}

/// Cuts axis `grouped` into `groups` blocks, and exchanges the index within a block with axis `other`: index
/// `(g, i)` of `grouped` and `j` of `other` become `(g, j)` and `i`. Its own inverse.
fn exchange_blocks(b: &mut Builder, x: Val, grouped: usize, other: usize, groups: usize) -> Val {
    let shape = b.shape(x).clone();
    let mut sizes = shape.to_vec();
    sizes[grouped] = groups;
    sizes.insert(grouped + 1, shape[grouped] / groups);
    let other_axis = if other > grouped { other + 1 } else { other };
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.swap(grouped + 1, other_axis);
    let mut exchanged = shape.to_vec();
    exchanged[grouped] = groups * shape[other];
    exchanged[other] = shape[grouped] / groups;
    // Axes of one index may move past others without moving an element.
    let moves = !order.iter().filter(|&&axis| sizes[axis] != 1).is_sorted();
    let x = if moves {
        let blocks = b.reshape(x, &sizes.into());
        b.transpose(blocks, &order)
    } else {
        x
    };
    b.reshape(x, &exchanged.into())
}

impl Builder {
    /// A convolution of the image `x` with the kernel `w`; see [`Convolution`].
    ///
    /// # Panics
    /// Where the operands do not fit.
    #[track_caller]
    pub fn convolution(&mut self, op: Convolution, x: Val, w: Val) -> Val {
        self.apply(op, &[x, w])
    }
}
