//! Layer normalisation.

use crate::{Builder, Val};

/// What is added to the variance where nothing else is asked for: PyTorch's default for `LayerNorm`.
pub const LAYER_NORM_EPSILON: f64 = 1e-5;

impl Builder {
    /// `(x - mean) / √(variance + epsilon) * gain + bias` over the last axis, with the biased variance (divided by
    /// the size of the axis), as PyTorch's `LayerNorm`. `x: F[.., C]`, `gain`, `bias: F[C]`; result `F[.., C]`. The
    /// usual epsilon is [`LAYER_NORM_EPSILON`].
    ///
    /// # Panics
    /// Where `x` is a scalar or does not hold floats, or `gain` or `bias` does not fit.
    #[track_caller]
    pub fn layer_norm(&mut self, x: Val, gain: Option<Val>, bias: Option<Val>, epsilon: f64) -> Val {
        let last = self.last_axis(x);
        let normal = self.standardise(x, &[last], epsilon);
        self.gain_and_bias(normal, gain, bias)
    }
}
