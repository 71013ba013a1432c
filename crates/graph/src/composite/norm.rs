//! Normalisation.

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
        let shape = self.shape(x).clone();
        assert!(shape.rank() > 0, "a scalar has no last axis to normalise over");
        let last = [shape.rank() - 1];
        let mean = self.mean(x, &last);
        let mean = self.broadcast_back(mean, &shape, &last);
        let centred = self.subtract(x, mean);
        let square = self.multiply(centred, centred);
        let variance = self.mean(square, &last);
        let epsilon = self.splat_like(variance, epsilon);
        let shifted = self.add(variance, epsilon);
        let scale = self.rsqrt(shifted);
        let scale = self.broadcast_back(scale, &shape, &last);
        let normal = self.multiply(centred, scale);
        self.gain_and_bias(normal, gain, bias)
    }

    fn gain_and_bias(&mut self, mut x: Val, gain: Option<Val>, bias: Option<Val>) -> Val {
        if let Some(gain) = gain {
            let gain = self.along_last_axis(gain, x);
            x = self.multiply(x, gain);
        }
        if let Some(bias) = bias {
            let bias = self.along_last_axis(bias, x);
            x = self.add(x, bias);
        }
        x
    }
}
