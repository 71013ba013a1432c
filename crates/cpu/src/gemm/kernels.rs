//! The kernels of each instruction set and element type.

use super::{
    Matrix, pack,
    tile::{self, Tile, TileFn},
};
use crate::{
    isa::{Isa, Level},
    vector::Real,
};

/// Vectors of a row of a tile.
pub(super) const VECTORS: usize = 2;

/// Most rows of a tile: as many as leave registers for two vectors of the right and an element of the left matrix.
pub(super) const fn most_rows(isa: Isa) -> usize {
    match isa.level() {
        Level::Baseline => 4,
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => 6,
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => 12,
    }
}

/// # Safety
/// As for [`tile::run`].
unsafe fn plain<T: Real, const ROWS: usize, const VECTORS: usize>(tile: &Tile<T>) {
    // SAFETY: as the caller promises.
    unsafe { tile::run::<T::Plain, ROWS, VECTORS>(tile) };
}

/// # Safety
/// As for [`tile::run`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<T: Real, const ROWS: usize, const VECTORS: usize>(tile: &Tile<T>) {
    // SAFETY: as the caller promises.
    unsafe { tile::run::<T::Avx2, ROWS, VECTORS>(tile) };
}

/// # Safety
/// As for [`tile::run`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma")]
unsafe fn avx512<T: Real, const ROWS: usize, const VECTORS: usize>(tile: &Tile<T>) {
    // SAFETY: as the caller promises.
    unsafe { tile::run::<T::Avx512, ROWS, VECTORS>(tile) };
}

/// The tile of at most [`most_rows`] rows by one or two vectors.
pub(super) fn tile<T: Real>(isa: Isa, rows: usize, vectors: usize) -> TileFn<T> {
    macro_rules! tiles {
        ($version:ident: $($rows:literal)*) => {
            match (rows, vectors) {
                $(
                    ($rows, 1) => $version::<T, $rows, 1>,
                    ($rows, 2) => $version::<T, $rows, 2>,
                )*
                _ => unreachable!("there is no tile of {rows} rows by {vectors} vectors"),
            }
        };
    }
    match isa.level() {
        Level::Baseline => tiles!(plain: 1 2 3 4),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => tiles!(avx2: 1 2 3 4 5 6),
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => tiles!(avx512: 1 2 3 4 5 6 7 8 9 10 11 12),
    }
}

/// # Safety
/// The processor has the instruction set.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2_left<T: Real, const ROWS: usize>(
    lhs: Matrix<'_, T>,
    rows: usize,
    depth: usize,
    packed: &mut [T],
) {
    pack::left::<T, ROWS>(lhs, rows, depth, packed);
}

/// # Safety
/// The processor has the instruction set.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma")]
unsafe fn avx512_left<T: Real, const ROWS: usize>(
    lhs: Matrix<'_, T>,
    rows: usize,
    depth: usize,
    packed: &mut [T],
) {
    pack::left::<T, ROWS>(lhs, rows, depth, packed);
}

/// As [`pack::left`] for tiles of [`most_rows`] rows.
pub(super) fn pack_left<T: Real>(isa: Isa, lhs: Matrix<'_, T>, rows: usize, depth: usize, packed: &mut [T]) {
    match isa.level() {
        Level::Baseline => pack::left::<T, 4>(lhs, rows, depth, packed),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: an instruction set of this level is only made where the processor has it.
        Level::Avx2 => unsafe { avx2_left::<T, 6>(lhs, rows, depth, packed) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Level::Avx512 => unsafe { avx512_left::<T, 12>(lhs, rows, depth, packed) },
    }
}

/// # Safety
/// The processor has the instruction set.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2_right<T: Real>(rhs: Matrix<'_, T>, columns: usize, depth: usize, packed: &mut [T]) {
    // SAFETY: as the caller promises.
    unsafe { pack::right::<T::Avx2>(rhs, columns, depth, packed) };
}

/// # Safety
/// The processor has the instruction set.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma")]
unsafe fn avx512_right<T: Real>(rhs: Matrix<'_, T>, columns: usize, depth: usize, packed: &mut [T]) {
    // SAFETY: as the caller promises.
    unsafe { pack::right::<T::Avx512>(rhs, columns, depth, packed) };
}

/// As [`pack::right`].
pub(super) fn pack_right<T: Real>(
    isa: Isa,
    rhs: Matrix<'_, T>,
    columns: usize,
    depth: usize,
    packed: &mut [T],
) {
    match isa.level() {
        // SAFETY: every processor has the baseline.
        Level::Baseline => unsafe { pack::right::<T::Plain>(rhs, columns, depth, packed) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: an instruction set of this level is only made where the processor has it.
        Level::Avx2 => unsafe { avx2_right(rhs, columns, depth, packed) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Level::Avx512 => unsafe { avx512_right(rhs, columns, depth, packed) },
    }
}
