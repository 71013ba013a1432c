//! Transposed convolutions of images.

use crate::{
    Builder, Val,
    ops::{Convolution, KernelAxes},
};

/// Where the windows of a transposed convolution lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvTranspose2d {
    /// Rows and columns of the result between the windows of neighbouring pixels; 1 by default.
    pub stride: [usize; 2],
    /// Rows left out above and below, columns left out left and right; 0 by default.
    pub padding: [usize; 2],
    /// Further rows below, further columns right; 0 by default. PyTorch's `output_padding`.
    pub extra: [usize; 2],
}

impl Default for ConvTranspose2d {
    fn default() -> Self {
        Self { stride: [1; 2], padding: [0; 2], extra: [0; 2] }
    }
}

impl Builder {
    /// The transpose of a convolution, as PyTorch's `conv_transpose2d` but with channels last: each pixel of `x: F[N, H, W, I]`
    /// adds a window of `w: F[I, O, R, S]` (PyTorch's layout) to the result `F[N, H', W', O]`, with
    /// `H' = stride (H - 1) + R - 2 padding + extra`; then `bias: F[O]` is added.
    ///
    /// # Panics
    /// Where the operands do not fit.
    #[track_caller]
    pub fn conv_transpose2d(&mut self, x: Val, w: Val, bias: Option<Val>, options: ConvTranspose2d) -> Val {
        let kernel = self.shape(w);
        let low = [0, 1].map(|axis| kernel[axis + 2] as i64 - 1 - options.padding[axis] as i64);
        let high = [0, 1].map(|axis| low[axis] + options.extra[axis] as i64);
        let op = Convolution {
            rhs: KernelAxes { input: 0, output: 1, spatial: vec![2, 3] },
            low: low.to_vec(),
            high: high.to_vec(),
            lhs_dilation: options.stride.to_vec(),
            reversal: vec![true; 2],
            ..Convolution::new(2)
        };
        let y = self.convolution(op, x, w);
        self.gain_and_bias(y, None, bias)
    }
}
