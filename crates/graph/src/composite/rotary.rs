//! Rotary positions.

use tensor::{Shape, Tensor};

use crate::{Builder, Val};

/// The base of the wavelengths where nothing else is asked for: that of arXiv:2104.09864, section 3.3.
pub const ROTARY_BASE: f64 = 10_000.0;

impl Builder {
    /// Rotary position embedding (Su and others 2021, arXiv:2104.09864): with `d = D / 2`, the elements `i` and
    /// `i + d` of position `t` are rotated by the angle `t * base^(-i / d)`. The pairing of halves is that of GPT-NeoX
    /// and Llama; the paper pairs neighbours. `x: F[N, T, H, D]`, `D` even; the result is like `x`. The usual base is
    /// [`ROTARY_BASE`].
    ///
    /// # Panics
    /// Where `x` has not such a shape or does not hold floats.
    #[track_caller]
    pub fn rotary(&mut self, x: Val, base: f64) -> Val {
        let depth = self.shape(x).last().copied().unwrap_or(0);
        self.rotary_at(x, &rotary_rates(depth, base))
    }

    /// As [`Builder::rotary`], the angle of element `i` at position `t` being `t * rates[i]`: for wavelengths that are no
    /// powers of a base. `rates` has `D / 2` numbers, as [`rotary_rates`] gives them.
    ///
    /// # Panics
    /// Where `x` has not such a shape or does not hold floats, or the number of rates differs.
    #[track_caller]
    pub fn rotary_at(&mut self, x: Val, rates: &[f64]) -> Val {
        let shape = self.shape(x).clone();
        let [_, length, _, depth] = shape[..] else {
            panic!("rotary positions of [N, T, H, D], found {shape}")
        };
        assert!(depth.is_multiple_of(2), "rotary positions need an even depth, found {depth}");
        let half = depth / 2;
        assert_eq!(rates.len(), half, "a rate for each pair of elements");
        let [low, high] = [0..half, half..depth].map(|range| self.slice_axis(x, 3, range));
        let [cos, sin] = [f64::cos, f64::sin].map(|f| self.angles(low, length, rates, f));
        let [low_cos, high_sin] = [self.multiply(low, cos), self.multiply(high, sin)];
        let [high_cos, low_sin] = [self.multiply(high, cos), self.multiply(low, sin)];
        let rotated = [self.subtract(low_cos, high_sin), self.add(high_cos, low_sin)];
        self.concatenate(&rotated, 3)
    }

    /// `f(t * rates[i])` for element `i` of position `t`, in the type of `like: F[N, T, H, d]`.
    fn angles(&mut self, like: Val, length: usize, rates: &[f64], f: fn(f64) -> f64) -> Val {
        let shape = self.shape(like).clone();
        let half = rates.len();
        let table = Tensor::from_fn(Shape::from([length, half]), |i| f((i / half) as f64 * rates[i % half]));
        let table = self.constant(table.convert(self.ty(like).dtype));
        self.broadcast(table, &shape, &[1, 3])
    }
}

/// The angles between neighbouring positions for heads of `depth` elements: `base^(-i / d)` with `d = depth / 2`.
#[must_use]
pub fn rotary_rates(depth: usize, base: f64) -> Vec<f64> {
    let half = depth / 2;
    (0..half).map(|i| base.powf(-(i as f64) / half as f64)).collect()
}
