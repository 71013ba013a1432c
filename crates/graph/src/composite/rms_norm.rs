//! Normalisation by the root of the mean square.

use crate::{Builder, Val};

/// What is added to the mean square where nothing else is asked for: that of Llama 2 (`rms_norm_eps`). PyTorch's `RMSNorm` takes
/// the machine epsilon of the element type instead.
pub const RMS_NORM_EPSILON: f64 = 1e-5;

impl Builder {
    /// `x / √(mean of x² + epsilon) * gain` over the last axis (Zhang and Sennrich, *Root mean square layer
    /// normalization*, 2019, equation 4). `x: F[.., C]`, `gain: F[C]`; result `F[.., C]`. The usual epsilon is
    /// [`RMS_NORM_EPSILON`].
    ///
    /// # Panics
    /// Where `x` is a scalar or does not hold floats, or `gain` does not fit.
    #[track_caller]
    pub fn rms_norm(&mut self, x: Val, gain: Option<Val>, epsilon: f64) -> Val {
        let last = self.last_axis(x);
        let shape = self.shape(x).clone();
        let square = self.multiply(x, x);
        let mean_square = self.mean(square, &[last]);
        let scale = self.reciprocal_deviation(mean_square, epsilon);
        let scale = self.broadcast_back(scale, &shape, &[last]);
        let normal = self.multiply(x, scale);
        self.gain_and_bias(normal, gain, None)
    }
}
