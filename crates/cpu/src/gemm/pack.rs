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
/// tile is zero.
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
    for (tile, rows) in packed.chunks_mut(width * depth).take(columns.div_ceil(width)).enumerate() {
        for lane in (0..width).step_by(V::LANES) {
            let column = tile * width + lane;
            let count = columns.saturating_sub(column).min(V::LANES);
            let blocks = if rhs.row_stride == 1 && count == V::LANES { depth / V::LANES } else { 0 };
            for block in 0..blocks {
                let k = block * V::LANES;
                let from = rhs.from(k, column);
                assert!(from.holds(V::LANES, V::LANES), "the block lies in its slice");
                let to = &mut rows[k * width + lane..][..(V::LANES - 1) * width + V::LANES];
                // SAFETY: the block's elements and their places were just checked.
                unsafe { V::transpose(from.data.as_ptr(), from.column_stride, to.as_mut_ptr(), width) };
            }
            for k in blocks * V::LANES..depth {
                let row = &mut rows[k * width + lane..][..V::LANES];
                for (i, element) in row.iter_mut().enumerate() {
                    *element = if i < count {
                        rhs.data[k * rhs.row_stride + (column + i) * rhs.column_stride]
                    } else {
                        V::Element::default()
                    };
                }
            }
        }
    }
}
