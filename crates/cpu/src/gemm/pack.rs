//! Operands brought into the order in which tiles read them.

use super::{Matrix, kernels::VECTORS};
use crate::{
    prefetch::prefetch,
    vector::{Real, Vector},
};

/// Columns of a left matrix that are prefetched ahead.
const AHEAD: usize = 8;

/// Brings the rows of each tile next to each other, column by column: element `(i, k)` of a tile is at `k * ROWS + i`,
/// and tiles follow each other. What is missing in the last tile stays as it is.
#[inline(always)]
pub(super) fn left<T: Real, const ROWS: usize>(
    lhs: Matrix<'_, T>,
    rows: usize,
    depth: usize,
    packed: &mut [T],
) {
    if lhs.row_stride != 1 {
        return left_by_elements(lhs, rows, depth, packed, ROWS);
    }
    for k in 0..depth {
        let column = &lhs.data[k * lhs.column_stride..][..rows];
        prefetch(column.as_ptr().wrapping_add(AHEAD * lhs.column_stride), 1, rows, rows);
        let (tiles, rest) = column.as_chunks::<ROWS>();
        for (tile, from) in tiles.iter().enumerate() {
            packed[(tile * depth + k) * ROWS..][..ROWS].copy_from_slice(from);
        }
        if !rest.is_empty() {
            packed[(tiles.len() * depth + k) * ROWS..][..rest.len()].copy_from_slice(rest);
        }
    }
}

fn left_by_elements<T: Real>(
    lhs: Matrix<'_, T>,
    rows: usize,
    depth: usize,
    packed: &mut [T],
    tile_rows: usize,
) {
    for row in 0..rows {
        let (tile, place) = (row / tile_rows, row % tile_rows);
        for k in 0..depth {
            packed[(tile * depth + k) * tile_rows + place] =
                lhs.data[row * lhs.row_stride + k * lhs.column_stride];
        }
    }
}

/// Brings the columns of each tile next to each other, row by row, tiles after each other; what is missing in the last
/// tile may be anything.
///
/// # Safety
/// The processor has the vector's instruction set.
#[inline(always)]
pub(super) unsafe fn right<V: Vector>(
    rhs: Matrix<'_, V::Element>,
    columns: usize,
    depth: usize,
    packed: &mut [V::Element],
) where
    V::Element: Real,
{
    let width = VECTORS * V::LANES;
    for column in (0..columns).step_by(V::LANES) {
        let lanes = &mut packed[column / width * width * depth + column % width..];
        let count = V::LANES.min(columns - column);
        let rhs = rhs.from(0, column);
        // SAFETY: as the caller promises.
        unsafe {
            if rhs.column_stride == 1 {
                vectors_of_rows::<V>(rhs, count, depth, lanes);
            } else if rhs.row_stride == 1 && depth >= V::LANES {
                transposed_blocks::<V>(rhs, count, depth, lanes);
            } else {
                element_by_element(rhs, count, depth, lanes, width);
            }
        }
    }
}

/// The first `count` elements of each row as one vector.
///
/// # Safety
/// The processor has the vector's instruction set.
#[inline(always)]
unsafe fn vectors_of_rows<V: Vector>(
    rhs: Matrix<'_, V::Element>,
    count: usize,
    depth: usize,
    lanes: &mut [V::Element],
) {
    for k in 0..depth {
        let from = &rhs.data[k * rhs.row_stride..][..count];
        let to = &mut lanes[k * VECTORS * V::LANES..][..V::LANES];
        // SAFETY: both slices were just cut to what is read and written.
        unsafe { V::load_first(from.as_ptr(), count).store(to.as_mut_ptr()) };
    }
}

/// Columns whose elements are neighbours, in blocks of the depth; the last block has some rows of the one before once
/// more.
///
/// # Safety
/// The processor has the vector's instruction set.
#[inline(always)]
unsafe fn transposed_blocks<V: Vector>(
    rhs: Matrix<'_, V::Element>,
    count: usize,
    depth: usize,
    lanes: &mut [V::Element],
) {
    let width = VECTORS * V::LANES;
    for k in (0..depth).step_by(V::LANES).map(|k| k.min(depth - V::LANES)) {
        let from = rhs.from(k, 0);
        assert!(from.holds(V::LANES, count), "the block lies in its slice");
        let to = &mut lanes[k * width..][..(V::LANES - 1) * width + V::LANES];
        // SAFETY: the block's elements and their places were just checked.
        unsafe { V::transpose(from.data.as_ptr(), (count, from.column_stride), to.as_mut_ptr(), width) };
    }
}

fn element_by_element<T: Copy>(
    rhs: Matrix<'_, T>,
    count: usize,
    depth: usize,
    lanes: &mut [T],
    width: usize,
) {
    for k in 0..depth {
        let row = &mut lanes[k * width..][..count];
        for (i, element) in row.iter_mut().enumerate() {
            *element = rhs.data[k * rhs.row_stride + i * rhs.column_stride];
        }
    }
}
