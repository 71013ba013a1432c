//! The smaller of two numbers.

use tensor::Tensor;

use super::{
    Direction,
    elementwise::{is_number, same_type, zip_number},
};
use crate::{
    Attr, AttributeError, AttributeReader, AxisMap, Builder, Case, Diff, Domain, Jvp, Kink, Primitive, Ty,
    TypeError, Val,
};

/// `result[i] = min(x[i], y[i])`; NaN where either is NaN.
///
/// Operands `x`, `y: T[S]`; result `T[S]`, where `T` is `f32`, `f64` or `i32`.
///
/// Constraints: (C1) two operands; (C2) of one type; (C3) of numbers.
/// Derivative: the tangent of `x` where `x < y`, of `y` elsewhere. Kink: at a tie the derivative is that of `y`,
/// as for [`super::Maximum`].
/// Accuracy: exact. StableHLO: `minimum`.
#[derive(Clone, Debug, PartialEq)]
pub struct Minimum;

impl Primitive for Minimum {
    const NAME: &'static str = "minimum";

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
        // Not `f32::min`, which drops a NaN.
        zip_number(
            operands[0],
            operands[1],
            |x, y| if x < y || x.is_nan() { x } else { y },
            |x, y| if x < y || x.is_nan() { x } else { y },
            Ord::min,
        )
    }

    fn diff(&self) -> Diff<'_> {
        Diff::Smooth(self)
    }

    fn axes(&self, operands: &[&Ty], result: &Ty) -> AxisMap {
        AxisMap::elementwise(operands.len(), result)
    }

    fn cases() -> Vec<Case> {
        let operand = |offset| (Ty::f64([2, 3]), Domain::Distinct { offset });
        vec![Case::new("minimum", Self, vec![operand(0.0), operand(0.125)])]
    }

    fn kinks() -> Vec<Kink> {
        vec![Kink {
            name: "minimum at a tie",
            op: Self.into(),
            operands: vec![Tensor::scalar(0.0), Tensor::scalar(0.0)],
            tangents: vec![Tensor::scalar(3.0), Tensor::scalar(5.0)],
            expected: Tensor::scalar(5.0),
        }]
    }
}

impl Jvp for Minimum {
    fn jvp(&self, b: &mut Builder, x: &[Val], result: Val, dx: &[Option<Val>]) -> Option<Val> {
        let first = b.compare(Direction::Lt, x[0], x[1]);
        let zero = b.splat_like(result, 0.0);
        Some(b.select(first, dx[0].unwrap_or(zero), dx[1].unwrap_or(zero)))
    }
}

impl Builder {
    /// The smaller of `x` and `y`, elementwise; see [`Minimum`].
    ///
    /// # Panics
    /// Where the types differ or are not numbers.
    #[track_caller]
    pub fn minimum(&mut self, x: Val, y: Val) -> Val {
        self.apply(Minimum, &[x, y])
    }
}
