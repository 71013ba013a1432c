//! The same elements under another shape.

use std::ops::Range;

use tensor::{Shape, Tensor};

use super::elementwise::check_count;
use crate::{
    Attr, AttributeError, AttributeReader, Axis, AxisMap, Builder, Case, Diff, Domain, Kink, Operand, Primitive,
    Run, Slot, Tie, Transpose, Ty, TypeError, Val,
};

/// The elements of `x` in row-major order, laid out as `shape`.
///
/// Operand `x: T[S]`; attribute `shape`; result `T[shape]`.
///
/// Constraints: (C1) one operand; (C2) `shape` has as many elements as `S`.
/// Derivative: linear. Transpose: the cotangent reshaped back. StableHLO: `reshape`.
///
/// Axes: an axis that is only accompanied by inserted or removed axes of size 1 moves as a whole. Where several axes become
/// one or several others, the outermost of either side move with each other, the one with fewer indices with whole blocks of
/// the other, and the further ones are fixed inside of these; all are fixed where neither size divides the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Reshape {
    /// The shape of the result.
    pub shape: Shape,
}

impl Reshape {
    /// The axis of an operand of this shape, and the run of its indices, that hold the elements that a run of the result's
    /// `axis` will hold; `None` where they are no such run.
    #[must_use]
    pub fn source(&self, operand: &Shape, axis: usize, range: &Range<usize>) -> Option<(usize, Range<usize>)> {
        let elements = |sizes: &[usize]| sizes.iter().product::<usize>();
        let outer = elements(&self.shape[..axis]);
        let source = (0..operand.rank()).rfind(|&axis| elements(&operand[..axis]) == outer)?;
        let (inner, source_inner) = (elements(&self.shape[axis + 1..]), elements(&operand[source + 1..]));
        let [start, end] = [range.start, range.end].map(|index| index * inner);
        let is_whole = start.is_multiple_of(source_inner) && end.is_multiple_of(source_inner);
        (source_inner > 0 && is_whole).then(|| (source, start / source_inner..end / source_inner))
    }
}

impl Primitive for Reshape {
    const NAME: &'static str = "reshape";

    fn attributes(&self) -> Vec<(&'static str, Attr)> {
        vec![("shape", Attr::sizes(&self.shape))]
    }

    fn from_attributes(reader: &mut AttributeReader) -> Result<Self, AttributeError> {
        Ok(Self { shape: reader.shape("shape")? })
    }

    fn out_type(&self, operands: &[&Ty]) -> Result<Ty, TypeError> {
        check_count(Self::NAME, "C1", 1, operands)?;
        let x = operands[0];
        if self.shape.checked_elements() != x.shape.checked_elements() {
            let message = format!("{} and {} have different numbers of elements", x.shape, self.shape);
            return Err(TypeError::new(Self::NAME, "C2", message, operands));
        }
        Ok(x.with_shape(self.shape.clone()))
    }

    fn eval(&self, operands: &[&Tensor]) -> Tensor {
        operands[0].clone().reshape(self.shape.clone()).expect("the type rule compares the numbers of elements")
    }

    fn diff(&self) -> Diff<'_> {
        Diff::Linear(self)
    }

    fn axes(&self, operands: &[&Ty], result: &Ty) -> AxisMap {
        let mut map = AxisMap::default();
        for (operand, result) in groups(&operands[0].shape, &result.shape) {
            relate(&mut map, &operand, &result);
        }
        map
    }

    fn cases() -> Vec<Case> {
        let case = |name, from: &[usize], to: &[usize]| {
            Case::new(name, Self { shape: to.into() }, vec![(Ty::f64(from), Domain::Interval(-2.0, 2.0))])
        };
        vec![
            case("reshape with new unit axes", &[2, 3], &[2, 1, 3, 1]),
            case("reshape merging axes", &[2, 3, 2], &[6, 2]),
            case("reshape splitting an axis", &[2, 6], &[2, 3, 2]),
            case("reshape regrouping axes", &[2, 3], &[3, 2]),
            case("reshape to a scalar", &[1, 1], &[]),
        ]
    }

    fn kinks() -> Vec<Kink> {
        Vec::new()
    }
}

/// An axis of the operand or of the result, with its size.
type Sized = (Axis, usize);

/// The finest grouping of the axes, outermost first, such that the operand's and the result's axes of a group have
/// the same number of indices together. Axes of size 1 are left out; a tensor without elements is one group.
fn groups(operand: &Shape, result: &Shape) -> Vec<(Vec<Sized>, Vec<Sized>)> {
    let sized = |shape: &Shape, slot| -> Vec<Sized> {
        let axes = shape.iter().enumerate().filter(|(_, size)| **size != 1);
        axes.map(|(axis, &size)| (Axis { slot, axis }, size)).collect()
    };
    let (operand, result) = (sized(operand, Slot::Operand(0)), sized(result, Slot::Result));
    if operand.iter().chain(&result).any(|&(_, size)| size == 0) {
        return vec![(operand, result)];
    }
    let mut groups = Vec::new();
    let (mut left, mut right) = (operand.into_iter(), result.into_iter());
    while let (Some(first), Some(second)) = (left.next(), right.next()) {
        let (mut from, mut to) = (vec![first], vec![second]);
        let (mut from_size, mut to_size) = (first.1, second.1);
        while from_size != to_size {
            let (next, group, size) = if from_size < to_size {
                (left.next(), &mut from, &mut from_size)
            } else {
                (right.next(), &mut to, &mut to_size)
            };
            let axis = next.expect("both shapes have the same number of elements");
            *size *= axis.1;
            group.push(axis);
        }
        groups.push((from, to));
    }
    groups
}

/// The outermost axis of the side where it has fewer indices moves with blocks of the other side's outermost one.
fn relate(map: &mut AxisMap, operand: &[Sized], result: &[Sized]) {
    let (left, right) = (operand[0], result[0]);
    let (coarse, fine) = if left.1 <= right.1 { (left, right) } else { (right, left) };
    if operand.iter().chain(result).any(|&(_, size)| size == 0) || !fine.1.is_multiple_of(coarse.1) {
        fix_all(map, operand);
        fix_all(map, result);
        return;
    }
    tie_blocks(map, fine, coarse);
    for &(axis, size) in operand[1..].iter().chain(&result[1..]) {
        map.fix_inside(coarse.0, axis, size);
    }
}

/// Index `i` of `coarse` moves with the `i`-th block of `fine`: each position within a block gives one tie.
fn tie_blocks(map: &mut AxisMap, fine: Sized, coarse: Sized) {
    let block = fine.1 / coarse.1;
    for start in 0..block {
        let strided = Run { axis: fine.0, start, step: block as isize, count: coarse.1 };
        map.ties.push(Tie(Run::whole(coarse.0, coarse.1), strided));
    }
}

fn fix_all(map: &mut AxisMap, axes: &[Sized]) {
    for &(axis, size) in axes {
        map.fix(axis, size);
    }
}

impl Transpose for Reshape {
    fn transpose(&self, b: &mut Builder, ct: Val, operands: &[Operand]) -> Vec<Option<Val>> {
        vec![operands[0].linear().map(|ty| b.reshape(ct, &ty.shape))]
    }
}

impl Builder {
    /// The elements of `x` laid out as `shape`; see [`Reshape`]. Returns `x` itself where it has that shape.
    ///
    /// # Panics
    /// Where the numbers of elements differ.
    #[track_caller]
    pub fn reshape(&mut self, x: Val, shape: &Shape) -> Val {
        if self.shape(x) == shape {
            return x;
        }
        self.apply(Reshape { shape: shape.clone() }, &[x])
    }
}
