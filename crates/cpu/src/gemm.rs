//! Matrix products: the one place that calls the `gemm` crate.

#![expect(unsafe_code, reason = "the gemm crate takes raw pointers")]

use gemm::Parallelism;
use rayon::prelude::*;
use tensor::Element;

/// The element types of matrix products: `f32` and `f64`, which are among the types the `gemm` crate knows.
pub(crate) trait Float: Element {
    /// The neutral factor.
    const ONE: Self;
}

impl Float for f32 {
    const ONE: Self = 1.0;
}

impl Float for f64 {
    const ONE: Self = 1.0;
}

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

impl Sizes {
    /// Multiplications and additions together.
    pub(crate) const fn operations(self) -> usize {
        2usize.saturating_mul(self.rows).saturating_mul(self.columns).saturating_mul(self.depth)
    }
}

/// Work below this many operations is not worth handing to another thread (some ten microseconds).
const SERIAL_OPERATIONS: usize = 1 << 22;

/// Calls `work` for every item, each of so many operations; in parallel where that pays.
pub(crate) fn for_each<'a, T: Send + 'a>(
    items: std::slice::ChunksMut<'a, T>,
    operations: usize,
    work: impl Fn((usize, &'a mut [T])) + Sync + Send,
) {
    if operations.saturating_mul(items.len()) < SERIAL_OPERATIONS {
        items.enumerate().for_each(work);
    } else {
        let items: Vec<(usize, &mut [T])> = items.enumerate().collect();
        items.into_par_iter().for_each(work);
    }
}

/// `out = lhs rhs`, where `out` is row-major without gaps. Cut into panels that depend on the sizes alone and run in
/// parallel, so that the bits do not depend on the number of threads.
///
/// # Panics
/// Where a matrix does not lie in its slice.
pub(crate) fn product<T: Float>(sizes: Sizes, out: &mut [T], lhs: Matrix<'_, T>, rhs: Matrix<'_, T>) {
    let Sizes { rows, columns, depth } = sizes;
    assert!(lhs.holds(rows, depth), "the left matrix lies in its slice");
    assert!(rhs.holds(depth, columns), "the right matrix lies in its slice");
    assert_eq!(out.len(), rows * columns, "the result fills its slice");
    if out.is_empty() {
        return;
    }
    let out = Target { pointer: out.as_mut_ptr(), stride: columns };
    // SAFETY: `out` is borrowed mutably and holds `rows` by `columns` elements at that stride.
    unsafe { panels(panel_count(sizes), sizes, out, lhs, rhs) };
}

/// Where a panel of a row-major result is written.
#[derive(Clone, Copy)]
struct Target<T> {
    pointer: *mut T,
    stride: usize,
}

// SAFETY: a target stands for exclusive access to the elements of its panel, and panels are disjoint.
unsafe impl<T: Send> Send for Target<T> {}

/// Cuts the result in so many panels, and computes them in parallel.
///
/// # Safety
/// The caller has exclusive access to the `rows` by `columns` elements of `out`, and the operands hold their sizes.
unsafe fn panels<T: Float>(
    count: usize,
    sizes: Sizes,
    out: Target<T>,
    lhs: Matrix<'_, T>,
    rhs: Matrix<'_, T>,
) {
    let Some(cut) = (count > 1).then(|| cut(sizes, lhs.column_stride == 1)).flatten() else {
        // SAFETY: as the caller promises.
        return unsafe { panel(sizes, out, lhs, rhs) };
    };
    let (first, second, shift, left, right) = match cut {
        Cut::Rows(at) => {
            let left = Matrix { data: &lhs.data[at * lhs.row_stride..], ..lhs };
            (
                Sizes { rows: at, ..sizes },
                Sizes { rows: sizes.rows - at, ..sizes },
                at * out.stride,
                left,
                rhs,
            )
        }
        Cut::Columns(at) => {
            let right = Matrix { data: &rhs.data[at * rhs.column_stride..], ..rhs };
            (Sizes { columns: at, ..sizes }, Sizes { columns: sizes.columns - at, ..sizes }, at, lhs, right)
        }
    };
    // SAFETY: the shift leads to an element of the result.
    let below = Target { pointer: unsafe { out.pointer.add(shift) }, ..out };
    rayon::join(
        // SAFETY: the two panels are disjoint parts of the caller's, and the operands hold the parts' sizes.
        move || unsafe { panels(count / 2, first, out, lhs, rhs) },
        // SAFETY: as above.
        move || unsafe { panels(count / 2, second, below, left, right) },
    );
}

/// Operations of a panel that keeps a thread at its peak: large beside the packing that each panel repeats.
const PANEL_OPERATIONS: usize = 60_000_000;
/// Most panels of one product.
const MAX_PANELS: usize = 64;

/// A power of two.
fn panel_count(sizes: Sizes) -> usize {
    match sizes.operations() {
        operations if operations < SERIAL_OPERATIONS => 1,
        operations => 1 << (operations / PANEL_OPERATIONS).clamp(2, MAX_PANELS).ilog2(),
    }
}

/// Where a product is cut in two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    Rows(usize),
    Columns(usize),
}

/// Panels are not cut to fewer rows or columns than this times two.
const MIN_SIDE: usize = 64;

/// Cuts such that what costs most to pack, an operand whose innermost stride is not along the result's, is not packed
/// in both halves.
fn cut(sizes: Sizes, lhs_is_row_major: bool) -> Option<Cut> {
    let half = |size: usize| (size / 2).next_multiple_of(16);
    let by_rows = (sizes.rows >= 2 * MIN_SIDE).then(|| Cut::Rows(half(sizes.rows)));
    let by_columns = (sizes.columns >= 2 * MIN_SIDE).then(|| Cut::Columns(half(sizes.columns)));
    if lhs_is_row_major { by_columns.or(by_rows) } else { by_rows.or(by_columns) }
}

/// One panel on the calling thread.
///
/// # Safety
/// As for [`panels`].
unsafe fn panel<T: Float>(sizes: Sizes, out: Target<T>, lhs: Matrix<'_, T>, rhs: Matrix<'_, T>) {
    // SAFETY: all elements that gemm reads or writes lie in the operands' slices or in the caller's panel, which
    // overlaps neither operand because access to it is exclusive. `T` is f32 or f64, which gemm knows. The result
    // is not read (`read_dst` is false).
    unsafe {
        gemm::gemm(
            sizes.rows,
            sizes.columns,
            sizes.depth,
            out.pointer,
            1,
            out.stride as isize,
            false,
            lhs.data.as_ptr(),
            lhs.column_stride as isize,
            lhs.row_stride as isize,
            rhs.data.as_ptr(),
            rhs.column_stride as isize,
            rhs.row_stride as isize,
            T::ONE,
            T::ONE,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}
