//! What normalisations share.

use crate::{Builder, Val};

impl Builder {
    /// `(x - mean) / √(variance + epsilon)` along `axes`, with the biased variance, from the squared distances to
    /// the mean: the difference of mean square and squared mean would cancel.
    #[track_caller]
    pub(super) fn standardise(&mut self, x: Val, axes: &[usize], epsilon: f64) -> Val {
        let shape = self.shape(x).clone();
        let (centred, _, variance) = self.centre(x, axes);
        let scale = self.reciprocal_deviation(variance, epsilon);
        let scale = self.broadcast_back(scale, &shape, axes);
        self.multiply(centred, scale)
    }

    /// `x - mean`, the mean and the biased variance along `axes`.
    #[track_caller]
    pub(super) fn centre(&mut self, x: Val, axes: &[usize]) -> (Val, Val, Val) {
        let shape = self.shape(x).clone();
        let mean = self.mean(x, axes);
        let repeated = self.broadcast_back(mean, &shape, axes);
        let centred = self.subtract(x, repeated);
        let square = self.multiply(centred, centred);
        let variance = self.mean(square, axes);
        (centred, mean, variance)
    }

    /// `1 / √(variance + epsilon)`.
    #[track_caller]
    pub(super) fn reciprocal_deviation(&mut self, variance: Val, epsilon: f64) -> Val {
        let epsilon = self.splat_like(variance, epsilon);
        let shifted = self.add(variance, epsilon);
        self.rsqrt(shifted)
    }

    /// `x * gain + bias` with one gain and one bias for each index of the last axis.
    #[track_caller]
    pub(super) fn gain_and_bias(&mut self, mut x: Val, gain: Option<Val>, bias: Option<Val>) -> Val {
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

    /// The number of the last axis.
    #[track_caller]
    pub(super) fn last_axis(&self, x: Val) -> usize {
        let rank = self.shape(x).rank();
        assert!(rank > 0, "a scalar has no last axis");
        rank - 1
    }
}
