//! Reversing the order of indices.

use tensor::Tensor;

use super::{elementwise::check_count, indexing};
use crate::{
    Attr, AttributeError, AttributeReader, Axis, AxisMap, Builder, Case, Diff, Domain, Kink, Operand, Primitive,
    Run, Tie, Transpose, Ty, TypeError, Val,
};

/// `result[i] = x[N - 1 - i]` along each axis in `axes`, and in order along the others.
///
/// Operand `x: T[S]`; attribute `axes`; result `T[S]`.
///
/// Constraints: (C1) one operand; (C2) `axes` are axes of the operand, strictly ascending.
/// Derivative: linear. Transpose: the cotangent reversed. Axes: the last index moves with the first. StableHLO:
/// `reverse`.
#[derive(Clone, Debug, PartialEq)]
pub struct Reverse {
    /// The axes that run backwards.
    pub axes: Vec<usize>,
}

impl Primitive for Reverse {
    const NAME: &'static str = "reverse";

    fn attributes(&self) -> Vec<(&'static str, Attr)> {
        vec![("axes", Attr::sizes(&self.axes))]
    }

    fn from_attributes(reader: &mut AttributeReader) -> Result<Self, AttributeError> {
        Ok(Self { axes: reader.sizes("axes")? })
    }

    fn out_type(&self, operands: &[&Ty]) -> Result<Ty, TypeError> {
        check_count(Self::NAME, "C1", 1, operands)?;
        let x = operands[0];
        if !indexing::are_ascending_axes(&self.axes, x.shape.rank()) {
            let message = format!("axes {:?} must be axes of {}, ascending", self.axes, x.shape);
            return Err(TypeError::new(Self::NAME, "C2", message, operands));
        }
        Ok(x.clone())
    }

    fn eval(&self, operands: &[&Tensor]) -> Tensor {
        let x = operands[0];
        indexing::rearrange(x, x.shape(), |index| {
            let mut source = index.to_vec();
            self.axes.iter().for_each(|&axis| source[axis] = x.shape()[axis] - 1 - index[axis]);
            indexing::flat(x.shape(), &source)
        })
    }

    fn diff(&self) -> Diff<'_> {
        Diff::Linear(self)
    }

    fn axes(&self, _: &[&Ty], result: &Ty) -> AxisMap {
        let mut map = AxisMap::default();
        for (axis, &count) in result.shape.iter().enumerate() {
            let mut from = Run::whole(Axis::operand(0, axis), count);
            if self.axes.contains(&axis) {
                (from.start, from.step) = (count.saturating_sub(1), -1);
            }
            map.ties.push(Tie(from, Run::whole(Axis::result(axis), count)));
        }
        map
    }

    fn cases() -> Vec<Case> {
        let case = |name, shape: &[usize], axes: &[usize]| {
            let op = Self { axes: axes.to_vec() };
            Case::new(name, op, vec![(Ty::f64(shape), Domain::Interval(-2.0, 2.0))])
        };
        vec![
            case("reverse rows", &[3, 2], &[0]),
            case("reverse outer axes", &[2, 3, 2], &[0, 2]),
            case("reverse no axis", &[2], &[]),
            case("reverse axes of one and of no index", &[1, 0], &[0, 1]),
        ]
    }

    fn kinks() -> Vec<Kink> {
        Vec::new()
    }
}

impl Transpose for Reverse {
    fn transpose(&self, b: &mut Builder, ct: Val, operands: &[Operand]) -> Vec<Option<Val>> {
        vec![operands[0].linear().map(|_| b.reverse(ct, &self.axes))]
    }
}

impl Builder {
    /// `x` with the order of indices along `axes` reversed; see [`Reverse`]. Returns `x` itself where there are no
    /// axes.
    ///
    /// # Panics
    /// Where `x` has no such axes.
    #[track_caller]
    pub fn reverse(&mut self, x: Val, axes: &[usize]) -> Val {
        if axes.is_empty() {
            return x;
        }
        self.apply(Reverse { axes: axes.to_vec() }, &[x])
    }
}
