//! Conjunctions of bits.

use tensor::Tensor;

use super::elementwise::{is_bits, same_type, zip_bits};
use crate::{
    Attr, AttributeError, AttributeReader, AxisMap, Builder, Case, Diff, Domain, Kink, Primitive, Ty, TypeError, Val,
};

/// `result[i] = x[i] and y[i]`: of truth values, and of integers bit by bit.
///
/// Operands `x`, `y: T[S]`; result `T[S]`, where `T` is `i32` or `bool`.
///
/// Constraints: (C1) two operands; (C2) of one type; (C3) of integers or truth values.
/// Derivative: zero. StableHLO: `and`.
#[derive(Clone, Debug, PartialEq)]
pub struct And;

impl Primitive for And {
    const NAME: &'static str = "and";

    fn attributes(&self) -> Vec<(&'static str, Attr)> {
        Vec::new()
    }

    fn from_attributes(_: &mut AttributeReader) -> Result<Self, AttributeError> {
        Ok(Self)
    }

    fn out_type(&self, operands: &[&Ty]) -> Result<Ty, TypeError> {
        same_type(Self::NAME, 2, is_bits, "integers or truth values", operands)
    }

    fn eval(&self, operands: &[&Tensor]) -> Tensor {
        zip_bits(operands[0], operands[1], |x, y| x & y, |x, y| x & y)
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
            Case::new("and of truth values", Self, vec![truth.clone(), truth]),
            Case::new("and of integers", Self, vec![bits.clone(), bits]),
        ]
    }

    fn kinks() -> Vec<Kink> {
        Vec::new()
    }
}

impl Builder {
    /// `x and y`, elementwise; see [`And`].
    ///
    /// # Panics
    /// Where the types differ or are of floats.
    #[track_caller]
    pub fn and(&mut self, x: Val, y: Val) -> Val {
        self.apply(And, &[x, y])
    }
}
