//! Powers.

use tensor::{DType, Tensor};

use super::{
    Direction,
    elementwise::{same_type, zip_float},
};
use crate::{
    Attr, AttributeError, AttributeReader, AxisMap, Builder, Case, Diff, Domain, Jvp, Kink, Primitive, Ty,
    TypeError, Val,
};

/// `result[i] = x[i] ^ y[i]`; NaN where a negative number has a fractional exponent, and 1 where `y[i]` is 0.
///
/// Operands `x`, `y: F[S]`; result `F[S]`, where `F` is `f32` or `f64`.
///
/// Constraints: (C1) two operands; (C2) of one type; (C3) of floats.
/// Derivative: smooth; `d(x ^ y) = y x^(y-1) dx + x^y ln(x) dy`. Kinks: the derivative in `x` is 0 where `y` is 0,
/// and the derivative in `y` is 0 where `x` is 0.
/// Accuracy: the standard library's `powf`. StableHLO: `power`.
#[derive(Clone, Debug, PartialEq)]
pub struct Power;

impl Primitive for Power {
    const NAME: &'static str = "power";

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
        zip_float(operands[0], operands[1], f32::powf, f64::powf)
    }

    fn diff(&self) -> Diff<'_> {
        Diff::Smooth(self)
    }

    fn axes(&self, operands: &[&Ty], result: &Ty) -> AxisMap {
        AxisMap::elementwise(operands.len(), result)
    }

    fn cases() -> Vec<Case> {
        let x = (Ty::f64([2, 3]), Domain::Interval(0.5, 2.0));
        let y = (Ty::f64([2, 3]), Domain::Interval(-2.0, 2.0));
        vec![Case::new("power", Self, vec![x, y])]
    }

    fn kinks() -> Vec<Kink> {
        let kink = |name, y| Kink {
            name,
            op: Self.into(),
            operands: vec![Tensor::scalar(0.0), Tensor::scalar(y)],
            tangents: vec![Tensor::scalar(3.0), Tensor::scalar(5.0)],
            expected: Tensor::scalar(0.0),
        };
        vec![kink("zero to the power of zero", 0.0), kink("zero to the power of two", 2.0)]
    }
}

impl Power {
    /// `y x^(y-1)`, and 0 where `y` is 0, also at `x = 0` where the formula is 0 times infinity.
    fn slope_in_base(b: &mut Builder, x: Val, y: Val) -> Val {
        let (zero, one) = (b.splat_like(y, 0.0), b.splat_like(y, 1.0));
        let is_zero = b.compare(Direction::Eq, y, zero);
        let lowered = b.subtract(y, one);
        let exponent = b.select(is_zero, one, lowered);
        let power = b.power(x, exponent);
        b.multiply(y, power)
    }

    /// `x^y ln(x)`, and 0 where `x` is 0.
    fn slope_in_exponent(b: &mut Builder, x: Val, result: Val) -> Val {
        let (zero, one) = (b.splat_like(x, 0.0), b.splat_like(x, 1.0));
        let is_zero = b.compare(Direction::Eq, x, zero);
        let base = b.select(is_zero, one, x);
        let log = b.log(base);
        b.multiply(result, log)
    }
}

impl Jvp for Power {
    fn jvp(&self, b: &mut Builder, x: &[Val], result: Val, dx: &[Option<Val>]) -> Option<Val> {
        let in_base = dx[0].map(|dx| {
            let slope = Self::slope_in_base(b, x[0], x[1]);
            b.multiply(slope, dx)
        });
        let in_exponent = dx[1].map(|dy| {
            let slope = Self::slope_in_exponent(b, x[0], result);
            b.multiply(slope, dy)
        });
        match (in_base, in_exponent) {
            (Some(one), Some(other)) => Some(b.add(one, other)),
            (one, other) => one.or(other),
        }
    }
}

impl Builder {
    /// `x ^ y`, elementwise; see [`Power`].
    ///
    /// # Panics
    /// Where the types differ or are not floats.
    #[track_caller]
    pub fn power(&mut self, x: Val, y: Val) -> Val {
        self.apply(Power, &[x, y])
    }
}
