//! Convolutions of images.

use crate::{Builder, Val, ops::Convolution};

/// Where the windows of a convolution lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2d {
    /// Rows and columns between neighbouring windows; 1 by default.
    pub stride: [usize; 2],
    /// Rows of zeros above and below, columns of them left and right; 0 by default.
    pub padding: [usize; 2],
    /// Further rows of zeros below, further columns of them right; 0 by default. With padding for every result, the odd one of
    /// TensorFlow's and Flax's `SAME` lies there.
    pub extra: [usize; 2],
    /// Rows and columns between neighbouring positions of a window; 1 by default.
    pub dilation: [usize; 2],
    /// Blocks of channels that do not see each other; 1 by default.
    pub groups: usize,
}

impl Default for Conv2d {
    fn default() -> Self {
        Self { stride: [1; 2], padding: [0; 2], extra: [0; 2], dilation: [1; 2], groups: 1 }
    }
}

impl Builder {
    /// The cross-correlation of images with kernels, as PyTorch's `conv2d` but with channels last: `x: F[N, H, W, I]`,
    /// `w: F[O, I / groups, R, S]` (PyTorch's layout), `bias: F[O]`; result `F[N, H', W', O]`.
    ///
    /// # Panics
    /// Where the operands do not fit.
    #[track_caller]
    pub fn conv2d(&mut self, x: Val, w: Val, bias: Option<Val>, options: Conv2d) -> Val {
        let high = [0, 1].map(|axis| (options.padding[axis] + options.extra[axis]) as i64);
        let op = Convolution {
            strides: options.stride.to_vec(),
            low: options.padding.map(|padding| padding as i64).to_vec(),
            high: high.to_vec(),
            rhs_dilation: options.dilation.to_vec(),
            feature_groups: options.groups,
            ..Convolution::new(2)
        };
        let y = self.convolution(op, x, w);
        self.gain_and_bias(y, None, bias)
    }
}
