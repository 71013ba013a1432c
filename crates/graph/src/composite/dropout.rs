//! Dropout.

use crate::{Builder, Val, ops::Direction};

impl Builder {
    /// `x / (1 - rate)` where an element is kept, which it is with probability `1 - rate` to within 2^-32, and 0 where it
    /// is dropped (Srivastava and others 2014, scaled in training as in PyTorch). Which ones are kept depends on `key`,
    /// `counter` and the element's row-major number alone; see [`crate::ops::RandomBits`]. `x` holds floats,
    /// `key: i32[2]`, `counter: i32[]`; the result is like `x`. A rate of 0 returns `x` itself.
    ///
    /// # Panics
    /// Where an operand does not fit, or `rate` is not in [0, 1).
    #[track_caller]
    pub fn dropout(&mut self, x: Val, rate: f64, key: Val, counter: Val) -> Val {
        assert!((0.0..1.0).contains(&rate), "a dropout rate from 0 to below 1, found {rate}");
        if rate == 0.0 {
            return x;
        }
        let shape = self.shape(x).clone();
        let bits = self.random_bits(key, counter, &shape);
        // The bits are a uniform i32: its share below the threshold is the rate.
        let threshold = (rate * 2f64.powi(32)).round().min(f64::from(u32::MAX)) + f64::from(i32::MIN);
        let threshold = self.splat_like(bits, threshold);
        let kept = self.compare(Direction::Ge, bits, threshold);
        let scaled = self.scale(x, (1.0 - rate).recip());
        let zero = self.splat_like(x, 0.0);
        self.select(kept, scaled, zero)
    }
}
