//! Batch normalisation, with its running statistics as explicit state.

use crate::{Builder, Val};

/// The numbers that batch normalisation is given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchNorm {
    /// The share of the batch's moments in the new running ones. PyTorch's default: 0.1.
    pub momentum: f64,
    /// What is added to the variance. PyTorch's default: 1e-5.
    pub epsilon: f64,
}

impl Default for BatchNorm {
    fn default() -> Self {
        Self { momentum: 0.1, epsilon: 1e-5 }
    }
}

/// A mean and a variance for each channel, `F[C]` each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelMoments {
    /// The means.
    pub mean: Val,
    /// The variances.
    pub variance: Val,
}

impl Builder {
    /// Batch normalisation in training: `(x - mean) / √(variance + epsilon) * gain + bias` with each channel's mean
    /// and biased variance over the batch and the spatial axes (Ioffe and Szegedy 2015, arXiv:1502.03167).
    /// `x: F[N, S.., C]`, `gain`, `bias: F[C]`; the result is like `x`.
    ///
    /// The second result are the new running moments, as PyTorch has them: `(1 - momentum) * running + momentum *`
    /// the batch's, with the unbiased variance (divided by the number of elements less one; that of a single
    /// element counts as 0, where PyTorch refuses to train).
    ///
    /// # Panics
    /// Where `x` is a scalar or does not hold floats, or another operand does not fit.
    #[track_caller]
    pub fn batch_norm_training(
        &mut self,
        x: Val,
        gain: Option<Val>,
        bias: Option<Val>,
        running: ChannelMoments,
        options: BatchNorm,
    ) -> (Val, ChannelMoments) {
        let shape = self.shape(x).clone();
        let axes: Vec<usize> = (0..self.last_axis(x)).collect();
        let moments = self.moments(x, &axes);
        let scale = self.channel_scale(moments.variance, gain, options.epsilon);
        let shift = self.channel_shift(moments.offset, scale, bias);
        let normal = self.gain_and_bias(moments.centred, Some(scale), Some(shift));
        let count: usize = axes.iter().map(|&axis| shape[axis]).product();
        let unbiased = self.scale(moments.variance, count as f64 / count.saturating_sub(1).max(1) as f64);
        let running = ChannelMoments {
            mean: self.moving_average(running.mean, moments.mean, options.momentum),
            variance: self.moving_average(running.variance, unbiased, options.momentum),
        };
        (normal, running)
    }

    /// Batch normalisation in evaluation: as [`Builder::batch_norm_training`] with the given moments in place of
    /// the batch's.
    ///
    /// # Panics
    /// Where `x` is a scalar or does not hold floats, or another operand does not fit.
    #[track_caller]
    pub fn batch_norm(
        &mut self,
        x: Val,
        gain: Option<Val>,
        bias: Option<Val>,
        moments: ChannelMoments,
        epsilon: f64,
    ) -> Val {
        let scale = self.channel_scale(moments.variance, gain, epsilon);
        let shift = self.channel_shift(moments.mean, scale, bias);
        self.gain_and_bias(x, Some(scale), Some(shift))
    }

    /// `gain / √(variance + epsilon)` for each channel: one factor instead of two for each element.
    fn channel_scale(&mut self, variance: Val, gain: Option<Val>, epsilon: f64) -> Val {
        let scale = self.reciprocal_deviation(variance, epsilon);
        match gain {
            Some(gain) => self.multiply(scale, gain),
            None => scale,
        }
    }

    /// `bias - mean * scale` for each channel.
    fn channel_shift(&mut self, mean: Val, scale: Val, bias: Option<Val>) -> Val {
        let moved = self.multiply(mean, scale);
        match bias {
            Some(bias) => self.subtract(bias, moved),
            None => self.negate(moved),
        }
    }

    /// `(1 - weight) * old + weight * new`.
    fn moving_average(&mut self, old: Val, new: Val, weight: f64) -> Val {
        let old = self.scale(old, 1.0 - weight);
        let new = self.scale(new, weight);
        self.add(old, new)
    }
}
