//! How accurate the executor's own functions of `f32` are.

use crate::{math, trigonometry};

/// A function of `f32` that loops compute by themselves, and the error that it stays within.
#[derive(Clone, Copy, Debug)]
pub struct Accuracy {
    /// The name of the primitive.
    pub name: &'static str,
    /// The largest error, in units in the last place of the exact result: stated where the function is defined, and
    /// held by a test over both signs and the whole range.
    pub bound_ulp: f64,
    function: fn(f32) -> f32,
    exact: fn(f64) -> f64,
}

impl Accuracy {
    /// The functions. All others are correctly rounded (arithmetic, square roots) or the standard library's (`log1p`,
    /// `power`, and the transcendental functions of `f64`, of which `erf` is crate `libm`'s).
    #[must_use]
    pub fn all() -> [Self; 7] {
        let new = |name, bound_ulp, function, exact| Self { name, bound_ulp, function, exact };
        [
            new("cos", 0.51, trigonometry::cos_of_any, f64::cos),
            new("erf", 2.0, math::erf, libm::erf),
            new("exp", 1.1, math::exp, f64::exp),
            new("log", 1.1, math::log, f64::ln),
            new("logistic", 3.0, math::logistic, |x| 1.0 / (1.0 + (-x).exp())),
            new("sin", 0.51, trigonometry::sin_of_any, f64::sin),
            new("tanh", 2.0, math::tanh, f64::tanh),
        ]
    }

    /// The largest error in units in the last place over every `step`-th `f32` of either sign, infinity included, and
    /// where it is. The exact results are those of `f64`.
    ///
    /// # Panics
    /// Where `step` is 0.
    #[must_use]
    pub fn worst(&self, step: usize) -> (f64, f32) {
        let infinity = f32::INFINITY.to_bits();
        let patterns = (0..infinity).step_by(step).chain([infinity]);
        let numbers = patterns.flat_map(|bits| [f32::from_bits(bits), -f32::from_bits(bits)]);
        numbers
            .map(|x| (ulps((self.function)(x), (self.exact)(f64::from(x))), x))
            .fold((0.0, 0.0), |worst, found| if found.0 > worst.0 { found } else { worst })
    }
}

/// The distance in units in the last place of the expected number, which is rounded from f64; infinite where one
/// alone is NaN.
fn ulps(found: f32, expected: f64) -> f64 {
    let rounded = expected as f32;
    if found.is_nan() != rounded.is_nan() {
        return f64::INFINITY;
    }
    if found == rounded || found.is_nan() && rounded.is_nan() {
        // Within half a unit, and equal beyond the range.
        let unit = next_after(rounded) - rounded.abs();
        return if unit.is_finite() { (f64::from(found) - expected).abs() / f64::from(unit) } else { 0.0 };
    }
    (f64::from(found) - expected).abs() / f64::from(next_after(rounded) - rounded.abs())
}

/// The `f32` after the magnitude of `x`.
fn next_after(x: f32) -> f32 {
    f32::from_bits(x.abs().to_bits() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_stay_within_the_stated_bounds() {
        for accuracy in Accuracy::all() {
            let (error, at) = accuracy.worst(1021);
            let Accuracy { name, bound_ulp, .. } = accuracy;
            assert!(error <= bound_ulp, "{name}({at:e}): {error} ulp, allowed {bound_ulp}");
        }
    }

    #[test]
    fn errors_are_counted_in_units_of_the_exact_result() {
        assert_eq!(ulps(1.0, 1.0), 0.0);
        assert_eq!(ulps(1.0 + f32::EPSILON, 1.0), 1.0);
        assert_eq!(ulps(0.0, f64::from(f32::MIN_POSITIVE)), f64::from(1 << 23));
        assert_eq!((ulps(f32::NAN, f64::NAN), ulps(f32::INFINITY, 1e300)), (0.0, 0.0));
        assert_eq!((ulps(f32::NAN, 1.0), ulps(f32::INFINITY, 1.0)), (f64::INFINITY, f64::INFINITY));
        assert_eq!(ulps(1.0, f64::NAN), f64::INFINITY);
    }
}
