//! Reading along an axis at given indices.

use tensor::{DType, Shape, Tensor};

use super::{elementwise::check_count, indexing};
use crate::{
    Attr, AttributeError, AttributeReader, Axis, AxisMap, Builder, Case, Diff, Domain, Jvp, Kink, Operand, Primitive,
    Transpose, Ty, TypeError, Val,
};

/// `result[b, pre, i, post] = x[b, pre, indices[b, i], post]`, and zero (or `false`) where the index is negative or
/// not below `N`.
///
/// Operands `x: T[B.., pre.., N, post..]`, `indices: i32[B.., I..]`; attributes `axis`, which axis of `x` is read at
/// the indices, and `batch`, how many axes the operands share; result `T[B.., pre.., I.., post..]`.
///
/// Constraints: (C1) two operands; (C2) `indices` of `i32`; (C3) `axis` is an axis of `x` and not below `batch`;
/// (C4) both operands have `batch` first axes of equal sizes.
/// Derivative: linear in `x`. Transpose: [`super::ScatterAdd`] of the cotangent; an index out of range reads zero so
/// that this is exact. Axes: `axis` is fixed, because the indices are numbers; all others move with the result's.
/// StableHLO: `gather`, which clamps indices instead.
#[derive(Clone, Debug, PartialEq)]
pub struct Gather {
    /// The axis of the operand that is read at the indices.
    pub axis: usize,
    /// The number of first axes that operand, indices and result share.
    pub batch: usize,
}

impl Gather {
    /// The shape of what is read from `x` at `indices`.
    fn shape(&self, x: &Shape, indices: &Shape) -> Shape {
        [&x[..self.axis], &indices[self.batch..], &x[self.axis + 1..]].concat().into()
    }
}

impl Primitive for Gather {
    const NAME: &'static str = "gather";

    fn attributes(&self) -> Vec<(&'static str, Attr)> {
        vec![("axis", Attr::Int(self.axis as i64)), ("batch", Attr::Int(self.batch as i64))]
    }

    fn from_attributes(reader: &mut AttributeReader) -> Result<Self, AttributeError> {
        Ok(Self { axis: reader.size("axis")?, batch: reader.size("batch")? })
    }

    fn out_type(&self, operands: &[&Ty]) -> Result<Ty, TypeError> {
        check_count(Self::NAME, "C1", 2, operands)?;
        let &[x, indices] = operands else { unreachable!("two operands were just counted") };
        if indices.dtype != DType::I32 {
            let message = format!("expected indices of i32, found {}", indices.dtype);
            return Err(TypeError::new(Self::NAME, "C2", message, operands));
        }
        if self.axis >= x.shape.rank() || self.axis < self.batch {
            let message = format!("axis {} must be one of {} after the first {}", self.axis, x.shape, self.batch);
            return Err(TypeError::new(Self::NAME, "C3", message, operands));
        }
        if indices.shape.get(..self.batch) != Some(&x.shape[..self.batch]) {
            let message = format!("the first {} axes of {} and {} must agree", self.batch, x.shape, indices.shape);
            return Err(TypeError::new(Self::NAME, "C4", message, operands));
        }
        Ok(x.with_shape(self.shape(&x.shape, &indices.shape)))
    }

    fn eval(&self, operands: &[&Tensor]) -> Tensor {
        let (x, indices) = (operands[0], operands[1]);
        let (shape, size) = (self.shape(x.shape(), indices.shape()), x.shape()[self.axis]);
        indexing::rearrange_or_zero(x, &shape, |index| {
            let source = indexing::look_up(indices, self.batch, self.axis, size, index)?;
            Some(indexing::flat(x.shape(), &source))
        })
    }

    fn diff(&self) -> Diff<'_> {
        Diff::LinearIn(&[0], self, self)
    }

    fn axes(&self, operands: &[&Ty], result: &Ty) -> AxisMap {
        AxisMap::look_up(operands, result, self.axis, self.batch, Axis::operand(0, self.axis), Axis::result)
    }

    fn cases() -> Vec<Case> {
        let case = |name, (axis, batch), x: &[usize], indices: &[usize], bound| {
            let operands = vec![
                (Ty::f64(x), Domain::Interval(-2.0, 2.0)),
                (Ty::i32(indices), Domain::Below(bound)),
            ];
            Case::new(name, Self { axis, batch }, operands)
        };
        vec![
            case("gather rows", (0, 0), &[5, 3], &[2, 2], 5),
            case("gather one element of each row", (1, 1), &[4, 3], &[4], 3),
            case("gather along a middle axis", (2, 1), &[2, 3, 4, 2], &[2, 3], 4),
            case("gather beyond the end", (0, 0), &[2, 2], &[6], 4),
            case("gather at no index", (1, 0), &[2, 3], &[0], 3),
            case("gather from no index", (0, 0), &[0, 2], &[3], 2),
            case("gather at a scalar index", (1, 0), &[2, 3], &[], 3),
        ]
    }

    fn kinks() -> Vec<Kink> {
        Vec::new()
    }
}

impl Jvp for Gather {
    fn jvp(&self, b: &mut Builder, x: &[Val], _: Val, dx: &[Option<Val>]) -> Option<Val> {
        dx[0].map(|dx| b.gather(dx, x[1], self.axis, self.batch))
    }
}

impl Transpose for Gather {
    fn transpose(&self, b: &mut Builder, ct: Val, operands: &[Operand]) -> Vec<Option<Val>> {
        let x = operands[0].linear().map(|ty| {
            let indices = operands[1].known();
            b.scatter_add(ct, indices, self.axis, self.batch, ty.shape[self.axis])
        });
        vec![x, None]
    }
}

impl AxisMap {
    /// The axes of a gather or of its transpose: `short` has one axis (fixed, at `axis`) where the other tensor has
    /// those of the indices. Operand 1 is the indices; `long` names axes of that other tensor.
    pub(super) fn look_up(
        operands: &[&Ty],
        result: &Ty,
        axis: usize,
        batch: usize,
        short: Axis,
        long: impl Fn(usize) -> Axis,
    ) -> Self {
        let beside = |place: usize| Axis { slot: short.slot, axis: place };
        let (mut map, indices) = (Self::default(), &operands[1].shape);
        let tensor = |axis: Axis| match axis.slot {
            crate::Slot::Operand(operand) => &operands[operand].shape,
            crate::Slot::Result => &result.shape,
        };
        let (short_shape, count) = (tensor(short), indices.rank() - batch);
        map.fix(short, short_shape[axis]);
        for (place, &size) in short_shape.iter().enumerate().filter(|&(place, _)| place != axis) {
            map.tie(beside(place), long(if place < axis { place } else { place + count - 1 }), size);
        }
        for (place, &size) in indices.iter().enumerate() {
            map.tie(Axis::operand(1, place), long(if place < batch { place } else { place - batch + axis }), size);
        }
        map
    }
}

impl Builder {
    /// `x` read along `axis` at `indices`, which share its first `batch` axes; see [`Gather`]. Rows of a table:
    /// axis 0, batch 0. One element of each row: axis 1, batch 1.
    ///
    /// # Panics
    /// Where the operands do not fit.
    #[track_caller]
    pub fn gather(&mut self, x: Val, indices: Val, axis: usize, batch: usize) -> Val {
        self.apply(Gather { axis, batch }, &[x, indices])
    }
}
