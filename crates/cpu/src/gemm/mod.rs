//! Matrix products, cut into panels that run in parallel.
//!
//! How a product is cut, and with it every bit of the result, depends on sizes, strides and the instruction set alone.

#![expect(
    unsafe_code,
    reason = "kernels use vector instructions, and several threads write panels of one result"
)]

mod kernels;
mod pack;
mod panel;
#[cfg(test)]
mod tests;
mod tile;

use rayon::prelude::*;

use crate::{isa::Isa, vector::Real};

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

impl<'a, T> Matrix<'a, T> {
    /// The matrix from element `(row, column)` on.
    fn from(&self, row: usize, column: usize) -> Matrix<'a, T> {
        Matrix { data: &self.data[row * self.row_stride + column * self.column_stride..], ..*self }
    }

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
pub(crate) const SERIAL_OPERATIONS: usize = 1 << 22;

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

/// `out = lhs rhs`, or `out += lhs rhs` where it `adds`; `out` is row-major without gaps. Cut into panels that depend on
/// sizes and layouts alone and run in parallel, so that the bits do not depend on the number of threads.
///
/// # Panics
/// Where a matrix does not lie in its slice.
pub(crate) fn product<T: Real>(
    isa: Isa,
    sizes: Sizes,
    out: &mut [T],
    lhs: Matrix<'_, T>,
    rhs: Matrix<'_, T>,
    adds: bool,
) {
    let Sizes { rows, columns, depth } = sizes;
    assert!(lhs.holds(rows, depth), "the left matrix lies in its slice");
    assert!(rhs.holds(depth, columns), "the right matrix lies in its slice");
    assert_eq!(out.len(), rows * columns, "the result fills its slice");
    if out.is_empty() || depth == 0 {
        if !adds {
            out.fill(T::default());
        }
        return;
    }
    let out = Target { pointer: out.as_mut_ptr(), stride: columns, adds };
    // SAFETY: `out` is borrowed mutably and holds `rows` by `columns` elements at that stride.
    unsafe { panels(isa, panel_count(sizes), sizes, out, lhs, rhs) };
}

/// Where a panel of a row-major result is written.
#[derive(Clone, Copy)]
pub(crate) struct Target<T> {
    pointer: *mut T,
    stride: usize,
    /// Whether the product is added to what is there.
    adds: bool,
}

impl<T> Target<T> {
    /// The part from a row on.
    const fn below(self, row: usize) -> Self {
        Self { pointer: self.pointer.wrapping_add(row * self.stride), ..self }
    }
}

// SAFETY: a target stands for exclusive access to the elements of its panel, and panels are disjoint.
unsafe impl<T: Send> Send for Target<T> {}

/// Cuts the result in so many panels, and computes them in parallel.
///
/// # Safety
/// The caller has exclusive access to the `rows` by `columns` elements of `out`, and the operands hold their sizes.
unsafe fn panels<T: Real>(
    isa: Isa,
    count: usize,
    sizes: Sizes,
    out: Target<T>,
    lhs: Matrix<'_, T>,
    rhs: Matrix<'_, T>,
) {
    let Some(cut) = (count > 1).then(|| cut(isa, sizes, lhs, rhs)).flatten() else {
        // SAFETY: as the caller promises.
        return unsafe { panel::panel(isa, sizes, out, lhs, rhs) };
    };
    let (first, second, shift, left, right) = match cut {
        Cut::Rows(at) => {
            let second = Sizes { rows: sizes.rows - at, ..sizes };
            (Sizes { rows: at, ..sizes }, second, at * out.stride, lhs.from(at, 0), rhs)
        }
        Cut::Columns(at) => {
            let second = Sizes { columns: sizes.columns - at, ..sizes };
            (Sizes { columns: at, ..sizes }, second, at, lhs, rhs.from(0, at))
        }
        // SAFETY: as the caller promises.
        Cut::Depth(at) => return unsafe { halves(isa, count, at, sizes, out, lhs, rhs) },
    };
    // SAFETY: the shift leads to an element of the result.
    let below = Target { pointer: unsafe { out.pointer.add(shift) }, ..out };
    rayon::join(
        // SAFETY: the two panels are disjoint parts of the caller's, and the operands hold the parts' sizes.
        move || unsafe { panels(isa, count / 2, first, out, lhs, rhs) },
        // SAFETY: as above.
        move || unsafe { panels(isa, count / 2, second, below, left, right) },
    );
}

/// The sum of the products of the first and of the remaining part of the depth, computed in parallel.
///
/// # Safety
/// As for [`panels`].
unsafe fn halves<T: Real>(
    isa: Isa,
    count: usize,
    at: usize,
    sizes: Sizes,
    out: Target<T>,
    lhs: Matrix<'_, T>,
    rhs: Matrix<'_, T>,
) {
    let mut rest = vec![T::default(); sizes.rows * sizes.columns];
    let other = Target { pointer: rest.as_mut_ptr(), stride: sizes.columns, adds: false };
    let (first, second) = (Sizes { depth: at, ..sizes }, Sizes { depth: sizes.depth - at, ..sizes });
    let (left, right) = (lhs.from(0, at), rhs.from(at, 0));
    rayon::join(
        // SAFETY: as the caller promises, of a part of the depth.
        move || unsafe { panels(isa, count / 2, first, out, lhs, rhs) },
        // SAFETY: nobody else has access to the rest, and the operands hold this part of the depth.
        move || unsafe { panels(isa, count / 2, second, other, left, right) },
    );
    for (row, rest) in rest.chunks(sizes.columns).enumerate() {
        // SAFETY: the caller has exclusive access to the row, and both parts have been computed.
        let row = unsafe { std::slice::from_raw_parts_mut(out.pointer.add(row * out.stride), sizes.columns) };
        row.iter_mut().zip(rest).for_each(|(sum, &x)| *sum += x);
    }
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
    Depth(usize),
}

/// The depth is not cut to less than this times two.
const MIN_DEPTH: usize = 512;
/// Panels are not cut to fewer rows or columns than this times two.
const MIN_SIDE: usize = 64;

/// Across the side that costs less: each half of the columns reads the left matrix again, and each half of the rows the
/// right one; twice as much where it must be brought into another order.
fn cut<T: Real>(isa: Isa, sizes: Sizes, lhs: Matrix<'_, T>, rhs: Matrix<'_, T>) -> Option<Cut> {
    let half = |size: usize, unit: usize| (size / 2).next_multiple_of(unit);
    let cost = |size: usize, stride: usize| if stride == 1 { size } else { 2 * size };
    let (rows, columns) = (sizes.rows >= 2 * MIN_SIDE, sizes.columns >= 2 * MIN_SIDE);
    let across = cost(sizes.rows, lhs.column_stride) <= cost(sizes.columns, rhs.column_stride);
    if columns && (across || !rows) {
        return Some(Cut::Columns(half(sizes.columns, 32)));
    }
    if rows {
        return Some(Cut::Rows(half(sizes.rows, kernels::most_rows(isa))));
    }
    (sizes.depth >= 2 * MIN_DEPTH).then(|| Cut::Depth(half(sizes.depth, 16)))
}
