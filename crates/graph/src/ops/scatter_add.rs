//! Adding up along an axis at given indices.

use tensor::{DType, Shape, Tensor};

use super::{elementwise::check_count, indexing};
use crate::{
    Attr, AttributeError, AttributeReader, Axis, AxisMap, Builder, Case, Diff, Domain, Jvp, Kink, Operand, Primitive,
    Transpose, Ty, TypeError, Val,
};

/// `result[b, pre, n, post] = Σ updates[b, pre, i, post]` over the `i` with `indices[b, i] = n`, in ascending
/// row-major order of `i`. An index that is negative or not below `size` adds nothing.
///
/// Operands `updates: T[B.., pre.., I.., post..]`, `indices: i32[B.., I..]`; attributes `axis`, the place of the
/// indices' axes in `updates` and of their one axis in the result, `batch`, how many axes the operands share, and
/// `size`, the number of indices along `axis`; result `T[B.., pre.., size, post..]`, `T` of `f32`, `f64` or `i32`.
///
/// Constraints: (C1) two operands; (C2) `updates` of numbers and `indices` of `i32`; (C3) `indices` has `batch` axes
/// and `axis` is not below `batch`; (C4) `updates` has the sizes of `indices` at its `batch` first axes and from
/// `axis` on.
/// Derivative: linear in `updates`. Transpose: [`super::Gather`] of the cotangent. Axes: `axis` of the result is fixed,
/// because the indices are numbers; all others move with those of `updates`. StableHLO: `scatter` with `add`.
#[derive(Clone, Debug, PartialEq)]
pub struct ScatterAdd {
    /// Where the axes of the indices start in the updates; the axis of the result that they select along.
    pub axis: usize,
    /// The number of first axes that updates, indices and result share.
    pub batch: usize,
    /// The size of the result along `axis`.
    pub size: usize,
}

impl ScatterAdd {
    fn shape(&self, updates: &Shape, indices: &Shape) -> Shape {
        let post = self.axis + indices.rank() - self.batch;
        [&updates[..self.axis], &[self.size], &updates[post..]].concat().into()
    }
}

impl Primitive for ScatterAdd {
    const NAME: &'static str = "scatter_add";

    fn attributes(&self) -> Vec<(&'static str, Attr)> {
        vec![
            ("axis", Attr::Int(self.axis as i64)),
            ("batch", Attr::Int(self.batch as i64)),
            ("size", Attr::Int(self.size as i64)),
        ]
    }

    fn from_attributes(reader: &mut AttributeReader) -> Result<Self, AttributeError> {
        Ok(Self { axis: reader.size("axis")?, batch: reader.size("batch")?, size: reader.size("size")? })
    }

    fn out_type(&self, operands: &[&Ty]) -> Result<Ty, TypeError> {
        check_count(Self::NAME, "C1", 2, operands)?;
        let &[updates, indices] = operands else { unreachable!("two operands were just counted") };
        if updates.dtype == DType::Bool || indices.dtype != DType::I32 {
            let message = format!("expected numbers and indices of i32, found {} and {}", updates.dtype, indices.dtype);
            return Err(TypeError::new(Self::NAME, "C2", message, operands));
        }
        if self.batch > indices.shape.rank() || self.axis < self.batch {
            let message = format!("{} must have {} first axes, and axis {} follow", indices.shape, self.batch, self.axis);
            return Err(TypeError::new(Self::NAME, "C3", message, operands));
        }
        let (shared, rest) = indices.shape.split_at(self.batch);
        let found = updates.shape.get(self.axis..).and_then(|from_axis| from_axis.get(..rest.len()));
        if updates.shape.get(..self.batch) != Some(shared) || found != Some(rest) {
            let message = format!("{} must have the sizes of {} at axis {}", updates.shape, indices.shape, self.axis);
            return Err(TypeError::new(Self::NAME, "C4", message, operands));
        }
        Ok(updates.with_shape(self.shape(&updates.shape, &indices.shape)))
    }

    fn eval(&self, operands: &[&Tensor]) -> Tensor {
        let (updates, indices) = (operands[0], operands[1]);
        let shape = self.shape(updates.shape(), indices.shape());
        let mut result = Tensor::zeros(updates.dtype(), shape.clone());
        indexing::add_at(&mut result, updates, |index| {
            let target = indexing::look_up(indices, self.batch, self.axis, self.size, index)?;
            Some(indexing::flat(&shape, &target))
        });
        result
    }

    fn diff(&self) -> Diff<'_> {
        Diff::LinearIn(&[0], self, self)
    }

    fn axes(&self, operands: &[&Ty], result: &Ty) -> AxisMap {
        let updates = |axis| Axis::operand(0, axis);
        AxisMap::look_up(operands, result, self.axis, self.batch, Axis::result(self.axis), updates)
    }

    fn cases() -> Vec<Case> {
        let case = |name, (axis, batch, size), updates: &[usize], indices: &[usize], bound| {
            let operands = vec![
                (Ty::f64(updates), Domain::Interval(-2.0, 2.0)),
                (Ty::i32(indices), Domain::Below(bound)),
            ];
            Case::new(name, Self { axis, batch, size }, operands)
        };
        vec![
            case("scatter_add of rows", (0, 0, 3), &[2, 2, 3], &[2, 2], 3),
            case("scatter_add of one element to each row", (1, 1, 3), &[4], &[4], 3),
            case("scatter_add along a middle axis", (2, 1, 2), &[2, 3, 4, 2], &[2, 4], 2),
            case("scatter_add beyond the end", (0, 0, 2), &[6, 2], &[6], 4),
            case("scatter_add of nothing", (0, 0, 2), &[0, 2], &[0], 2),
            case("scatter_add to no index", (0, 0, 0), &[3, 2], &[3], 2),
            case("scatter_add at a scalar index", (1, 0, 3), &[2], &[], 3),
        ]
    }

    fn kinks() -> Vec<Kink> {
        Vec::new()
    }
}

impl Jvp for ScatterAdd {
    fn jvp(&self, b: &mut Builder, x: &[Val], _: Val, dx: &[Option<Val>]) -> Option<Val> {
        dx[0].map(|dx| b.scatter_add(dx, x[1], self.axis, self.batch, self.size))
    }
}

impl Transpose for ScatterAdd {
    fn transpose(&self, b: &mut Builder, ct: Val, operands: &[Operand]) -> Vec<Option<Val>> {
        let updates = operands[0].linear().map(|_| b.gather(ct, operands[1].known(), self.axis, self.batch));
        vec![updates, None]
    }
}

impl Builder {
    /// The sums of `updates` that have the same index along `axis`, of which there are `size`; see [`ScatterAdd`].
    ///
    /// # Panics
    /// Where the operands do not fit.
    #[track_caller]
    pub fn scatter_add(&mut self, updates: Val, indices: Val, axis: usize, batch: usize, size: usize) -> Val {
        self.apply(ScatterAdd { axis, batch, size }, &[updates, indices])
    }
}
