//! Pooling.

use crate::{Builder, Val};

impl Builder {
    /// The mean of each channel over the spatial axes. `x: F[N, S.., C]`; result `F[N, C]`.
    ///
    /// # Panics
    /// Where `x` has fewer than two axes or does not hold floats.
    #[track_caller]
    pub fn global_average_pool(&mut self, x: Val) -> Val {
        let spatial = self.spatial_axes(x);
        self.mean(x, &spatial)
    }

    /// The largest element of each channel over the spatial axes; its derivative is that of `reduce_max`.
    /// `x: F[N, S.., C]`; result `F[N, C]`.
    ///
    /// # Panics
    /// Where `x` has fewer than two axes or does not hold floats.
    #[track_caller]
    pub fn global_max_pool(&mut self, x: Val) -> Val {
        let spatial = self.spatial_axes(x);
        self.reduce_max(x, &spatial)
    }

    /// The axes between examples and channels.
    #[track_caller]
    fn spatial_axes(&self, x: Val) -> Vec<usize> {
        let last = self.last_axis(x);
        assert!(last > 0, "pooling needs examples and channels");
        (1..last).collect()
    }
}
