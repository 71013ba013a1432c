//! Comparisons.

use tensor::{Buffer, Tensor};

use super::elementwise::{rebuild, same_type, zip};
use crate::{
    Attr, AttributeError, AttributeReader, AxisMap, Builder, Case, Diff, Domain, Kink, Primitive, Ty, TypeError,
    Val,
};

/// The relation that a [`Compare`] tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// `x == y`
    Eq,
    /// `x != y`
    Ne,
    /// `x < y`
    Lt,
    /// `x <= y`
    Le,
    /// `x > y`
    Gt,
    /// `x >= y`
    Ge,
}

impl Direction {
    const ALL: [Self; 6] = [Self::Eq, Self::Ne, Self::Lt, Self::Le, Self::Gt, Self::Ge];

    /// The word in the text form.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Lt => "lt",
            Self::Le => "le",
            Self::Gt => "gt",
            Self::Ge => "ge",
        }
    }

    /// Whether the relation holds; every relation with NaN but `Ne` is false, as IEEE 754 says.
    #[must_use]
    pub fn holds<T: PartialOrd + Copy>(self, x: T, y: T) -> bool {
        match self {
            Self::Eq => x == y,
            Self::Ne => x != y,
            Self::Lt => x < y,
            Self::Le => x <= y,
            Self::Gt => x > y,
            Self::Ge => x >= y,
        }
    }
}

/// `result[i] = x[i] <relation> y[i]`.
///
/// Operands `x`, `y: T[S]`; result `bool[S]`. Attribute `direction`: `eq`, `ne`, `lt`, `le`, `gt` or `ge`.
///
/// Constraints: (C1) two operands; (C2) of one type. Truth values are ordered `false < true`.
/// Derivative: zero by definition. Comparisons with NaN are false, but for `ne`. StableHLO: `compare`.
#[derive(Clone, Debug, PartialEq)]
pub struct Compare {
    /// The relation.
    pub direction: Direction,
}

impl Primitive for Compare {
    const NAME: &'static str = "compare";

    fn attributes(&self) -> Vec<(&'static str, Attr)> {
        vec![("direction", Attr::Word(self.direction.name().to_owned()))]
    }

    fn from_attributes(reader: &mut AttributeReader) -> Result<Self, AttributeError> {
        let parse = |word: &str| Direction::ALL.into_iter().find(|direction| direction.name() == word);
        Ok(Self { direction: reader.word("direction", "eq, ne, lt, le, gt or ge", parse)? })
    }

    fn out_type(&self, operands: &[&Ty]) -> Result<Ty, TypeError> {
        let ty = same_type(Self::NAME, 2, |_| true, "anything", operands)?;
        Ok(ty.with_dtype(tensor::DType::Bool))
    }

    fn eval(&self, operands: &[&Tensor]) -> Tensor {
        let truth = match (operands[0].buffer(), operands[1].buffer()) {
            (Buffer::F32(x), Buffer::F32(y)) => zip(x, y, |x, y| self.direction.holds(x, y)),
            (Buffer::F64(x), Buffer::F64(y)) => zip(x, y, |x, y| self.direction.holds(x, y)),
            (Buffer::I32(x), Buffer::I32(y)) => zip(x, y, |x, y| self.direction.holds(x, y)),
            (Buffer::Bool(x), Buffer::Bool(y)) => zip(x, y, |x, y| self.direction.holds(x, y)),
            _ => unreachable!("the type rule admits one type only"),
        };
        rebuild(operands[0], Buffer::Bool(truth))
    }

    fn diff(&self) -> Diff<'_> {
        Diff::Zero
    }

    fn axes(&self, operands: &[&Ty], result: &Ty) -> AxisMap {
        AxisMap::elementwise(operands.len(), result)
    }

    fn cases() -> Vec<Case> {
        let operand = |offset| (Ty::f64([2, 3]), Domain::Distinct { offset });
        Direction::ALL
            .into_iter()
            .map(|direction| Case::new(direction.name(), Self { direction }, vec![operand(0.0), operand(0.125)]))
            .collect()
    }

    fn kinks() -> Vec<Kink> {
        Vec::new()
    }
}

impl Builder {
    /// Whether the relation holds, elementwise; see [`Compare`].
    ///
    /// # Panics
    /// Where the types differ.
    #[track_caller]
    pub fn compare(&mut self, direction: Direction, x: Val, y: Val) -> Val {
        self.apply(Compare { direction }, &[x, y])
    }
}
