//! Reciprocal square roots.

use tensor::{DType, Tensor};

use super::elementwise::{map_float, same_type};
use crate::{
    Attr, AttributeError, AttributeReader, AxisMap, Builder, Case, Diff, Domain, Jvp, Kink, Primitive, Ty,
    TypeError, Val,
};

/// `result[i] = 1 / √x[i]`: infinite at 0 and NaN below.
///
/// Operand `x: F[S]`; result `F[S]`, where `F` is `f32` or `f64`.
///
/// Constraints: (C1) one operand; (C3) of floats.
/// Derivative: smooth; `d(1/√x) = -1/2 (1/√x) / x dx`.
/// Accuracy: a correctly rounded reciprocal of a correctly rounded root. StableHLO: `rsqrt`.
#[derive(Clone, Debug, PartialEq)]
pub struct Rsqrt;

impl Primitive for Rsqrt {
    const NAME: &'static str = "rsqrt";

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
        map_float(operands[0], |x| 1.0 / x.sqrt(), |x| 1.0 / x.sqrt())
    }

    fn diff(&self) -> Diff<'_> {
        Diff::Smooth(self)
    }

    fn axes(&self, operands: &[&Ty], result: &Ty) -> AxisMap {
        AxisMap::elementwise(operands.len(), result)
    }

    fn cases() -> Vec<Case> {
        vec![Case::new("rsqrt", Self, vec![(Ty::f64([2, 3]), Domain::Interval(0.5, 3.0))])]
    }

    fn kinks() -> Vec<Kink> {
        Vec::new()
    }
}

impl Jvp for Rsqrt {
    fn jvp(&self, b: &mut Builder, x: &[Val], result: Val, dx: &[Option<Val>]) -> Option<Val> {
        let ratio = b.divide(result, x[0]);
        let slope = b.scale(ratio, -0.5);
        dx[0].map(|dx| b.multiply(slope, dx))
    }
}

impl Builder {
    /// `1 / √x`, elementwise; see [`Rsqrt`].
    ///
    /// # Panics
    /// Where `x` does not hold floats.
    #[track_caller]
    pub fn rsqrt(&mut self, x: Val) -> Val {
        self.apply(Rsqrt, &[x])
    }
}
