//! Quotients of two tensors.

use tensor::{DType, Tensor};

use super::elementwise::{same_type, zip_float};
use crate::{
    Attr, AttributeError, AttributeReader, AxisMap, Builder, Case, Diff, Domain, Jvp, Kink, Operand,
    Primitive, Transpose, Ty, TypeError, Val,
};

/// `result[i] = x[i] / y[i]`; infinite or NaN where `y[i]` is 0, as IEEE 754 says.
///
/// Operands `x`, `y: F[S]`; result `F[S]`, where `F` is `f32` or `f64`.
///
/// Constraints: (C1) two operands; (C2) of one type; (C3) of floats.
/// Derivative: linear in `x`; `d(x / y) = (dx - (x / y) dy) / y`. Transpose: the cotangent divided by `y` to `x`.
/// Accuracy: correctly rounded. StableHLO: `divide`.
#[derive(Clone, Debug, PartialEq)]
pub struct Divide;

impl Primitive for Divide {
    const NAME: &'static str = "divide";

    fn attributes(&self) -> Vec<(&'static str, Attr)> {
        Vec::new()
    }

    fn from_attributes(_: &mut AttributeReader) -> Result<Self, AttributeError> {
        Ok(Self)
    }

    fn out_type(&self, operands: &[&Ty]) -> Result<Ty, TypeError> {
        same_type(Self::NAME, 2, DType::is_float, "floats", operands)
    }

    fn eval(&self, operands: &[&Tensor]) -> Tensor {
        zip_float(operands[0], operands[1], |x, y| x / y, |x, y| x / y)
    }

    fn diff(&self) -> Diff<'_> {
        Diff::LinearIn(&[0], self, self)
    }

    fn axes(&self, operands: &[&Ty], result: &Ty) -> AxisMap {
        AxisMap::elementwise(operands.len(), result)
    }

    fn cases() -> Vec<Case> {
        let x = (Ty::f64([2, 3]), Domain::Interval(-2.0, 2.0));
        let y = (Ty::f64([2, 3]), Domain::Signed(0.5, 2.0));
        vec![Case::new("divide", Self, vec![x, y])]
    }

    fn kinks() -> Vec<Kink> {
        Vec::new()
    }
}

impl Jvp for Divide {
    fn jvp(&self, b: &mut Builder, x: &[Val], result: Val, dx: &[Option<Val>]) -> Option<Val> {
        let numerator = match (dx[0], dx[1]) {
            (dx, None) => dx?,
            (None, Some(dy)) => {
                let moved = b.multiply(result, dy);
                b.negate(moved)
            }
            (Some(dx), Some(dy)) => {
                let moved = b.multiply(result, dy);
                b.subtract(dx, moved)
            }
        };
        Some(b.divide(numerator, x[1]))
    }
}

impl Transpose for Divide {
    fn transpose(&self, b: &mut Builder, ct: Val, operands: &[Operand]) -> Vec<Option<Val>> {
        vec![operands[0].linear().map(|_| b.divide(ct, operands[1].known())), None]
    }
}

impl Builder {
    /// `x / y`, elementwise; see [`Divide`].
    ///
    /// # Panics
    /// Where the types differ or are not floats.
    #[track_caller]
    pub fn divide(&mut self, x: Val, y: Val) -> Val {
        self.apply(Divide, &[x, y])
    }
}
