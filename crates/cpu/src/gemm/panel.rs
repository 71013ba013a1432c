//! One panel of a product on the calling thread.
//!
//! Results are computed in tiles that stay in registers while [`DEPTH`] passes by. Operands are read in place where a
//! tile finds what it reads at a time next to each other, and are brought into that order otherwise.

use super::{
    Matrix, Sizes, Target,
    kernels::{self, VECTORS},
    tile::Tile,
};
use crate::{
    isa::Isa,
    scratch,
    vector::{self, Real},
};

/// Most of the depth that passes by at a time.
const DEPTH: usize = 384;
/// Tiles side by side in a block: with [`DEPTH`] rows of the right matrix they fit the second cache level.
const TILES_ACROSS: usize = 8;
/// Tiles one below the other whose left matrices are packed at a time.
const TILES_DOWN: usize = 12;
/// A left matrix within so many bytes is read in place however it lies: half of the first cache level of usual processors.
const IN_PLACE_BYTES: usize = 16 << 10;

/// Computes a panel, block by block.
///
/// # Safety
/// The caller has exclusive access to the `rows` by `columns` elements of `out`, and the operands hold their sizes.
pub(super) unsafe fn panel<T: Real>(
    isa: Isa,
    sizes: Sizes,
    out: Target<T>,
    lhs: Matrix<'_, T>,
    rhs: Matrix<'_, T>,
) {
    let width = TILES_ACROSS * tile_columns::<T>(isa);
    let depth = sizes.depth.div_ceil(sizes.depth.div_ceil(DEPTH));
    for column in (0..sizes.columns).step_by(width) {
        for start in (0..sizes.depth).step_by(depth) {
            let block = Sizes {
                rows: sizes.rows,
                columns: width.min(sizes.columns - column),
                depth: depth.min(sizes.depth - start),
            };
            // SAFETY: the block is a part of the panel, and its operands are parts of the operands.
            unsafe {
                let out = Target { pointer: out.pointer.add(column), adds: out.adds || start > 0, ..out };
                self::block(isa, block, out, lhs.from(0, start), rhs.from(start, column));
            }
        }
    }
}

fn tile_columns<T: Real>(isa: Isa) -> usize {
    VECTORS * vector::lanes::<T>(isa)
}

/// A block: at most [`TILES_ACROSS`] tiles wide and [`DEPTH`] deep.
///
/// # Safety
/// As for [`panel`].
unsafe fn block<T: Real>(isa: Isa, sizes: Sizes, out: Target<T>, lhs: Matrix<'_, T>, rhs: Matrix<'_, T>) {
    let (width, tile_rows) = (tile_columns::<T>(isa), kernels::most_rows(isa));
    let in_place = if rhs.column_stride == 1 { sizes.columns / width } else { 0 };
    let packed = (sizes.columns.div_ceil(width) - in_place) * width * sizes.depth;
    let packs_left = packs_left(sizes, &lhs);
    let rows = if packs_left { TILES_DOWN * tile_rows } else { sizes.rows };
    let left = if packs_left { rows.min(sizes.rows).next_multiple_of(tile_rows) * sizes.depth } else { 0 };
    scratch::with::<T, _>(packed + left, |memory| {
        let (packed, left) = memory.split_at_mut(packed);
        if !packed.is_empty() {
            let first = in_place * width;
            kernels::pack_right(isa, rhs.from(0, first), sizes.columns - first, sizes.depth, packed);
        }
        let right = Right { matrix: rhs, in_place, packed, columns: width, depth: sizes.depth };
        for row in (0..sizes.rows).step_by(rows) {
            let strip = Sizes { rows: rows.min(sizes.rows - row), ..sizes };
            let lhs = lhs.from(row, 0);
            let lhs = if packs_left {
                kernels::pack_left(isa, lhs, strip.rows, sizes.depth, left);
                Left::Packed(left)
            } else {
                Left::InPlace(lhs)
            };
            // SAFETY: the strip is a part of the block, and its operands are parts of the operands.
            unsafe { self::strip(isa, strip, out.below(row), lhs, &right) };
        }
    });
}

fn packs_left<T>(sizes: Sizes, lhs: &Matrix<'_, T>) -> bool {
    let extent = (sizes.rows - 1) * lhs.row_stride + (sizes.depth - 1) * lhs.column_stride + 1;
    lhs.column_stride != 1 && sizes.depth > 1 && extent * size_of::<T>() > IN_PLACE_BYTES
}

/// The left matrix of a strip.
#[derive(Clone, Copy)]
enum Left<'a, T> {
    InPlace(Matrix<'a, T>),
    /// As [`pack::left`](super::pack::left) leaves it.
    Packed(&'a [T]),
}

/// The right matrix of a block.
struct Right<'a, T> {
    matrix: Matrix<'a, T>,
    /// Tiles that are read in place.
    in_place: usize,
    /// The other tiles, as [`pack::right`](super::pack::right) leaves them.
    packed: &'a [T],
    /// Columns of a tile.
    columns: usize,
    depth: usize,
}

impl<T> Right<'_, T> {
    /// The first element of a tile, and the distance of its rows.
    fn tile(&self, tile: usize) -> (*const T, usize) {
        if tile < self.in_place {
            (self.matrix.from(0, tile * self.columns).data.as_ptr(), self.matrix.row_stride)
        } else {
            (self.packed[(tile - self.in_place) * self.columns * self.depth..].as_ptr(), self.columns)
        }
    }
}

/// The tiles of some rows of a block.
///
/// # Safety
/// As for [`panel`].
unsafe fn strip<T: Real>(isa: Isa, sizes: Sizes, out: Target<T>, lhs: Left<'_, T>, rhs: &Right<'_, T>) {
    let tile_rows = kernels::most_rows(isa);
    for row in (0..sizes.rows).step_by(tile_rows) {
        let lhs = match lhs {
            Left::InPlace(matrix) => matrix.from(row, 0),
            Left::Packed(packed) => {
                Matrix { data: &packed[row * sizes.depth..], row_stride: 1, column_stride: tile_rows }
            }
        };
        let line = Sizes { rows: tile_rows.min(sizes.rows - row), ..sizes };
        // SAFETY: the line is a part of the strip, and the left matrix holds it.
        unsafe { self::line(isa, line, out.below(row), lhs, rhs) };
    }
}

/// The tiles next to each other in as many rows as a tile has.
///
/// # Safety
/// As for [`panel`].
unsafe fn line<T: Real>(isa: Isa, sizes: Sizes, out: Target<T>, lhs: Matrix<'_, T>, rhs: &Right<'_, T>) {
    for (index, column) in (0..sizes.columns).step_by(rhs.columns).enumerate() {
        let width = rhs.columns.min(sizes.columns - column);
        let vectors = if width > rhs.columns / VECTORS { VECTORS } else { 1 };
        let (rhs, rhs_step) = rhs.tile(index);
        let tile = Tile {
            depth: sizes.depth,
            lhs: lhs.data.as_ptr(),
            lhs_row: lhs.row_stride,
            lhs_step: lhs.column_stride,
            rhs,
            rhs_step,
            out: out.pointer.wrapping_add(column),
            out_stride: out.stride,
            width,
            adds: out.adds,
        };
        // SAFETY: the tile is a part of the line, and its operands hold it.
        unsafe { kernels::tile::<T>(isa, sizes.rows, vectors)(&tile) };
    }
}
