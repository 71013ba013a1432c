//! Hyperbolic tangents.

use tensor::{DType, Tensor};

use super::elementwise::{map_float, same_type};
use crate::{
    Attr, AttributeError, AttributeReader, AxisMap, Builder, Case, Diff, Domain, Jvp, Kink, Primitive, Ty,
    TypeError, Val,
};

/// `result[i] = tanh(x[i])`.
///
/// Operand `x: F[S]`; result `F[S]`, where `F` is `f32` or `f64`.
///
/// Constraints: (C1) one operand; (C3) of floats.
/// Derivative: smooth; `d tanh(x) = (1 - tanh(x)^2) dx`.
/// Accuracy: the standard library's `tanh`. StableHLO: `tanh`.
#[derive(Clone, Debug, PartialEq)]
pub struct Tanh;

impl Primitive for Tanh {
    const NAME: &'static str = "tanh";

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
        map_float(operands[0], f32::tanh, f64::tanh)
    }

    fn diff(&self) -> Diff<'_> {
        Diff::Smooth(self)
    }

    fn axes(&self, operands: &[&Ty], result: &Ty) -> AxisMap {
        AxisMap::elementwise(operands.len(), result)
    }

    fn cases() -> Vec<Case> {
        vec![Case::new("tanh", Self, vec![(Ty::f64([2, 3]), Domain::Interval(-2.0, 2.0))])]
    }

    fn kinks() -> Vec<Kink> {
        Vec::new()
    }
}

impl Jvp for Tanh {
    fn jvp(&self, b: &mut Builder, _: &[Val], result: Val, dx: &[Option<Val>]) -> Option<Val> {
        let one = b.splat_like(result, 1.0);
        let square = b.multiply(result, result);
        let slope = b.subtract(one, square);
        dx[0].map(|dx| b.multiply(slope, dx))
    }
}

impl Builder {
    /// `tanh(x)`, elementwise; see [`Tanh`].
    ///
    /// # Panics
    /// Where `x` does not hold floats.
    #[track_caller]
    pub fn tanh(&mut self, x: Val) -> Val {
        self.apply(Tanh, &[x])
    }
}
