//! The error function.

use tensor::{DType, Tensor};

use super::elementwise::{map_float, same_type};
use crate::{
    Attr, AttributeError, AttributeReader, AxisMap, Builder, Case, Diff, Domain, Jvp, Kink, Primitive, Ty,
    TypeError, Val,
};

/// `result[i] = erf(x[i]) = 2/√π ∫ exp(-t²) dt` for `t` from 0 to `x[i]`.
///
/// Operand `x: F[S]`; result `F[S]`, where `F` is `f32` or `f64`.
///
/// Constraints: (C1) one operand; (C3) of floats.
/// Derivative: smooth; `d erf(x) = 2/√π exp(-x²) dx`.
/// Accuracy: crate `libm`, below 1 ulp. StableHLO: `chlo.erf`.
#[derive(Clone, Debug, PartialEq)]
pub struct Erf;

impl Primitive for Erf {
    const NAME: &'static str = "erf";

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
        map_float(operands[0], libm::erff, libm::erf)
    }

    fn diff(&self) -> Diff<'_> {
        Diff::Smooth(self)
    }

    fn axes(&self, operands: &[&Ty], result: &Ty) -> AxisMap {
        AxisMap::elementwise(operands.len(), result)
    }

    fn cases() -> Vec<Case> {
        vec![Case::new("erf", Self, vec![(Ty::f64([2, 3]), Domain::Interval(-2.0, 2.0))])]
    }

    fn kinks() -> Vec<Kink> {
        Vec::new()
    }
}

impl Jvp for Erf {
    fn jvp(&self, b: &mut Builder, x: &[Val], _: Val, dx: &[Option<Val>]) -> Option<Val> {
        let square = b.multiply(x[0], x[0]);
        let exponent = b.negate(square);
        let bell = b.exp(exponent);
        let slope = b.scale(bell, std::f64::consts::FRAC_2_SQRT_PI);
        dx[0].map(|dx| b.multiply(slope, dx))
    }
}

impl Builder {
    /// `erf(x)`, elementwise; see [`Erf`].
    ///
    /// # Panics
    /// Where `x` does not hold floats.
    #[track_caller]
    pub fn erf(&mut self, x: Val) -> Val {
        self.apply(Erf, &[x])
    }
}
