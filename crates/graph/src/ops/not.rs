//! Negations of bits.

use tensor::Tensor;

use super::elementwise::{is_bits, same_type, zip_bits};
use crate::{
    Attr, AttributeError, AttributeReader, AxisMap, Builder, Case, Diff, Domain, Kink, Primitive, Ty, TypeError, Val,
};

/// `result[i] = not x[i]`: of truth values, and of integers bit by bit.
///
/// Operand `x: T[S]`; result `T[S]`, where `T` is `i32` or `bool`.
///
/// Constraints: (C1) one operand; (C3) of integers or truth values.
/// Derivative: zero. StableHLO: `not`.
#[derive(Clone, Debug, PartialEq)]
pub struct Not;

impl Primitive for Not {
    const NAME: &'static str = "not";

    fn attributes(&self) -> Vec<(&'static str, Attr)> {
        Vec::new()
    }

    fn from_attributes(_: &mut AttributeReader) -> Result<Self, AttributeError> {
        Ok(Self)
    }

    fn out_type(&self, operands: &[&Ty]) -> Result<Ty, TypeError> {
        same_type(Self::NAME, 1, is_bits, "integers or truth values", operands)
    }

    fn eval(&self, operands: &[&Tensor]) -> Tensor {
        let x = operands[0];
        zip_bits(x, x, |x, _| !x, |x, _| !x)
    }

    fn diff(&self) -> Diff<'_> {
        Diff::Zero
    }

    fn axes(&self, operands: &[&Ty], result: &Ty) -> AxisMap {
        AxisMap::elementwise(operands.len(), result)
    }

    fn cases() -> Vec<Case> {
        let (truth, bits) = ((Ty::bool([3, 2]), Domain::Truth), (Ty::i32([3, 2]), Domain::Below(1 << 20)));
        vec![
            Case::new("not of truth values", Self, vec![truth]),
            Case::new("not of integers", Self, vec![bits]),
        ]
    }

    fn kinks() -> Vec<Kink> {
        Vec::new()
    }
}

impl Builder {
    /// `not x`, elementwise; see [`Not`].
    ///
    /// # Panics
    /// Where `x` holds floats.
    #[track_caller]
    pub fn not(&mut self, x: Val) -> Val {
        self.apply(Not, &[x])
    }
}
