//! Products of two tensors, element by element.

use tensor::Tensor;

use super::elementwise::{is_number, same_type, zip_number};
use crate::{
    Attr, AttributeError, AttributeReader, AxisMap, Builder, Case, Diff, Domain, Kink, Operand, Primitive,
    Transpose, Ty, TypeError, Val,
};

/// `result[i] = x[i] * y[i]`. Integers wrap around.
///
/// Operands `x`, `y: T[S]`; result `T[S]`, where `T` is `f32`, `f64` or `i32`.
///
/// Constraints: (C1) two operands; (C2) of one type; (C3) of numbers.
/// Derivative: bilinear. Transpose: the cotangent times the known operand.
/// Accuracy: correctly rounded. StableHLO: `multiply`.
#[derive(Clone, Debug, PartialEq)]
pub struct Multiply;

impl Primitive for Multiply {
    const NAME: &'static str = "multiply";

    fn attributes(&self) -> Vec<(&'static str, Attr)> {
        Vec::new()
    }

    fn from_attributes(_: &mut AttributeReader) -> Result<Self, AttributeError> {
        Ok(Self)
    }

    fn out_type(&self, operands: &[&Ty]) -> Result<Ty, TypeError> {
        same_type(Self::NAME, 2, is_number, "numbers", operands)
    }

    fn eval(&self, operands: &[&Tensor]) -> Tensor {
        zip_number(operands[0], operands[1], |x, y| x * y, |x, y| x * y, i32::wrapping_mul)
    }

    fn diff(&self) -> Diff<'_> {
        Diff::Bilinear(self)
    }

    fn axes(&self, operands: &[&Ty], result: &Ty) -> AxisMap {
        AxisMap::elementwise(operands.len(), result)
    }

    fn cases() -> Vec<Case> {
        let x = (Ty::f64([3, 2]), Domain::Interval(-2.0, 2.0));
        vec![Case::new("multiply matrices", Self, vec![x.clone(), x])]
    }

    fn kinks() -> Vec<Kink> {
        Vec::new()
    }
}

impl Transpose for Multiply {
    fn transpose(&self, b: &mut Builder, ct: Val, operands: &[Operand]) -> Vec<Option<Val>> {
        let cotangent = |b: &mut Builder, own: usize, other: usize| {
            operands[own].linear().map(|_| b.multiply(ct, operands[other].known()))
        };
        vec![cotangent(b, 0, 1), cotangent(b, 1, 0)]
    }
}

impl Builder {
    /// `x * y`, elementwise; see [`Multiply`].
    ///
    /// # Panics
    /// Where the types differ or are not numbers.
    #[track_caller]
    pub fn multiply(&mut self, x: Val, y: Val) -> Val {
        self.apply(Multiply, &[x, y])
    }

    /// `factor * x`, elementwise.
    ///
    /// # Panics
    /// Where `x` does not hold numbers.
    #[track_caller]
    pub fn scale(&mut self, x: Val, factor: f64) -> Val {
        let factor = self.splat_like(x, factor);
        self.multiply(x, factor)
    }
}
