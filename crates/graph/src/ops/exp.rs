//! Exponentials.

use tensor::{DType, Tensor};

use super::elementwise::{map_float, same_type};
use crate::{
    Attr, AttributeError, AttributeReader, AxisMap, Builder, Case, Diff, Domain, Jvp, Kink, Primitive, Ty,
    TypeError, Val,
};

/// `result[i] = exp(x[i])`.
///
/// Operand `x: F[S]`; result `F[S]`, where `F` is `f32` or `f64`.
///
/// Constraints: (C1) one operand; (C3) of floats.
/// Derivative: smooth; `d exp(x) = exp(x) dx`.
/// Accuracy: the standard library's `exp`. StableHLO: `exponential`.
#[derive(Clone, Debug, PartialEq)]
pub struct Exp;

impl Primitive for Exp {
    const NAME: &'static str = "exp";

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
        map_float(operands[0], f32::exp, f64::exp)
    }

    fn diff(&self) -> Diff<'_> {
        Diff::Smooth(self)
    }

    fn axes(&self, operands: &[&Ty], result: &Ty) -> AxisMap {
        AxisMap::elementwise(operands.len(), result)
    }

    fn cases() -> Vec<Case> {
        vec![Case::new("exp", Self, vec![(Ty::f64([2, 3]), Domain::Interval(-2.0, 2.0))])]
    }

    fn kinks() -> Vec<Kink> {
        Vec::new()
    }
}

impl Jvp for Exp {
    fn jvp(&self, b: &mut Builder, _: &[Val], result: Val, dx: &[Option<Val>]) -> Option<Val> {
        dx[0].map(|dx| b.multiply(result, dx))
    }
}

impl Builder {
    /// `exp(x)`, elementwise; see [`Exp`].
    ///
    /// # Panics
    /// Where `x` does not hold floats.
    #[track_caller]
    pub fn exp(&mut self, x: Val) -> Val {
        self.apply(Exp, &[x])
    }
}
