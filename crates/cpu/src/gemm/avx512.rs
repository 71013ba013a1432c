//! Panels of `f32` on processors with AVX-512.
//!
//! Results are computed in tiles of 12 rows by 32 columns that stay in registers while all of the depth passes by: 24
//! accumulators, two vectors of the right matrix and one broadcast element of the left one. Matrices of a few hundred
//! rows and columns, as networks have them, are read in place; a right matrix whose columns are contiguous is packed by
//! transposing blocks of 16 by 16, and a left one whose columns are, tile by tile. Each element of the result is one chain of fused multiplications and
//! additions in the order of the depth (a chain for each [`DEPTH`] of it, added up in order), whatever the tile.

use std::{arch::x86_64::*, cell::RefCell};

use super::{Matrix, Sizes, Target};

/// Rows of a tile.
const ROWS: usize = 12;
/// Elements of a vector.
const LANES: usize = 16;
/// Columns of a tile.
const COLUMNS: usize = 2 * LANES;
/// Columns that are worked on at a time: with [`DEPTH`] rows of the right matrix they fit the second cache level.
const BLOCK: usize = 8 * COLUMNS;
/// Rows of the right matrix that are prefetched ahead.
const AHEAD: usize = 24;
/// Most of the depth that passes by at a time.
const DEPTH: usize = 1024;

/// Whether the `gemm` crate would spend more on packing than [`panel`] does. Where both matrices have contiguous rows
/// it packs nothing; for very few rows or columns it has kernels of its own; and packing on our side is paid back by
/// the rows that use it.
pub(super) const fn is_faster(sizes: Sizes, lhs: Matrix<'_, f32>, rhs: Matrix<'_, f32>) -> bool {
    let packs = rhs.column_stride != 1;
    let few_rows = if packs { 32 } else { 4 };
    (packs || lhs.column_stride != 1) && sizes.rows >= few_rows && sizes.columns >= 4
}

/// Whether this processor can run [`panel`].
pub(super) fn is_available() -> bool {
    is_x86_feature_detected!("avx512f")
}

/// A row of a packed tile's columns.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct PackedRow([f32; COLUMNS]);

thread_local! {
    /// Packed columns, `depth` rows for each tile's width.
    static PACKED: RefCell<Vec<PackedRow>> = const { RefCell::new(Vec::new()) };
    /// The packed rows of a tile, [`ROWS`] elements for each step of the depth.
    static PACKED_LEFT: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Brings `rows` rows of a left matrix whose columns are contiguous next to each other, column by column: its columns
/// are far apart, and each would be fetched again for every tile.
#[target_feature(enable = "avx512f")]
fn pack_left(lhs: Matrix<'_, f32>, rows: usize, depth: usize, packed: &mut Vec<f32>) {
    assert!(lhs.row_stride == 1 && lhs.holds(rows, depth) && rows <= ROWS, "the rows lie in their slice");
    packed.resize(packed.len().max(depth * ROWS), 0.0);
    let mask = ((1u32 << rows) - 1) as __mmask16;
    for (k, column) in packed.chunks_exact_mut(ROWS).take(depth).enumerate() {
        let from = lhs.data.as_ptr().wrapping_add(k * lhs.column_stride);
        _mm_prefetch::<_MM_HINT_T0>(from.wrapping_add(8 * lhs.column_stride).cast());
        // SAFETY: the mask leaves out what is beyond the rows, which lie in the slice, as asserted; a column of the
        // packed rows has room for them.
        unsafe { _mm512_mask_storeu_ps(column.as_mut_ptr(), mask, _mm512_maskz_loadu_ps(mask, from)) };
    }
}

/// One panel on the calling thread. The result is read where it is added to.
///
/// # Safety
/// The processor has AVX-512 F. The caller has exclusive access to the `rows` by `columns` elements of `out`, and the
/// operands hold their sizes.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn panel(sizes: Sizes, out: Target<f32>, lhs: Matrix<'_, f32>, rhs: Matrix<'_, f32>) {
    let parts = sizes.depth.div_ceil(DEPTH).max(1);
    let depth = sizes.depth.div_ceil(parts);
    for column in (0..sizes.columns).step_by(BLOCK) {
        for part in 0..parts {
            let start = part * depth;
            let block = Sizes {
                rows: sizes.rows,
                columns: BLOCK.min(sizes.columns - column),
                depth: depth.min(sizes.depth - start),
            };
            // SAFETY: the block is a part of the panel, and its operands are parts of the operands.
            unsafe {
                let out = Target { pointer: out.pointer.add(column), ..out };
                let lhs = lhs.from(0, start);
                let rhs = rhs.from(start, column);
                self::block(block, out, lhs, rhs, out.adds || part > 0);
            }
        }
    }
}

/// The right matrix as the tiles read it: row `k` of tile `t` starts at `t * tile_stride + k * row_stride`.
#[derive(Clone, Copy)]
struct Columns {
    pointer: *const f32,
    row_stride: usize,
    tile_stride: usize,
}

/// As [`panel`], for a depth that passes by at once; adds to the result where `accumulate` says so.
///
/// # Safety
/// As for [`panel`].
#[target_feature(enable = "avx512f")]
unsafe fn block(
    sizes: Sizes,
    out: Target<f32>,
    lhs: Matrix<'_, f32>,
    rhs: Matrix<'_, f32>,
    accumulate: bool,
) {
    if rhs.column_stride == 1 {
        let columns =
            Columns { pointer: rhs.data.as_ptr(), row_stride: rhs.row_stride, tile_stride: COLUMNS };
        // SAFETY: as the caller promises.
        return unsafe { tiles(sizes, out, lhs, columns, accumulate) };
    }
    let mut packed = PACKED.take();
    pack(sizes, rhs, &mut packed);
    let columns =
        Columns { pointer: packed.as_ptr().cast(), row_stride: COLUMNS, tile_stride: sizes.depth * COLUMNS };
    // SAFETY: as the caller promises, and the columns were just packed.
    unsafe { tiles(sizes, out, lhs, columns, accumulate) };
    PACKED.set(packed);
}

/// Copies the columns of each tile next to each other; what is missing in the last tile stays as it is.
#[target_feature(enable = "avx512f")]
fn pack(sizes: Sizes, rhs: Matrix<'_, f32>, packed: &mut Vec<PackedRow>) {
    let Sizes { columns, depth, .. } = sizes;
    let rows = columns.div_ceil(COLUMNS) * depth;
    if packed.len() < rows {
        packed.resize(rows, PackedRow([0.0; COLUMNS]));
    }
    for (tile, rows) in packed[..rows].chunks_mut(depth).enumerate() {
        for lane in (0..COLUMNS).step_by(LANES) {
            let column = tile * COLUMNS + lane;
            let whole =
                if rhs.row_stride == 1 && column + LANES <= columns { depth / LANES * LANES } else { 0 };
            for k in (0..whole).step_by(LANES) {
                transpose(rhs.from(k, column), &mut rows[k..k + LANES], lane);
            }
            for (k, row) in rows.iter_mut().enumerate().skip(whole) {
                let rest = column..columns.min(column + LANES);
                for (element, column) in row.0[lane..].iter_mut().zip(rest) {
                    *element = rhs.data[k * rhs.row_stride + column * rhs.column_stride];
                }
            }
        }
    }
}

/// Brings 16 by 16 elements of a matrix whose columns are contiguous into `rows`, from `lane` on.
#[target_feature(enable = "avx512f")]
fn transpose(from: Matrix<'_, f32>, rows: &mut [PackedRow], lane: usize) {
    assert!(from.row_stride == 1 && from.holds(LANES, LANES), "the block lies in its slice");
    let mut a = [_mm512_setzero_ps(); LANES];
    for (i, a) in a.iter_mut().enumerate() {
        // SAFETY: the block's columns are contiguous and lie in the slice, as asserted.
        *a = unsafe { _mm512_loadu_ps(from.data.as_ptr().add(i * from.column_stride)) };
    }
    // Pairs of columns, then fours, element by element within each quarter of a vector.
    let mut b = a;
    for i in (0..LANES).step_by(2) {
        b[i] = _mm512_unpacklo_ps(a[i], a[i + 1]);
        b[i + 1] = _mm512_unpackhi_ps(a[i], a[i + 1]);
    }
    for i in (0..LANES).step_by(4) {
        (a[i], a[i + 1]) = unpack_pairs(b[i], b[i + 2]);
        (a[i + 2], a[i + 3]) = unpack_pairs(b[i + 1], b[i + 3]);
    }
    // Then the quarters.
    for i in 0..4 {
        let even =
            (_mm512_shuffle_f32x4::<0x88>(a[i], a[i + 4]), _mm512_shuffle_f32x4::<0x88>(a[i + 8], a[i + 12]));
        let odd =
            (_mm512_shuffle_f32x4::<0xdd>(a[i], a[i + 4]), _mm512_shuffle_f32x4::<0xdd>(a[i + 8], a[i + 12]));
        b[i] = _mm512_shuffle_f32x4::<0x88>(even.0, even.1);
        b[i + 4] = _mm512_shuffle_f32x4::<0x88>(odd.0, odd.1);
        b[i + 8] = _mm512_shuffle_f32x4::<0xdd>(even.0, even.1);
        b[i + 12] = _mm512_shuffle_f32x4::<0xdd>(odd.0, odd.1);
    }
    for (row, b) in rows.iter_mut().zip(b) {
        let elements = &mut row.0[lane..lane + LANES];
        // SAFETY: there are as many elements as a vector has.
        unsafe { _mm512_storeu_ps(elements.as_mut_ptr(), b) };
    }
}

/// The low and the high pairs of each quarter, alternating between the two.
#[target_feature(enable = "avx512f")]
fn unpack_pairs(x: __m512, y: __m512) -> (__m512, __m512) {
    let (x, y) = (_mm512_castps_pd(x), _mm512_castps_pd(y));
    (_mm512_castpd_ps(_mm512_unpacklo_pd(x, y)), _mm512_castpd_ps(_mm512_unpackhi_pd(x, y)))
}

/// All tiles of a block.
///
/// # Safety
/// As for [`panel`], with `rhs` in place of the right matrix.
#[target_feature(enable = "avx512f")]
unsafe fn tiles(sizes: Sizes, out: Target<f32>, lhs: Matrix<'_, f32>, rhs: Columns, accumulate: bool) {
    let packs = lhs.row_stride == 1 && lhs.column_stride >= LANES && sizes.columns > COLUMNS;
    let mut packed = PACKED_LEFT.take();
    for row in (0..sizes.rows).step_by(ROWS) {
        let lhs = lhs.from(row, 0);
        let rows = ROWS.min(sizes.rows - row);
        let (left, lhs_strides) = if packs {
            pack_left(lhs, rows, sizes.depth, &mut packed);
            (packed.as_ptr(), (1, ROWS))
        } else {
            (lhs.data.as_ptr(), (lhs.row_stride, lhs.column_stride))
        };
        for column in (0..sizes.columns).step_by(COLUMNS) {
            let width = sizes.columns - column;
            // SAFETY: the tile is a part of the block.
            unsafe {
                let tile = Tile {
                    depth: sizes.depth,
                    lhs: left,
                    lhs_strides,
                    rhs: rhs.pointer.add(column / COLUMNS * rhs.tile_stride),
                    rhs_stride: rhs.row_stride,
                    out: out.pointer.add(row * out.stride + column),
                    out_stride: out.stride,
                    accumulate,
                };
                if width <= LANES { tile.run_rows::<1>(rows, width) } else { tile.run_rows::<2>(rows, width) }
            }
        }
    }
    PACKED_LEFT.set(packed);
}

/// A tile of the result, and where its operands are.
#[derive(Clone, Copy)]
struct Tile {
    depth: usize,
    lhs: *const f32,
    lhs_strides: (usize, usize),
    rhs: *const f32,
    rhs_stride: usize,
    out: *mut f32,
    out_stride: usize,
    accumulate: bool,
}

impl Tile {
    /// The tile with `rows` of at most 12 rows, and `width` columns, in `VECTORS` vectors.
    ///
    /// # Safety
    /// As for [`panel`]; the tile's pointers and strides lead to elements of the operands and of the result.
    #[target_feature(enable = "avx512f")]
    unsafe fn run_rows<const VECTORS: usize>(self, rows: usize, width: usize) {
        macro_rules! with_rows {
            ($($count:literal)*) => {
                match rows {
                    // SAFETY: as the caller promises.
                    $($count => unsafe { self.run::<$count, VECTORS>(width) },)*
                    _ => unreachable!("a tile has from 1 to 12 rows"),
                }
            };
        }
        with_rows!(1 2 3 4 5 6 7 8 9 10 11 12);
    }

    /// # Safety
    /// As for [`Tile::run_rows`].
    #[target_feature(enable = "avx512f")]
    unsafe fn run<const COUNT: usize, const VECTORS: usize>(self, width: usize) {
        let mut masks = [0; VECTORS];
        for (vector, mask) in masks.iter_mut().enumerate() {
            let lanes = LANES.min(width.saturating_sub(vector * LANES));
            *mask = ((1u32 << lanes) - 1) as __mmask16;
        }
        // SAFETY: masks leave out what is beyond the tile's columns; everything else lies where the caller promises.
        unsafe {
            let sums = self.sums::<COUNT, VECTORS>(masks);
            for (row, sums) in sums.into_iter().enumerate() {
                for (vector, sum) in sums.into_iter().enumerate() {
                    let out = self.out.wrapping_add(row * self.out_stride + vector * LANES);
                    let old = if self.accumulate {
                        _mm512_maskz_loadu_ps(masks[vector], out)
                    } else {
                        _mm512_setzero_ps()
                    };
                    _mm512_mask_storeu_ps(out, masks[vector], _mm512_add_ps(old, sum));
                }
            }
        }
    }

    /// The sums over the depth, in registers.
    ///
    /// # Safety
    /// As for [`Tile::run_rows`]; masks leave out what is beyond the tile's columns.
    #[target_feature(enable = "avx512f")]
    #[inline]
    unsafe fn sums<const COUNT: usize, const VECTORS: usize>(
        self,
        masks: [__mmask16; VECTORS],
    ) -> [[__m512; VECTORS]; COUNT] {
        let mut sums = [[_mm512_setzero_ps(); VECTORS]; COUNT];
        let (mut lhs, mut rhs) = (self.lhs, self.rhs);
        for _ in 0..self.depth {
            // SAFETY: the pointers are within this step's column of the left and row of the right matrix.
            unsafe {
                let mut right = [_mm512_setzero_ps(); VECTORS];
                for (vector, right) in right.iter_mut().enumerate() {
                    let ahead = rhs.wrapping_add(AHEAD * self.rhs_stride + vector * LANES);
                    _mm_prefetch::<_MM_HINT_T0>(ahead.cast());
                    *right = _mm512_maskz_loadu_ps(masks[vector], rhs.wrapping_add(vector * LANES));
                }
                for (row, sums) in sums.iter_mut().enumerate() {
                    let left = _mm512_set1_ps(*lhs.add(row * self.lhs_strides.0));
                    for (sum, right) in sums.iter_mut().zip(right) {
                        *sum = _mm512_fmadd_ps(left, right, *sum);
                    }
                }
            }
            lhs = lhs.wrapping_add(self.lhs_strides.1);
            rhs = rhs.wrapping_add(self.rhs_stride);
        }
        sums
    }
}
