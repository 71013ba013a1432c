//! Batched matrix products on strided operands.

use crate::{
    gemm::{self, Matrix, Sizes},
    view::View,
};

/// An operand of a product: for each batch index a matrix of `size` free by `depth` contracted indices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Side {
    /// The first element.
    pub(crate) offset: usize,
    /// Strides of the batch axes.
    pub(crate) batch: Vec<usize>,
    /// Number of free indices and their stride.
    pub(crate) size: usize,
    pub(crate) stride: usize,
    /// Number of contracted indices and their stride.
    pub(crate) depth: usize,
    pub(crate) depth_stride: usize,
}

impl Side {
    /// The side made of these axes of a view, where the free axes and the contracted axes each have one stride.
    pub(crate) fn of(view: &View, batch: &[usize], free: &[usize], depth: &[usize]) -> Option<Self> {
        let (free, depth) = (view.select(free), view.select(depth));
        Some(Self {
            offset: view.offset,
            batch: view.select(batch).strides,
            size: free.elements(),
            stride: free.merged_stride()?,
            depth: depth.elements(),
            depth_stride: depth.merged_stride()?,
        })
    }
}

/// `result[b, i, j] = Σ_k lhs[b, i, k] rhs[b, j, k]`, the result row-major.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Product {
    batch: Vec<usize>,
    lhs: Side,
    rhs: Side,
    sizes: Sizes,
}

impl Product {
    pub(crate) fn new(batch: Vec<usize>, lhs: Side, rhs: Side) -> Self {
        debug_assert_eq!(lhs.depth, rhs.depth, "both sides contract the same indices");
        let sizes = Sizes { rows: lhs.size, columns: rhs.size, depth: lhs.depth };
        Self { batch, lhs, rhs, sizes }
    }

    /// Batch, rows, columns and depth, for people.
    pub(crate) fn describe(&self) -> String {
        let Sizes { rows, columns, depth } = self.sizes;
        let batch: usize = self.batch.iter().product();
        format!("{batch} x [{rows}, {columns}] over {depth}")
    }

    /// Multiplications and additions.
    pub(crate) fn operations(&self) -> u64 {
        self.batch.iter().product::<usize>() as u64 * self.sizes.operations() as u64
    }

    /// Computes the whole batch.
    pub(crate) fn run<T: gemm::Float>(&self, out: &mut [T], lhs: &[T], rhs: &[T]) {
        let size = self.sizes.rows * self.sizes.columns;
        // Where there is nothing to sum, there is no matrix to point at either.
        if size == 0 || self.sizes.depth == 0 {
            return out.fill(T::default());
        }
        let one = |(index, out): (usize, &mut [T])| {
            let left = Matrix {
                data: &lhs[self.offset(&self.lhs, index)..],
                row_stride: self.lhs.stride,
                column_stride: self.lhs.depth_stride,
            };
            let right = Matrix {
                data: &rhs[self.offset(&self.rhs, index)..],
                row_stride: self.rhs.depth_stride,
                column_stride: self.rhs.stride,
            };
            gemm::product(self.sizes, out, left, right);
        };
        gemm::for_each(out.chunks_mut(size), self.sizes.operations(), one);
    }

    /// Where the matrix of a batch index starts in a side's buffer.
    fn offset(&self, side: &Side, index: usize) -> usize {
        let mut rest = index;
        let mut offset = side.offset;
        for (&size, &stride) in self.batch.iter().zip(&side.batch).rev() {
            offset += rest % size * stride;
            rest /= size;
        }
        offset
    }
}
