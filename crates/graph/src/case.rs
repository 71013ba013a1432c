//! Cases: what a primitive's author hands to the law suites.

use tensor::Tensor;

use crate::{Prim, Ty};

/// Where an operand of a [`Case`] is drawn from: a region where the primitive is smooth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Domain {
    /// Uniform between two bounds.
    Interval(f64, f64),
    /// A uniform magnitude between two positive bounds with a random sign: keeps away from zero.
    Signed(f64, f64),
    /// Distinct numbers at least a quarter apart, shuffled; two operands with offsets that differ by an eighth
    /// never meet. Keeps away from ties of maxima.
    Distinct {
        /// Added to every number.
        offset: f64,
    },
    /// Square matrices on the last two axes, 2 to 3 on the diagonal and -0.5 to 0.5 elsewhere: up to size 4 the
    /// symmetric completion of either triangle is positive definite.
    Dominant,
    /// Integers from 0 to one less than the bound.
    Below(i32),
    /// Random truth values.
    Truth,
}

/// One application of a primitive on which every law must hold.
#[derive(Clone, Debug)]
pub struct Case {
    /// The name shown where a law fails.
    pub name: &'static str,
    /// The primitive with its attributes.
    pub op: Prim,
    /// Types (in f64 where they are floats) and domains of the operands.
    pub operands: Vec<(Ty, Domain)>,
}

impl Case {
    /// A case of `op`.
    pub fn new(name: &'static str, op: impl Into<Prim>, operands: Vec<(Ty, Domain)>) -> Self {
        Self { name, op: op.into(), operands }
    }
}

/// A point where a primitive is not differentiable, and the derivative it has there by definition.
#[derive(Clone, Debug)]
pub struct Kink {
    /// The name shown where it fails.
    pub name: &'static str,
    /// The primitive with its attributes.
    pub op: Prim,
    /// The operands.
    pub operands: Vec<Tensor>,
    /// A tangent for each operand (ignored for integers and truth values).
    pub tangents: Vec<Tensor>,
    /// The tangent of the result.
    pub expected: Tensor,
}
