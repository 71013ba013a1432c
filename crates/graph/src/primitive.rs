//! What every primitive must say about itself.

use std::fmt;

use tensor::Tensor;

use crate::{Attr, AttributeError, AttributeReader, AxisMap, Builder, Case, Kink, Ty, TypeError, Val};

/// A primitive operation: one file under `ops/`, one type, no default methods, so that forgetting a part does
/// not compile.
pub trait Primitive: Clone + fmt::Debug + PartialEq + Sized {
    /// The name in the text form, as StableHLO has it.
    const NAME: &'static str;

    /// The attributes, in the order in which the text form shows them.
    fn attributes(&self) -> Vec<(&'static str, Attr)>;

    /// The primitive with these attributes; the inverse of [`Primitive::attributes`].
    ///
    /// # Errors
    /// Where an attribute is missing or malformed.
    fn from_attributes(reader: &mut AttributeReader) -> Result<Self, AttributeError>;

    /// The type of the result.
    ///
    /// # Errors
    /// Where the operands violate a constraint, named by its number in the primitive's documentation.
    fn out_type(&self, operands: &[&Ty]) -> Result<Ty, TypeError>;

    /// The meaning of the primitive: slow and obvious. The operands satisfy the type rule.
    fn eval(&self, operands: &[&Tensor]) -> Tensor;

    /// The derivative class with the rules that it demands.
    fn diff(&self) -> Diff<'_>;

    /// How the axes of operands and result correspond.
    fn axes(&self, operands: &[&Ty], result: &Ty) -> AxisMap;

    /// Applications on which the law suite runs, with domains where the primitive is smooth.
    fn cases() -> Vec<Case>;

    /// Points where the primitive is not differentiable, with the derivative defined there.
    fn kinks() -> Vec<Kink>;
}

/// The derivative class of a primitive: it decides which rules must exist.
///
/// Operands that are integers or truth values carry no tangent in any class.
#[derive(Clone, Copy)]
pub enum Diff<'a> {
    /// The derivative is zero by definition (comparisons, constants, `stop_gradient`).
    Zero,
    /// Jointly linear in all floating-point operands: the tangent is the primitive itself applied to the
    /// tangents, with zeros for operands that have none.
    Linear(&'a dyn Transpose),
    /// Linear in each of its two operands: the tangent is the sum with one operand replaced at a time.
    Bilinear(&'a dyn Transpose),
    /// Not linear in any operand: the rule emits operations linear in the tangents.
    Smooth(&'a dyn Jvp),
    /// Linear in the listed operands (jointly), with a rule of its own for tangents.
    LinearIn(&'a [usize], &'a dyn Jvp, &'a dyn Transpose),
}

impl fmt::Debug for Diff<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Zero => "Zero",
            Self::Linear(_) => "Linear",
            Self::Bilinear(_) => "Bilinear",
            Self::Smooth(_) => "Smooth",
            Self::LinearIn(..) => "LinearIn",
        })
    }
}

/// A rule for the tangent of a primitive's result.
pub trait Jvp {
    /// Emits the tangent of `result` for tangents `dx` of the operands `x`, where `None` is a tangent known to
    /// be zero; at least one is given. What is emitted must be linear in the tangents. `None` says that the
    /// result's tangent is zero.
    fn jvp(&self, b: &mut Builder, x: &[Val], result: Val, dx: &[Option<Val>]) -> Option<Val>;
}

/// What a transpose rule knows of an operand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// A value that does not depend on the linear inputs.
    Known(Val),
    /// A value that depends linearly on them; only its type is available.
    Linear(Ty),
}

impl Operand {
    /// The value of a known operand.
    ///
    /// # Panics
    /// Where the operand is linear: a primitive was transposed with respect to an operand in which its class
    /// says it is not linear, which the linearity check rules out.
    #[must_use]
    #[track_caller]
    pub fn known(&self) -> Val {
        match self {
            Self::Known(value) => *value,
            Self::Linear(ty) => panic!("a value of type {ty} is needed, but it depends on the linear inputs"),
        }
    }

    /// The type of a linear operand, or `None` for a known one, which gets no cotangent.
    #[must_use]
    pub const fn linear(&self) -> Option<&Ty> {
        match self {
            Self::Known(_) => None,
            Self::Linear(ty) => Some(ty),
        }
    }
}

/// A rule for the cotangents of a primitive's linear operands.
pub trait Transpose {
    /// Emits, for each operand, its cotangent given the cotangent `ct` of the result; `None` for known operands.
    fn transpose(&self, b: &mut Builder, ct: Val, operands: &[Operand]) -> Vec<Option<Val>>;
}
