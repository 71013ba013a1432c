//! The one place where tolerances come from.

/// How far two f64 sums of about `terms` products of numbers up to `magnitude` may lie apart by rounding: the
/// growth of the standard error bound, `terms · ε`, with a factor of 16 for chains of operations.
#[must_use]
pub fn roundoff(magnitude: f64, terms: usize) -> f64 {
    16.0 * f64::EPSILON * magnitude.max(1.0) * (terms.max(4) as f64)
}
