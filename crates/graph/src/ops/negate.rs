//! Negatives.

use tensor::Tensor;

use super::elementwise::{is_number, map_number, same_type};
use crate::{
    Attr, AttributeError, AttributeReader, AxisMap, Builder, Case, Diff, Domain, Kink, Operand, Primitive,
    Transpose, Ty, TypeError, Val,
};

/// `result[i] = -x[i]`. Integers wrap around.
///
/// Operand `x: T[S]`; result `T[S]`, where `T` is `f32`, `f64` or `i32`.
///
/// Constraints: (C1) one operand; (C3) of numbers.
/// Derivative: linear. Transpose: the negative of the cotangent. Accuracy: exact. StableHLO: `negate`.
#[derive(Clone, Debug, PartialEq)]
pub struct Negate;

impl Primitive for Negate {
    const NAME: &'static str = "negate";

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
        map_number(operands[0], |x| -x, |x| -x, i32::wrapping_neg)
    }

    fn diff(&self) -> Diff<'_> {
        Diff::Linear(self)
    }

    fn axes(&self, operands: &[&Ty], result: &Ty) -> AxisMap {
        AxisMap::elementwise(operands.len(), result)
    }

    fn cases() -> Vec<Case> {
        vec![Case::new("negate", Self, vec![(Ty::f64([2, 3]), Domain::Interval(-2.0, 2.0))])]
    }

    fn kinks() -> Vec<Kink> {
        Vec::new()
    }
}

impl Transpose for Negate {
    fn transpose(&self, b: &mut Builder, ct: Val, operands: &[Operand]) -> Vec<Option<Val>> {
        vec![operands[0].linear().map(|_| b.negate(ct))]
    }
}

impl Builder {
    /// `-x`, elementwise; see [`Negate`].
    ///
    /// # Panics
    /// Where `x` does not hold numbers.
    #[track_caller]
    pub fn negate(&mut self, x: Val) -> Val {
        self.apply(Negate, &[x])
    }
}
