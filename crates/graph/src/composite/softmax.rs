//! Softmax and its logarithm.

use crate::{Builder, Val};

impl Builder {
    /// `exp(x) / Σ exp(x)` along `axis`, shifted by the maximum so that nothing overflows. `x` holds floats; the
    /// result is like `x`; NaN where all elements along the axis are minus infinity or any of them is plus infinity
    /// or NaN.
    ///
    /// # Panics
    /// Where `x` does not hold floats, or has no such axis or one of size 0.
    #[track_caller]
    pub fn softmax(&mut self, x: Val, axis: usize) -> Val {
        let shape = self.shape(x).clone();
        let largest = self.constant_max(x, axis);
        let largest = self.broadcast_back(largest, &shape, &[axis]);
        let shifted = self.subtract(x, largest);
        let exponentials = self.exp(shifted);
        self.divide_by_sum(exponentials, axis)
    }

    /// `x - ln Σ exp(x)` over the last axis, shifted by the maximum so that nothing overflows. `x: F[.., C]`; result
    /// `F[.., C]`; NaN where all of a row is minus infinity or any of it is infinite or NaN.
    ///
    /// # Panics
    /// Where `x` is a scalar, does not hold floats, or its last axis is of size 0.
    #[track_caller]
    pub fn log_softmax(&mut self, x: Val) -> Val {
        let (shape, last) = (self.shape(x).clone(), self.last_axis(x));
        let largest = self.constant_max(x, last);
        let (shifted, log) = self.shifted_log_sum_exp(x, largest, last);
        let log = self.broadcast_back(log, &shape, &[last]);
        self.subtract(shifted, log)
    }

    /// The maximum along `axis` as a constant: what it shifts cancels, so derivatives need not follow it.
    #[track_caller]
    pub(super) fn constant_max(&mut self, x: Val, axis: usize) -> Val {
        let largest = self.reduce_max(x, &[axis]);
        self.stop_gradient(largest)
    }

    /// `x - shift` and `ln Σ exp(x - shift)` along `axis`.
    #[track_caller]
    pub(super) fn shifted_log_sum_exp(&mut self, x: Val, shift: Val, axis: usize) -> (Val, Val) {
        let shape = self.shape(x).clone();
        let shift = self.broadcast_back(shift, &shape, &[axis]);
        let shifted = self.subtract(x, shift);
        let exponentials = self.exp(shifted);
        let sum = self.reduce_sum(exponentials, &[axis]);
        (shifted, self.log(sum))
    }

    /// `x / Σ x` along `axis`, with one division for each sum.
    #[track_caller]
    pub(super) fn divide_by_sum(&mut self, x: Val, axis: usize) -> Val {
        let shape = self.shape(x).clone();
        let sum = self.reduce_sum(x, &[axis]);
        let one = self.splat_like(sum, 1.0);
        let reciprocal = self.divide(one, sum);
        let reciprocal = self.broadcast_back(reciprocal, &shape, &[axis]);
        self.multiply(x, reciprocal)
    }
}
