//! The logarithm of softmax.

use crate::{Builder, Val};

impl Builder {
    /// `x - ln Σ exp(x)` over the last axis, shifted by the maximum so that nothing overflows. `x: F[.., C]`; result
    /// `F[.., C]`; NaN where all of a row is minus infinity or any of it is infinite or NaN.
    ///
    /// # Panics
    /// Where `x` is a scalar, does not hold floats, or its last axis is of size 0.
    #[track_caller]
    pub fn log_softmax(&mut self, x: Val) -> Val {
        let shape = self.shape(x).clone();
        assert!(shape.rank() > 0, "a scalar has no last axis");
        let last = [shape.rank() - 1];
        // The shift cancels, so it counts as a constant: derivatives need not follow the maximum.
        let largest = self.reduce_max(x, &last);
        let largest = self.stop_gradient(largest);
        let largest = self.broadcast_back(largest, &shape, &last);
        let shifted = self.subtract(x, largest);
        let exponentials = self.exp(shifted);
        let sum = self.reduce_sum(exponentials, &last);
        let log = self.log(sum);
        let log = self.broadcast_back(log, &shape, &last);
        self.subtract(shifted, log)
    }
}
