//! Matrix products: the one place that calls the `gemm` crate.

use gemm::Parallelism;
use tensor::Element;

/// A matrix in a slice: element `(i, j)` is at `i * row_stride + j * column_stride`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrix<'a, T> {
    /// The elements, from element `(0, 0)` on.
    pub(crate) data: &'a [T],
    /// The distance between vertical neighbours, in elements.
    pub(crate) row_stride: usize,
    /// The distance between horizontal neighbours, in elements.
    pub(crate) column_stride: usize,
}

impl<T> Matrix<'_, T> {
    /// Whether every element of a `rows` by `columns` matrix lies in the slice.
    fn holds(&self, rows: usize, columns: usize) -> bool {
        rows == 0
            || columns == 0
            || (rows - 1) * self.row_stride + (columns - 1) * self.column_stride < self.data.len()
    }
}

/// The sizes of a product: `rows` by `depth` times `depth` by `columns`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// Rows of the result.
    pub(crate) rows: usize,
    /// Columns of the result.
    pub(crate) columns: usize,
    /// The contracted size.
    pub(crate) depth: usize,
}

/// `out = lhs rhs`, where `out` is row-major with `out_stride` elements from row to row. On the calling thread.
///
/// # Panics
/// Where a matrix does not lie in its slice.
pub(crate) fn product<T: Element>(
    sizes: Sizes,
    out: &mut [T],
    out_stride: usize,
    lhs: Matrix<'_, T>,
    rhs: Matrix<'_, T>,
    one: T,
) {
    let Sizes { rows, columns, depth } = sizes;
    assert!(lhs.holds(rows, depth), "the left matrix lies in its slice");
    assert!(rhs.holds(depth, columns), "the right matrix lies in its slice");
    let target = Matrix { data: &*out, row_stride: out_stride, column_stride: 1 };
    assert!(target.holds(rows, columns) && columns <= out_stride.max(1), "the result lies in its slice");
    if rows == 0 || columns == 0 {
        return;
    }
    #[expect(unsafe_code, reason = "the gemm crate takes raw pointers")]
    // SAFETY: all elements that gemm reads or writes lie in the three slices, as asserted; `out` is borrowed
    // mutably, so it overlaps neither operand; distinct elements of the result do not share memory, because rows
    // are at least as far apart as they are long. `T` is one of the types gemm knows: f32 or f64.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            depth,
            out.as_mut_ptr(),
            1,
            out_stride as isize,
            false,
            lhs.data.as_ptr(),
            lhs.column_stride as isize,
            lhs.row_stride as isize,
            rhs.data.as_ptr(),
            rhs.column_stride as isize,
            rhs.row_stride as isize,
            one,
            one,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}
