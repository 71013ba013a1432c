//! Differences of two tensors.

use tensor::Tensor;

use super::elementwise::{is_number, same_type, zip_number};
use crate::{
    Attr, AttributeError, AttributeReader, AxisMap, Builder, Case, Diff, Domain, Jvp, Kink, Operand, Primitive,
    Transpose, Ty, TypeError, Val,
};

/// `result[i] = x[i] - y[i]`. Integers wrap around.
///
/// Operands `x`, `y: T[S]`; result `T[S]`, where `T` is `f32`, `f64` or `i32`.
///
/// Constraints: (C1) two operands; (C2) of one type; (C3) of numbers.
/// Derivative: linear in both operands; `d(x - y) = dx - dy`. Transpose: the cotangent to `x`, its negative to `y`.
/// Accuracy: correctly rounded. StableHLO: `subtract`.
#[derive(Clone, Debug, PartialEq)]
pub struct Subtract;

impl Primitive for Subtract {
    const NAME: &'static str = "subtract";

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
        zip_number(operands[0], operands[1], |x, y| x - y, |x, y| x - y, i32::wrapping_sub)
    }

    fn diff(&self) -> Diff<'_> {
        Diff::LinearIn(&[0, 1], self, self)
    }

    fn axes(&self, operands: &[&Ty], result: &Ty) -> AxisMap {
        AxisMap::elementwise(operands.len(), result)
    }

    fn cases() -> Vec<Case> {
        let x = (Ty::f64([2, 3]), Domain::Interval(-2.0, 2.0));
        vec![
            Case::new("subtract matrices", Self, vec![x.clone(), x]),
            Case::new("subtract scalars", Self, vec![(Ty::f64([]), Domain::Interval(-2.0, 2.0)); 2]),
        ]
    }

    fn kinks() -> Vec<Kink> {
        Vec::new()
    }
}

impl Jvp for Subtract {
    fn jvp(&self, b: &mut Builder, _: &[Val], _: Val, dx: &[Option<Val>]) -> Option<Val> {
        match (dx[0], dx[1]) {
            (Some(dx), Some(dy)) => Some(b.subtract(dx, dy)),
            (None, Some(dy)) => Some(b.negate(dy)),
            (dx, None) => dx,
        }
    }
}

impl Transpose for Subtract {
    fn transpose(&self, b: &mut Builder, ct: Val, operands: &[Operand]) -> Vec<Option<Val>> {
        vec![operands[0].linear().map(|_| ct), operands[1].linear().map(|_| b.negate(ct))]
    }
}

impl Builder {
    /// `x - y`, elementwise; see [`Subtract`].
    ///
    /// # Panics
    /// Where the types differ or are not numbers.
    #[track_caller]
    pub fn subtract(&mut self, x: Val, y: Val) -> Val {
        self.apply(Subtract, &[x, y])
    }
}
