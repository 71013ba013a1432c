//! Drawing operands.

use graph::{Case, Domain, Ty};
use tensor::{DType, Key, Tensor};

/// Operands for a case, drawn from its domains.
#[must_use]
pub fn operands(case: &Case, key: Key) -> Vec<Tensor> {
    case.operands.iter().enumerate().map(|(k, (ty, domain))| draw(ty, *domain, key.fold(k as u64))).collect()
}

/// A tensor of type `ty` with elements from `domain`.
#[must_use]
pub fn draw(ty: &Ty, domain: Domain, key: Key) -> Tensor {
    let count = ty.shape.elements();
    let between = |i: usize, low: f64, high: f64| low + (high - low) * key.uniform(i as u64);
    let sign = |i: usize| if key.child("sign").bits(i as u64) & 1 == 0 { 1.0 } else { -1.0 };
    let order = key.child("order").permutation(count);
    let element = |i: usize| match domain {
        Domain::Interval(low, high) => between(i, low, high),
        Domain::Signed(low, high) => sign(i) * between(i, low, high),
        Domain::Distinct { offset } => (order[i] as f64 - count as f64 / 2.0) * 0.25 + offset,
        Domain::Dominant => match ty.shape.last().map(|n| (i / n % n, i % n)) {
            Some((row, column)) if row == column => between(i, 2.0, 3.0),
            _ => between(i, -0.5, 0.5),
        },
        Domain::Below(bound) => key.below(i as u64, bound.unsigned_abs().into()) as f64,
        Domain::Truth => (key.bits(i as u64) & 1) as f64,
    };
    Tensor::from_fn(ty.shape.clone(), element).convert(ty.dtype)
}

/// Standard normal numbers.
///
/// # Panics
/// Where `ty` is not floating-point.
#[must_use]
pub fn normal(ty: &Ty, key: Key) -> Tensor {
    assert!(ty.dtype == DType::F64 || ty.dtype == DType::F32, "normal numbers are floats");
    Tensor::from_fn(ty.shape.clone(), |i| key.normal(i as u64)).convert(ty.dtype)
}
