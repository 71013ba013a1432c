//! Square roots.

use tensor::{DType, Tensor};

use super::elementwise::{map_float, same_type};
use crate::{
    Attr, AttributeError, AttributeReader, AxisMap, Builder, Case, Diff, Domain, Jvp, Kink, Primitive, Ty,
    TypeError, Val,
};

/// `result[i] = √x[i]`; NaN below 0.
///
/// Operand `x: F[S]`; result `F[S]`, where `F` is `f32` or `f64`.
///
/// Constraints: (C1) one operand; (C3) of floats.
/// Derivative: smooth; `d √x = dx / (2 √x)`, which is infinite at 0 for a tangent other than 0.
/// Accuracy: correctly rounded. StableHLO: `sqrt`.
#[derive(Clone, Debug, PartialEq)]
pub struct Sqrt;

impl Primitive for Sqrt {
    const NAME: &'static str = "sqrt";

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
        map_float(operands[0], f32::sqrt, f64::sqrt)
    }

    fn diff(&self) -> Diff<'_> {
        Diff::Smooth(self)
    }

    fn axes(&self, operands: &[&Ty], result: &Ty) -> AxisMap {
        AxisMap::elementwise(operands.len(), result)
    }

    fn cases() -> Vec<Case> {
        vec![Case::new("sqrt", Self, vec![(Ty::f64([2, 3]), Domain::Interval(0.5, 3.0))])]
    }

    fn kinks() -> Vec<Kink> {
        Vec::new()
    }
}

impl Jvp for Sqrt {
    fn jvp(&self, b: &mut Builder, _: &[Val], result: Val, dx: &[Option<Val>]) -> Option<Val> {
        let twice = b.scale(result, 2.0);
        dx[0].map(|dx| b.divide(dx, twice))
    }
}

impl Builder {
    /// `√x`, elementwise; see [`Sqrt`].
    ///
    /// # Panics
    /// Where `x` does not hold floats.
    #[track_caller]
    pub fn sqrt(&mut self, x: Val) -> Val {
        self.apply(Sqrt, &[x])
    }
}
