//! Uniform random numbers.

use tensor::{DType, Shape};

use crate::{Builder, Val};

impl Builder {
    /// Uniform numbers of `f32` in [0, 1): the lower 24 of the random bits of `key` and `counter` (see
    /// [`crate::ops::RandomBits`]) as multiples of 2^-24, all of which are exact.
    ///
    /// # Panics
    /// Where `key` is not of type `i32[2]` or `counter` not of type `i32[]`.
    #[track_caller]
    pub fn uniform(&mut self, key: Val, counter: Val, shape: &Shape) -> Val {
        let bits = self.random_bits(key, counter, shape);
        let mask = self.splat_like(bits, f64::from((1 << 24) - 1));
        let low = self.and(bits, mask);
        let number = self.convert(low, DType::F32);
        self.scale(number, 2f64.powi(-24))
    }
}
