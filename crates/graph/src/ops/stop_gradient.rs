//! Values that count as constants for derivatives.

use tensor::Tensor;

use super::elementwise::check_count;
use crate::{
    Attr, AttributeError, AttributeReader, AxisMap, Builder, Case, Diff, Domain, Kink, Primitive, Ty, TypeError,
    Val,
};

/// `result = x`, with derivative zero.
///
/// Operand `x: T[S]`; result `T[S]`.
///
/// Constraints: (C1) one operand.
/// Derivative: zero by definition, although the value moves with the operand; so it is listed as a kink, and its
/// cases, where differences must agree with derivatives, are of integers and truth values only.
/// StableHLO: none; as `stop_gradient` of JAX and `detach` of PyTorch.
#[derive(Clone, Debug, PartialEq)]
pub struct StopGradient;

impl Primitive for StopGradient {
    const NAME: &'static str = "stop_gradient";

    fn attributes(&self) -> Vec<(&'static str, Attr)> {
        Vec::new()
    }

    fn from_attributes(_: &mut AttributeReader) -> Result<Self, AttributeError> {
        Ok(Self)
    }

    fn out_type(&self, operands: &[&Ty]) -> Result<Ty, TypeError> {
        check_count(Self::NAME, "C1", 1, operands)?;
        Ok(operands[0].clone())
    }

    fn eval(&self, operands: &[&Tensor]) -> Tensor {
        operands[0].clone()
    }

    fn diff(&self) -> Diff<'_> {
        Diff::Zero
    }

    fn axes(&self, operands: &[&Ty], result: &Ty) -> AxisMap {
        AxisMap::elementwise(operands.len(), result)
    }

    fn cases() -> Vec<Case> {
        vec![
            Case::new("stop_gradient of integers", Self, vec![(Ty::i32([2, 3]), Domain::Below(5))]),
            Case::new("stop_gradient of truth values", Self, vec![(Ty::bool([2, 3]), Domain::Truth)]),
        ]
    }

    fn kinks() -> Vec<Kink> {
        vec![Kink {
            name: "stop_gradient anywhere",
            op: Self.into(),
            operands: vec![Tensor::scalar(2.0)],
            tangents: vec![Tensor::scalar(3.0)],
            expected: Tensor::scalar(0.0),
        }]
    }
}

impl Builder {
    /// `x`, treated as a constant by derivatives; see [`StopGradient`].
    #[track_caller]
    pub fn stop_gradient(&mut self, x: Val) -> Val {
        self.apply(StopGradient, &[x])
    }
}
