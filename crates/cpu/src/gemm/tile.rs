//! The innermost loops: a tile of the result stays in registers while the depth passes by.

use crate::vector::Vector;

/// Steps of the depth by which the right matrix is prefetched ahead.
const AHEAD: usize = 24;

/// A tile of the result, and where its operands are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tile<T> {
    pub(super) depth: usize,
    /// The left matrix, and the distances of its rows and of its columns.
    pub(super) lhs: *const T,
    pub(super) lhs_row: usize,
    pub(super) lhs_step: usize,
    /// The right matrix, whose columns are neighbours, and the distance of its rows. As many columns are read as the
    /// tile's vectors have elements.
    pub(super) rhs: *const T,
    pub(super) rhs_step: usize,
    pub(super) out: *mut T,
    pub(super) out_stride: usize,
    /// Columns that are wanted.
    pub(super) width: usize,
    /// Whether the product is added to what is there.
    pub(super) adds: bool,
}

/// Computes a tile.
///
/// # Safety
/// As for [`run`] with the vectors that the function was made for.
pub(super) type TileFn<T> = unsafe fn(&Tile<T>);

/// Each element is one chain of multiplications and additions in the order of the depth.
///
/// # Safety
/// The processor has the vector's instruction set. The pointers and strides lead to elements of the operands and of the
/// result; nobody else accesses the latter.
#[inline(always)]
pub(super) unsafe fn run<V: Vector, const ROWS: usize, const VECTORS: usize>(tile: &Tile<V::Element>) {
    // SAFETY: as the caller promises.
    unsafe {
        for row in 0..ROWS {
            for vector in 0..VECTORS {
                prefetch_write(tile.out.wrapping_add(row * tile.out_stride + vector * V::LANES));
            }
        }
        let mut sums = [[V::zero(); VECTORS]; ROWS];
        let (mut lhs, mut rhs) = (tile.lhs, tile.rhs);
        for _ in 0..tile.depth {
            let mut right = [V::zero(); VECTORS];
            for (vector, right) in right.iter_mut().enumerate() {
                prefetch(rhs.wrapping_add(AHEAD * tile.rhs_step + vector * V::LANES));
                *right = V::load(rhs.add(vector * V::LANES));
            }
            for (row, sums) in sums.iter_mut().enumerate() {
                let left = V::splat(lhs.add(row * tile.lhs_row));
                for (sum, right) in sums.iter_mut().zip(right) {
                    *sum = sum.add_product(left, right);
                }
            }
            lhs = lhs.wrapping_add(tile.lhs_step);
            rhs = rhs.wrapping_add(tile.rhs_step);
        }
        let finished = sums;
        for (row, sums) in finished.iter().enumerate() {
            store(sums, tile.out.add(row * tile.out_stride), tile.width, tile.adds);
        }
    }
}

/// Writes the first `width` elements, or adds them to what is there.
///
/// # Safety
/// As for [`run`].
#[inline(always)]
unsafe fn store<V: Vector, const VECTORS: usize>(
    sums: &[V; VECTORS],
    out: *mut V::Element,
    width: usize,
    adds: bool,
) {
    for (vector, &sum) in sums.iter().enumerate() {
        let first = vector * V::LANES;
        // SAFETY: as the caller promises.
        unsafe {
            let out = out.add(first);
            if width >= first + V::LANES {
                let sum = if adds { V::load(out).add(sum) } else { sum };
                sum.store(out);
            } else {
                let count = width - first;
                let sum = if adds { V::load_first(out, count).add(sum) } else { sum };
                sum.store_first(out, count);
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn prefetch<T>(from: *const T) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: prefetching reads nothing that the program can see, and faults on no address.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) };
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn prefetch_write<T>(to: *mut T) {
    use std::arch::x86_64::{_MM_HINT_ET0, _mm_prefetch};
    // SAFETY: as above.
    unsafe { _mm_prefetch::<_MM_HINT_ET0>(to.cast()) };
}

#[cfg(not(target_arch = "x86_64"))]
const fn prefetch<T>(_from: *const T) {}

#[cfg(not(target_arch = "x86_64"))]
const fn prefetch_write<T>(_to: *mut T) {}
