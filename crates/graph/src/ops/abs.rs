//! Absolute values.

use tensor::Tensor;

use super::elementwise::{is_number, map_number, same_type};
use crate::{
    Attr, AttributeError, AttributeReader, AxisMap, Builder, Case, Diff, Domain, Jvp, Kink, Primitive, Ty,
    TypeError, Val,
};

/// `result[i] = |x[i]|`; NaN stays NaN, and the smallest integer wraps around to itself.
///
/// Operand `x: T[S]`; result `T[S]`, where `T` is `f32`, `f64` or `i32`.
///
/// Constraints: (C1) one operand; (C3) of numbers.
/// Derivative: smooth but for 0; `d|x| = sign(x) dx`. Kink: the derivative at 0 is 0, as in PyTorch.
/// Accuracy: exact. StableHLO: `abs`.
#[derive(Clone, Debug, PartialEq)]
pub struct Abs;

impl Primitive for Abs {
    const NAME: &'static str = "abs";

    fn attributes(&self) -> Vec<(&'static str, Attr)> {
        Vec::new()
    }

    fn from_attributes(_: &mut AttributeReader) -> Result<Self, AttributeError> {
        Ok(Self)
    }

    fn out_type(&self, operands: &[&Ty]) -> Result<Ty, TypeError> {
        same_type(Self::NAME, 1, is_number, "numbers", operands)
    }

    fn eval(&self, operands: &[&Tensor]) -> Tensor {
        map_number(operands[0], f32::abs, f64::abs, i32::wrapping_abs)
    }

    fn diff(&self) -> Diff<'_> {
        Diff::Smooth(self)
    }

    fn axes(&self, operands: &[&Ty], result: &Ty) -> AxisMap {
        AxisMap::elementwise(operands.len(), result)
    }

    fn cases() -> Vec<Case> {
        vec![Case::new("abs", Self, vec![(Ty::f64([2, 3]), Domain::Signed(0.5, 2.0))])]
    }

    fn kinks() -> Vec<Kink> {
        vec![Kink {
            name: "abs at zero",
            op: Self.into(),
            operands: vec![Tensor::scalar(0.0)],
            tangents: vec![Tensor::scalar(3.0)],
            expected: Tensor::scalar(0.0),
        }]
    }
}

impl Jvp for Abs {
    fn jvp(&self, b: &mut Builder, x: &[Val], _: Val, dx: &[Option<Val>]) -> Option<Val> {
        let sign = b.sign(x[0]);
        dx[0].map(|dx| b.multiply(sign, dx))
    }
}

impl Builder {
    /// `|x|`, elementwise; see [`Abs`].
    ///
    /// # Panics
    /// Where `x` does not hold numbers.
    #[track_caller]
    pub fn abs(&mut self, x: Val) -> Val {
        self.apply(Abs, &[x])
    }
}
