//! Signs.

use tensor::Tensor;

use super::elementwise::{is_number, map_number, same_type};
use crate::{
    Attr, AttributeError, AttributeReader, AxisMap, Builder, Case, Diff, Domain, Kink, Primitive, Ty,
    TypeError, Val,
};

/// `result[i]` is -1, 0 or 1 as `x[i]` is below, at or above 0. Zero keeps its sign, and NaN stays NaN.
///
/// Operand `x: T[S]`; result `T[S]`, where `T` is `f32`, `f64` or `i32`.
///
/// Constraints: (C1) one operand; (C3) of numbers.
/// Derivative: zero by definition, at the jump as well.
/// Accuracy: exact. StableHLO: `sign`.
#[derive(Clone, Debug, PartialEq)]
pub struct Sign;

impl Primitive for Sign {
    const NAME: &'static str = "sign";

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
        map_number(operands[0], sign_f32, sign_f64, i32::signum)
    }

    fn diff(&self) -> Diff<'_> {
        Diff::Zero
    }

    fn axes(&self, operands: &[&Ty], result: &Ty) -> AxisMap {
        AxisMap::elementwise(operands.len(), result)
    }

    fn cases() -> Vec<Case> {
        vec![Case::new("sign", Self, vec![(Ty::f64([2, 3]), Domain::Signed(0.5, 2.0))])]
    }

    fn kinks() -> Vec<Kink> {
        vec![Kink {
            name: "sign at zero",
            op: Self.into(),
            operands: vec![Tensor::scalar(0.0)],
            tangents: vec![Tensor::scalar(3.0)],
            expected: Tensor::scalar(0.0),
        }]
    }
}

// Not `f64::signum`, which is 1 at 0.
fn sign_f32(x: f32) -> f32 {
    if x == 0.0 { x } else { x.signum() }
}

fn sign_f64(x: f64) -> f64 {
    if x == 0.0 { x } else { x.signum() }
}

impl Builder {
    /// -1, 0 or 1 as `x` is below, at or above 0, elementwise; see [`Sign`].
    ///
    /// # Panics
    /// Where `x` does not hold numbers.
    #[track_caller]
    pub fn sign(&mut self, x: Val) -> Val {
        self.apply(Sign, &[x])
    }
}
