//! The logistic function.

use tensor::{DType, Tensor};

use super::elementwise::{map_float, same_type};
use crate::{
    Attr, AttributeError, AttributeReader, AxisMap, Builder, Case, Diff, Domain, Jvp, Kink, Primitive, Ty,
    TypeError, Val,
};

/// `result[i] = 1 / (1 + exp(-x[i]))`, without overflow at either end.
///
/// Operand `x: F[S]`; result `F[S]`, where `F` is `f32` or `f64`.
///
/// Constraints: (C1) one operand; (C3) of floats.
/// Derivative: smooth; `d σ(x) = σ(x) (1 - σ(x)) dx`.
/// Accuracy: a few ulp, from the standard library's `exp`. StableHLO: `logistic`.
#[derive(Clone, Debug, PartialEq)]
pub struct Logistic;

impl Primitive for Logistic {
    const NAME: &'static str = "logistic";

    fn attributes(&self) -> Vec<(&'static str, Attr)> {
        Vec::new()
    }

    fn from_attributes(_: &mut AttributeReader) -> Result<Self, AttributeError> {
        Ok(Self)
    }

    fn out_type(&self, operands: &[&Ty]) -> Result<Ty, TypeError> {
        same_type(Self::NAME, 1, DType::is_float, "floats", operands)
    }

    fn eval(&self, operands: &[&Tensor]) -> Tensor {
        map_float(operands[0], logistic_f32, logistic_f64)
    }

    fn diff(&self) -> Diff<'_> {
        Diff::Smooth(self)
    }

    fn axes(&self, operands: &[&Ty], result: &Ty) -> AxisMap {
        AxisMap::elementwise(operands.len(), result)
    }

    fn cases() -> Vec<Case> {
        vec![Case::new("logistic", Self, vec![(Ty::f64([2, 3]), Domain::Interval(-2.0, 2.0))])]
    }

    fn kinks() -> Vec<Kink> {
        Vec::new()
    }
}

// The exponential of a positive number would overflow where the result is still representable.
fn logistic_f32(x: f32) -> f32 {
    let tail = (-x.abs()).exp();
    if x < 0.0 { tail / (1.0 + tail) } else { 1.0 / (1.0 + tail) }
}

fn logistic_f64(x: f64) -> f64 {
    let tail = (-x.abs()).exp();
    if x < 0.0 { tail / (1.0 + tail) } else { 1.0 / (1.0 + tail) }
}

impl Jvp for Logistic {
    fn jvp(&self, b: &mut Builder, _: &[Val], result: Val, dx: &[Option<Val>]) -> Option<Val> {
        let one = b.splat_like(result, 1.0);
        let complement = b.subtract(one, result);
        let slope = b.multiply(result, complement);
        dx[0].map(|dx| b.multiply(slope, dx))
    }
}

impl Builder {
    /// `1 / (1 + exp(-x))`, elementwise; see [`Logistic`].
    ///
    /// # Panics
    /// Where `x` does not hold floats.
    #[track_caller]
    pub fn logistic(&mut self, x: Val) -> Val {
        self.apply(Logistic, &[x])
    }
}
