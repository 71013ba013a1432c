//! Natural logarithms of one plus a small number.

use tensor::{DType, Tensor};

use super::elementwise::{map_float, same_type};
use crate::{
    Attr, AttributeError, AttributeReader, AxisMap, Builder, Case, Diff, Domain, Jvp, Kink, Primitive, Ty,
    TypeError, Val,
};

/// `result[i] = ln(1 + x[i])` without cancellation near 0: minus infinity at -1 and NaN below.
///
/// Operand `x: F[S]`; result `F[S]`, where `F` is `f32` or `f64`.
///
/// Constraints: (C1) one operand; (C3) of floats.
/// Derivative: smooth; `d ln(1 + x) = dx / (1 + x)`.
/// Accuracy: the standard library's `ln_1p`. StableHLO: `log_plus_one`.
#[derive(Clone, Debug, PartialEq)]
pub struct Log1p;

impl Primitive for Log1p {
    const NAME: &'static str = "log1p";

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
        map_float(operands[0], f32::ln_1p, f64::ln_1p)
    }

    fn diff(&self) -> Diff<'_> {
        Diff::Smooth(self)
    }

    fn axes(&self, operands: &[&Ty], result: &Ty) -> AxisMap {
        AxisMap::elementwise(operands.len(), result)
    }

    fn cases() -> Vec<Case> {
        vec![Case::new("log1p", Self, vec![(Ty::f64([2, 3]), Domain::Interval(-0.5, 2.0))])]
    }

    fn kinks() -> Vec<Kink> {
        Vec::new()
    }
}

impl Jvp for Log1p {
    fn jvp(&self, b: &mut Builder, x: &[Val], _: Val, dx: &[Option<Val>]) -> Option<Val> {
        let one = b.splat_like(x[0], 1.0);
        let shifted = b.add(one, x[0]);
        dx[0].map(|dx| b.divide(dx, shifted))
    }
}

impl Builder {
    /// `ln(1 + x)`, elementwise; see [`Log1p`].
    ///
    /// # Panics
    /// Where `x` does not hold floats.
    #[track_caller]
    pub fn log1p(&mut self, x: Val) -> Val {
        self.apply(Log1p, &[x])
    }
}
