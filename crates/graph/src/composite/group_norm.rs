//! Group and instance normalisation.

use tensor::Shape;

use crate::{Builder, Val};

/// What is added to the variance where nothing else is asked for: PyTorch's default for `GroupNorm` and
/// `InstanceNorm`.
pub const GROUP_NORM_EPSILON: f64 = 1e-5;

impl Builder {
    /// Group normalisation (Wu and He 2018, arXiv:1803.08494): the channels are cut into `groups` runs of equal
    /// length; each run of each example is normalised over its channels and the spatial axes with the biased
    /// variance; then each channel has its gain and bias. `x: F[N, S.., C]`, `gain`, `bias: F[C]`; the result is
    /// like `x`. The usual epsilon is [`GROUP_NORM_EPSILON`].
    ///
    /// # Panics
    /// Where `x` has fewer than two axes or does not hold floats, `groups` does not divide the number of channels, or
    /// `gain` or `bias` does not fit.
    #[track_caller]
    pub fn group_norm(
        &mut self,
        x: Val,
        groups: usize,
        gain: Option<Val>,
        bias: Option<Val>,
        epsilon: f64,
    ) -> Val {
        let shape = self.shape(x).clone();
        let channels = shape[self.last_axis(x)];
        assert!(shape.rank() > 1, "group normalisation needs examples and channels, found {shape}");
        assert!(groups > 0 && channels.is_multiple_of(groups), "{groups} groups of {channels} channels");
        let spatial: usize = shape[1..shape.rank() - 1].iter().product();
        let grouped = self.reshape(x, &Shape::from([shape[0], spatial, groups, channels / groups]));
        let normal = self.standardise(grouped, &[1, 3], epsilon);
        let normal = self.reshape(normal, &shape);
        self.gain_and_bias(normal, gain, bias)
    }

    /// Instance normalisation (Ulyanov, Vedaldi and Lempitsky 2016, arXiv:1607.08022): each channel of each example
    /// is normalised over the spatial axes with the biased variance. `x: F[N, S.., C]`, `gain`, `bias: F[C]`; the
    /// result is like `x`. The usual epsilon is [`GROUP_NORM_EPSILON`].
    ///
    /// # Panics
    /// Where `x` has fewer than two axes or does not hold floats, or `gain` or `bias` does not fit.
    #[track_caller]
    pub fn instance_norm(&mut self, x: Val, gain: Option<Val>, bias: Option<Val>, epsilon: f64) -> Val {
        let last = self.last_axis(x);
        assert!(last > 0, "instance normalisation needs examples and channels");
        let spatial: Vec<usize> = (1..last).collect();
        let normal = self.standardise(x, &spatial, epsilon);
        self.gain_and_bias(normal, gain, bias)
    }
}
