//! Sines.

use tensor::{DType, Tensor};

use super::elementwise::{map_float, same_type};
use crate::{
    Attr, AttributeError, AttributeReader, AxisMap, Builder, Case, Diff, Domain, Jvp, Kink, Primitive, Ty,
    TypeError, Val,
};

/// `result[i] = sin(x[i])`, the angle in radians; NaN at the infinities.
///
/// Operand `x: F[S]`; result `F[S]`, where `F` is `f32` or `f64`.
///
/// Constraints: (C1) one operand; (C3) of floats.
/// Derivative: smooth; `d sin(x) = cos(x) dx`.
/// Accuracy: the standard library's `sin`. StableHLO: `sine`.
#[derive(Clone, Debug, PartialEq)]
pub struct Sin;

impl Primitive for Sin {
    const NAME: &'static str = "sin";

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
        map_float(operands[0], f32::sin, f64::sin)
    }

    fn diff(&self) -> Diff<'_> {
        Diff::Smooth(self)
    }

    fn axes(&self, operands: &[&Ty], result: &Ty) -> AxisMap {
        AxisMap::elementwise(operands.len(), result)
    }

    fn cases() -> Vec<Case> {
        vec![Case::new("sin", Self, vec![(Ty::f64([2, 3]), Domain::Interval(-4.0, 4.0))])]
    }

    fn kinks() -> Vec<Kink> {
        Vec::new()
    }
}

impl Jvp for Sin {
    fn jvp(&self, b: &mut Builder, x: &[Val], _: Val, dx: &[Option<Val>]) -> Option<Val> {
        let slope = b.cos(x[0]);
        dx[0].map(|dx| b.multiply(slope, dx))
    }
}

impl Builder {
    /// `sin(x)`, elementwise; see [`Sin`].
    ///
    /// # Panics
    /// Where `x` does not hold floats.
    #[track_caller]
    pub fn sin(&mut self, x: Val) -> Val {
        self.apply(Sin, &[x])
    }
}
