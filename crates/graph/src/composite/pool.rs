//! Pooling.

use crate::{Builder, Val, ops::Window};

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

    /// The largest element of each window, `windows` having one for each spatial axis; padding is smaller than every
    /// element. Its derivative is that of the first of the largest (row by row), which is linear: second derivatives
    /// vanish. `x: F[N, S.., C]`; result `F[N, R.., C]`.
    ///
    /// # Panics
    /// Where the windows do not fit, are dilated, or one of them has no element.
    #[track_caller]
    pub fn max_pool(&mut self, x: Val, windows: &[Window]) -> Val {
        let windows = between_points(windows);
        let positions = self.window_argmax(x, &windows);
        self.window_gather(x, positions, &windows)
    }

    /// The mean of each window, `windows` having one for each spatial axis; padding counts as zeros, as PyTorch has it
    /// by default. `x: F[N, S.., C]`; result `F[N, R.., C]`.
    ///
    /// # Panics
    /// Where the windows do not fit, or `x` does not hold floats.
    #[track_caller]
    pub fn average_pool(&mut self, x: Val, windows: &[Window]) -> Val {
        let positions: f64 = windows.iter().map(|window| window.size as f64).product();
        let sums = self.window_sum(x, &between_points(windows));
        self.scale(sums, 1.0 / positions)
    }

    /// The axes between examples and channels.
    #[track_caller]
    fn spatial_axes(&self, x: Val) -> Vec<usize> {
        let last = self.last_axis(x);
        assert!(last > 0, "pooling needs examples and channels");
        (1..last).collect()
    }
}

/// The windows of the spatial axes with those of examples and channels, along which nothing slides.
fn between_points(spatial: &[Window]) -> Vec<Window> {
    [&[Window::POINT], spatial, &[Window::POINT]].concat()
}
