//! What normalisations share.

use crate::{Builder, Val};

/// The moments of a tensor along some axes.
pub(super) struct Moments {
    /// `x - c` for the constant `c` that equals the mean.
    pub(super) centred: Val,
    /// The mean.
    pub(super) mean: Val,
    /// The mean less `c`: zero, but its derivative is that of the mean.
    pub(super) offset: Val,
    /// The biased variance (divided by the number of elements).
    pub(super) variance: Val,
}

impl Builder {
    /// The moments along `axes`. The variance is the mean of the squared distances to `c`, less the squared distance
    /// of the mean to `c`, which holds for every constant `c` and so in every derivative. With `c` at the mean nothing
    /// cancels; and as `c` carries no derivative, the reductions of each derivative do not wait for one another.
    #[track_caller]
    pub(super) fn moments(&mut self, x: Val, axes: &[usize]) -> Moments {
        let shape = self.shape(x).clone();
        let mean = self.mean(x, axes);
        let constant = self.stop_gradient(mean);
        let offset = self.subtract(mean, constant);
        let repeated = self.broadcast_back(constant, &shape, axes);
        let centred = self.subtract(x, repeated);
        let square = self.multiply(centred, centred);
        let mean_square = self.mean(square, axes);
        let offset_square = self.multiply(offset, offset);
        let variance = self.subtract(mean_square, offset_square);
        Moments { centred, mean, offset, variance }
    }

    /// `(x - mean) / √(variance + epsilon)` along `axes`.
    #[track_caller]
    pub(super) fn standardise(&mut self, x: Val, axes: &[usize], epsilon: f64) -> Val {
        let shape = self.shape(x).clone();
        let moments = self.moments(x, axes);
        let scale = self.reciprocal_deviation(moments.variance, epsilon);
        let moved = self.multiply(moments.offset, scale);
        let [scale, moved] = [scale, moved].map(|val| self.broadcast_back(val, &shape, axes));
        let scaled = self.multiply(moments.centred, scale);
        self.subtract(scaled, moved)
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
