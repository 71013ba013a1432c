//! Batched matrix products on strided operands.

use crate::{
    gemm::{self, Matrix, Sizes},
    isa::Isa,
    vector::Real,
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

/// `result[b, i, j] = Σ_t Σ_k lhs_t[b, i, k] rhs_t[b, j, k]`, the result row-major.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Product {
    batch: Vec<usize>,
    rows: usize,
    columns: usize,
    /// The two sides of each term.
    terms: Vec<(Side, Side)>,
}

impl Product {
    pub(crate) fn new(batch: Vec<usize>, lhs: Side, rhs: Side) -> Self {
        debug_assert_eq!(lhs.depth, rhs.depth, "both sides contract the same indices");
        Self { batch, rows: lhs.size, columns: rhs.size, terms: vec![(lhs, rhs)] }
    }

    /// The sum of two products of the same sizes.
    pub(crate) fn plus(&self, other: &Self) -> Option<Self> {
        let same = self.batch == other.batch && (self.rows, self.columns) == (other.rows, other.columns);
        let terms = [&self.terms[..], &other.terms[..]].concat();
        same.then(|| Self { terms, ..self.clone() })
    }

    /// Batch, rows, columns and the depth of each term, for people.
    pub(crate) fn describe(&self) -> String {
        let Self { rows, columns, .. } = self;
        let batch: usize = self.batch.iter().product();
        let depths: Vec<String> = self.terms.iter().map(|(lhs, _)| lhs.depth.to_string()).collect();
        format!("{batch} x [{rows}, {columns}] over {}", depths.join(" + "))
    }

    fn sizes(&self, term: usize) -> Sizes {
        Sizes { rows: self.rows, columns: self.columns, depth: self.terms[term].0.depth }
    }

    /// Multiplications and additions.
    pub(crate) fn operations(&self) -> u64 {
        let of_terms: u64 = (0..self.terms.len()).map(|term| self.sizes(term).operations() as u64).sum();
        self.batch.iter().product::<usize>() as u64 * of_terms
    }

    /// Computes the whole batch, given the operands of each term.
    pub(crate) fn run<T: Real>(&self, isa: Isa, out: &mut [T], operands: &[(&[T], &[T])]) {
        let size = self.rows * self.columns;
        if size == 0 {
            return;
        }
        let operations = (0..self.terms.len()).map(|term| self.sizes(term).operations()).sum();
        gemm::for_each(out.chunks_mut(size), operations, |(index, out): (usize, &mut [T])| {
            for (term, operands) in operands.iter().enumerate() {
                self.run_term(isa, (term, index), out, *operands);
            }
        });
    }

    /// Computes the first term for one batch index, or adds another.
    fn run_term<T: Real>(
        &self,
        isa: Isa,
        (term, index): (usize, usize),
        out: &mut [T],
        (lhs, rhs): (&[T], &[T]),
    ) {
        let (sizes, (left, right)) = (self.sizes(term), &self.terms[term]);
        if sizes.depth == 0 {
            // Where there is nothing to sum, there is no matrix to point at either.
            if term == 0 {
                out.fill(T::default());
            }
            return;
        }
        let lhs = Matrix {
            data: &lhs[self.offset(left, index)..],
            row_stride: left.stride,
            column_stride: left.depth_stride,
        };
        let rhs = Matrix {
            data: &rhs[self.offset(right, index)..],
            row_stride: right.depth_stride,
            column_stride: right.stride,
        };
        gemm::product(isa, sizes, out, lhs, rhs, term > 0);
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
