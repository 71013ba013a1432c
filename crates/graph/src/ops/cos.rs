//! Cosines.

use tensor::{DType, Tensor};

use super::elementwise::{map_float, same_type};
use crate::{
    Attr, AttributeError, AttributeReader, AxisMap, Builder, Case, Diff, Domain, Jvp, Kink, Primitive, Ty,
    TypeError, Val,
};

/// `result[i] = cos(x[i])`, the angle in radians; NaN at the infinities.
///
/// Operand `x: F[S]`; result `F[S]`, where `F` is `f32` or `f64`.
///
/// Constraints: (C1) one operand; (C3) of floats.
/// Derivative: smooth; `d cos(x) = -sin(x) dx`.
/// Accuracy: the standard library's `cos`. StableHLO: `cosine`.
#[derive(Clone, Debug, PartialEq)]
pub struct Cos;

impl Primitive for Cos {
    const NAME: &'static str = "cos";

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
        map_float(operands[0], f32::cos, f64::cos)
    }

    fn diff(&self) -> Diff<'_> {
        Diff::Smooth(self)
    }

    fn axes(&self, operands: &[&Ty], result: &Ty) -> AxisMap {
        AxisMap::elementwise(operands.len(), result)
    }

    fn cases() -> Vec<Case> {
        vec![Case::new("cos", Self, vec![(Ty::f64([2, 3]), Domain::Interval(-4.0, 4.0))])]
    }

    fn kinks() -> Vec<Kink> {
        Vec::new()
    }
}

impl Jvp for Cos {
    fn jvp(&self, b: &mut Builder, x: &[Val], _: Val, dx: &[Option<Val>]) -> Option<Val> {
        let sine = b.sin(x[0]);
        let slope = b.negate(sine);
        dx[0].map(|dx| b.multiply(slope, dx))
    }
}

impl Builder {
    /// `cos(x)`, elementwise; see [`Cos`].
    ///
    /// # Panics
    /// Where `x` does not hold floats.
    #[track_caller]
    pub fn cos(&mut self, x: Val) -> Val {
        self.apply(Cos, &[x])
    }
}
