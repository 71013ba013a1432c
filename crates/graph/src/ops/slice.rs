//! Parts of a tensor, by strided ranges of indices.

use std::ops::Range;

use tensor::Tensor;

use super::{elementwise::check_count, indexing};
use crate::{
    Attr, AttributeError, AttributeReader, Axis, AxisMap, Builder, Case, Diff, Domain, Kink, Operand, Primitive,
    Run, Tie, Transpose, Ty, TypeError, Val,
};

/// `result[i] = x[start + i · stride]`, for the indices from `start` to before `limit`, axis by axis.
///
/// Operand `x: T[S]`; attributes `start`, `limit`, `stride`, one entry for each axis; result `T[R]`, where
/// `R[k] = ⌈(limit[k] - start[k]) / stride[k]⌉`.
///
/// Constraints: (C1) one operand; (C2) one entry for each axis in each list; (C3) `start ≤ limit ≤ S` and
/// `stride ≥ 1` on every axis.
/// Derivative: linear. Transpose: the cotangent padded back, with `stride - 1` zeros between its elements.
/// Axes: what is read of an axis moves with the result's; what is not read is free. StableHLO: `slice`.
#[derive(Clone, Debug, PartialEq)]
pub struct Slice {
    /// The first index on each axis.
    pub start: Vec<usize>,
    /// One past the last index that may be read, on each axis.
    pub limit: Vec<usize>,
    /// The distance between indices on each axis.
    pub stride: Vec<usize>,
}

impl Slice {
    /// The number of indices read along `axis`.
    #[must_use]
    pub fn size(&self, axis: usize) -> usize {
        (self.limit[axis] - self.start[axis]).div_ceil(self.stride[axis])
    }
}

impl Primitive for Slice {
    const NAME: &'static str = "slice";

    fn attributes(&self) -> Vec<(&'static str, Attr)> {
        vec![
            ("start", Attr::sizes(&self.start)),
            ("limit", Attr::sizes(&self.limit)),
            ("stride", Attr::sizes(&self.stride)),
        ]
    }

    fn from_attributes(reader: &mut AttributeReader) -> Result<Self, AttributeError> {
        Ok(Self { start: reader.sizes("start")?, limit: reader.sizes("limit")?, stride: reader.sizes("stride")? })
    }

    fn out_type(&self, operands: &[&Ty]) -> Result<Ty, TypeError> {
        check_count(Self::NAME, "C1", 1, operands)?;
        let x = operands[0];
        let rank = x.shape.rank();
        if [&self.start, &self.limit, &self.stride].iter().any(|list| list.len() != rank) {
            let message = format!("expected {rank} entries in 'start', 'limit' and 'stride', one for each axis");
            return Err(TypeError::new(Self::NAME, "C2", message, operands));
        }
        let fits = |axis: usize| {
            self.start[axis] <= self.limit[axis] && self.limit[axis] <= x.shape[axis] && self.stride[axis] >= 1
        };
        if let Some(axis) = (0..rank).find(|&axis| !fits(axis)) {
            let (start, limit, stride) = (self.start[axis], self.limit[axis], self.stride[axis]);
            let message = format!(
                "axis {axis} of size {} has no indices from {start} to {limit} in steps of {stride}",
                x.shape[axis]
            );
            return Err(TypeError::new(Self::NAME, "C3", message, operands));
        }
        Ok(x.with_shape((0..rank).map(|axis| self.size(axis)).collect::<Vec<_>>()))
    }

    fn eval(&self, operands: &[&Tensor]) -> Tensor {
        let x = operands[0];
        let shape = (0..x.shape().rank()).map(|axis| self.size(axis)).collect();
        indexing::rearrange(x, &shape, |index| {
            let source: Vec<usize> =
                index.iter().enumerate().map(|(axis, &i)| self.start[axis] + i * self.stride[axis]).collect();
            indexing::flat(x.shape(), &source)
        })
    }

    fn diff(&self) -> Diff<'_> {
        Diff::Linear(self)
    }

    fn axes(&self, _: &[&Ty], result: &Ty) -> AxisMap {
        let mut map = AxisMap::default();
        for (axis, &count) in result.shape.iter().enumerate() {
            let step = self.stride[axis] as isize;
            let read = Run { axis: Axis::operand(0, axis), start: self.start[axis], step, count };
            map.ties.push(Tie(read, Run::whole(Axis::result(axis), count)));
        }
        map
    }

    fn cases() -> Vec<Case> {
        let case = |name, shape: &[usize], start: &[usize], limit: &[usize], stride: &[usize]| {
            let op = Self { start: start.to_vec(), limit: limit.to_vec(), stride: stride.to_vec() };
            Case::new(name, op, vec![(Ty::f64(shape), Domain::Interval(-2.0, 2.0))])
        };
        vec![
            case("slice of both axes", &[4, 3], &[1, 0], &[3, 2], &[1, 1]),
            case("slice with strides", &[7, 5], &[1, 0], &[6, 5], &[2, 3]),
            case("slice of one index", &[3, 2], &[2, 0], &[3, 2], &[5, 1]),
            case("slice of no index", &[3, 2], &[1, 0], &[1, 2], &[1, 1]),
            case("slice of everything", &[2, 1], &[0, 0], &[2, 1], &[1, 1]),
            case("slice of a scalar", &[], &[], &[], &[]),
        ]
    }

    fn kinks() -> Vec<Kink> {
        Vec::new()
    }
}

impl Transpose for Slice {
    fn transpose(&self, b: &mut Builder, ct: Val, operands: &[Operand]) -> Vec<Option<Val>> {
        vec![operands[0].linear().map(|ty| {
            let padding = |(axis, &size): (usize, &usize)| {
                let (start, stride, count) = (self.start[axis], self.stride[axis], self.size(axis));
                let end = if count == 0 { start } else { start + (count - 1) * stride + 1 };
                (start as i64, (size - end) as i64, if count < 2 { 0 } else { stride - 1 })
            };
            b.pad(ct, &ty.shape.iter().enumerate().map(padding).collect::<Vec<_>>())
        })]
    }
}

impl Builder {
    /// The indices from `start` to before `limit` in steps of `stride`, axis by axis; see [`Slice`]. Returns `x`
    /// itself where that is everything.
    ///
    /// # Panics
    /// Where `x` has no such indices.
    #[track_caller]
    pub fn slice(&mut self, x: Val, start: &[usize], limit: &[usize], stride: &[usize]) -> Val {
        let whole = start.iter().all(|&start| start == 0) && stride.iter().all(|&stride| stride == 1);
        if whole && limit == &**self.shape(x) {
            return x;
        }
        self.apply(Slice { start: start.to_vec(), limit: limit.to_vec(), stride: stride.to_vec() }, &[x])
    }

    /// The indices `range` along `axis` and all along the others; see [`Slice`]. Returns `x` itself where that is
    /// everything.
    ///
    /// # Panics
    /// Where `x` has no such axis or indices.
    #[track_caller]
    pub fn slice_axis(&mut self, x: Val, axis: usize, range: Range<usize>) -> Val {
        let mut limit = self.shape(x).to_vec();
        let mut start = vec![0; limit.len()];
        let stride = vec![1; limit.len()];
        (start[axis], limit[axis]) = (range.start, range.end);
        self.slice(x, &start, &limit, &stride)
    }
}
