//! The tiles of each instruction set and element type.

use super::{
    lanes::{self, MoveFn, Moves},
    sweep::{self, Sweep, SweepFn},
    tile::{self, ELEMENTS, Reads, Tile, TileFn},
};
use crate::{
    isa::{Isa, Level},
    vector::Real,
};

/// Most vectors of output channels in one tile.
pub(super) fn most_vectors(isa: Isa) -> usize {
    match isa.level() {
        Level::Baseline => 1,
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => 1,
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => 2,
    }
}

/// Pixels of all lines of a tile with so many vectors: as many as leave registers for weights and an input.
pub(super) fn tile_pixels(isa: Isa, vectors: usize) -> usize {
    match isa.level() {
        Level::Baseline => 8,
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => 8,
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => 16 / vectors,
    }
}

/// # Safety
/// As for [`tile::run`].
unsafe fn plain<T: Real, const VECTORS: usize, const LINES: usize, const PIXELS: usize, const READS: u8>(
    tile: &Tile<'_, T>,
) {
    // SAFETY: as the caller promises.
    unsafe { tile::run::<T::Plain, VECTORS, LINES, PIXELS, READS>(tile) };
}

/// # Safety
/// As for [`tile::run`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<T: Real, const VECTORS: usize, const LINES: usize, const PIXELS: usize, const READS: u8>(
    tile: &Tile<'_, T>,
) {
    // SAFETY: as the caller promises.
    unsafe { tile::run::<T::Avx2, VECTORS, LINES, PIXELS, READS>(tile) };
}

/// # Safety
/// As for [`tile::run`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma")]
unsafe fn avx512<T: Real, const VECTORS: usize, const LINES: usize, const PIXELS: usize, const READS: u8>(
    tile: &Tile<'_, T>,
) {
    // SAFETY: as the caller promises.
    unsafe { tile::run::<T::Avx512, VECTORS, LINES, PIXELS, READS>(tile) };
}

/// The tile with so many vectors of output channels and pixels of each line; it has as many lines as make up
/// [`tile_pixels`]. Only tiles of one vector read anything but elements.
pub(super) fn tile<T: Real>(isa: Isa, vectors: usize, pixels: usize, reads: Reads) -> TileFn<T> {
    const VECTORS: u8 = Reads::Vectors as u8;
    const PARTS: u8 = Reads::Parts as u8;
    macro_rules! tiles {
        ($version:ident: $($lines:literal $pixels:literal),*; two vectors: $($two_lines:literal $two_pixels:literal),*) => {
            match (vectors, pixels, reads) {
                $((1, $pixels, Reads::Elements) => $version::<T, 1, $lines, $pixels, ELEMENTS>,)*
                $((1, $pixels, Reads::Vectors) => $version::<T, 1, $lines, $pixels, VECTORS>,)*
                $((1, $pixels, Reads::Parts) => $version::<T, 1, $lines, $pixels, PARTS>,)*
                $((2, $two_pixels, Reads::Elements) => $version::<T, 2, $two_lines, $two_pixels, ELEMENTS>,)*
                _ => unreachable!("there is no tile of {vectors} vectors by {pixels} pixels that reads {reads:?}"),
            }
        };
    }
    match isa.level() {
        Level::Baseline => tiles!(plain: 1 8, 2 4, 4 2, 8 1; two vectors:),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => tiles!(avx2: 1 8, 2 4, 4 2, 8 1; two vectors:),
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => {
            tiles!(avx512: 1 16, 2 8, 4 4, 8 2, 16 1; two vectors: 1 8, 2 4, 4 2, 8 1)
        }
    }
}

/// The two directions of moving vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// From where their elements lie apart.
    Gather,
    /// To there.
    Scatter,
}

/// # Safety
/// As for [`lanes::gather`].
unsafe fn plain_gather<T: Real>(moves: &Moves<'_, T>) {
    // SAFETY: as the caller promises.
    unsafe { lanes::gather::<T::Plain>(moves) };
}

/// # Safety
/// As for [`lanes::scatter`].
unsafe fn plain_scatter<T: Real>(moves: &Moves<'_, T>) {
    // SAFETY: as the caller promises.
    unsafe { lanes::scatter::<T::Plain>(moves) };
}

/// # Safety
/// As for [`lanes::gather`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2_gather<T: Real>(moves: &Moves<'_, T>) {
    // SAFETY: as the caller promises.
    unsafe { lanes::gather::<T::Avx2>(moves) };
}

/// # Safety
/// As for [`lanes::scatter`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2_scatter<T: Real>(moves: &Moves<'_, T>) {
    // SAFETY: as the caller promises.
    unsafe { lanes::scatter::<T::Avx2>(moves) };
}

/// # Safety
/// As for [`lanes::gather`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma")]
unsafe fn avx512_gather<T: Real>(moves: &Moves<'_, T>) {
    // SAFETY: as the caller promises.
    unsafe { lanes::gather::<T::Avx512>(moves) };
}

/// # Safety
/// As for [`lanes::scatter`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma")]
unsafe fn avx512_scatter<T: Real>(moves: &Moves<'_, T>) {
    // SAFETY: as the caller promises.
    unsafe { lanes::scatter::<T::Avx512>(moves) };
}

/// What moves vectors.
pub(super) fn moving<T: Real>(isa: Isa, direction: Direction) -> MoveFn<T> {
    match (isa.level(), direction) {
        (Level::Baseline, Direction::Gather) => plain_gather::<T>,
        (Level::Baseline, Direction::Scatter) => plain_scatter::<T>,
        #[cfg(target_arch = "x86_64")]
        (Level::Avx2, Direction::Gather) => avx2_gather::<T>,
        #[cfg(target_arch = "x86_64")]
        (Level::Avx2, Direction::Scatter) => avx2_scatter::<T>,
        #[cfg(target_arch = "x86_64")]
        (Level::Avx512, Direction::Gather) => avx512_gather::<T>,
        #[cfg(target_arch = "x86_64")]
        (Level::Avx512, Direction::Scatter) => avx512_scatter::<T>,
    }
}

/// Input channels of a sweep of so many vectors and taps, of `channels` in all: as many as leave registers for outputs and
/// an input, and enough sums to keep the arithmetic busy.
pub(super) fn sweep_inputs(isa: Isa, vectors: usize, taps: usize, channels: usize) -> usize {
    match isa.level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 if channels == 3 => 3,
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 if vectors == 1 && channels > 4 => 8,
        _ if taps == 1 && channels > 4 => 8,
        _ => 4,
    }
}

/// # Safety
/// As for [`sweep::run`].
unsafe fn plain_sweep<
    T: Real,
    const VECTORS: usize,
    const INPUTS: usize,
    const TAPS: usize,
    const UNIT: bool,
    const CHANNELWISE: bool,
>(
    sweep: &Sweep<'_, T>,
) {
    // SAFETY: as the caller promises.
    unsafe { sweep::run::<T::Plain, VECTORS, INPUTS, TAPS, UNIT, CHANNELWISE>(sweep) };
}

/// # Safety
/// As for [`sweep::run`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2_sweep<
    T: Real,
    const VECTORS: usize,
    const INPUTS: usize,
    const TAPS: usize,
    const UNIT: bool,
    const CHANNELWISE: bool,
>(
    sweep: &Sweep<'_, T>,
) {
    // SAFETY: as the caller promises.
    unsafe { sweep::run::<T::Avx2, VECTORS, INPUTS, TAPS, UNIT, CHANNELWISE>(sweep) };
}

/// # Safety
/// As for [`sweep::run`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma")]
unsafe fn avx512_sweep<
    T: Real,
    const VECTORS: usize,
    const INPUTS: usize,
    const TAPS: usize,
    const UNIT: bool,
    const CHANNELWISE: bool,
>(
    sweep: &Sweep<'_, T>,
) {
    // SAFETY: as the caller promises.
    unsafe { sweep::run::<T::Avx512, VECTORS, INPUTS, TAPS, UNIT, CHANNELWISE>(sweep) };
}

/// The sweep with so many vectors of output channels, input channels and taps; `unit` as [`sweep::run`] has
/// it. Sweeps of one input channel are channelwise.
pub(super) fn sweep<T: Real>(
    isa: Isa,
    (vectors, inputs): (usize, usize),
    taps: usize,
    unit: bool,
) -> SweepFn<T> {
    macro_rules! sweeps {
        ($version:ident: $($vectors:literal $inputs:literal),*; one tap: $($one:literal $alone:literal),*) => {
            // Pairs of pixels with the most sums would need more registers than there are.
            match (vectors, inputs, taps, unit && inputs < 8) {
                (1, 1, 1, _) => $version::<T, 1, 1, 1, false, true>,
                (1, 1, 2, false) => $version::<T, 1, 1, 2, false, true>,
                (1, 1, 3, false) => $version::<T, 1, 1, 3, false, true>,
                (1, 1, 2, true) => $version::<T, 1, 1, 2, true, true>,
                (1, 1, 3, true) => $version::<T, 1, 1, 3, true, true>,
                $(($one, $alone, 1, _) => $version::<T, $one, $alone, 1, false, false>,)*
                $(
                    ($vectors, $inputs, 2, false) => $version::<T, $vectors, $inputs, 2, false, false>,
                    ($vectors, $inputs, 3, false) => $version::<T, $vectors, $inputs, 3, false, false>,
                    ($vectors, $inputs, 2, true) => $version::<T, $vectors, $inputs, 2, true, false>,
                    ($vectors, $inputs, 3, true) => $version::<T, $vectors, $inputs, 3, true, false>,
                )*
                _ => unreachable!("there is no sweep of {vectors} vectors, {inputs} input channels and {taps} taps"),
            }
        };
    }
    match isa.level() {
        Level::Baseline => sweeps!(plain_sweep: 1 4; one tap: 1 4, 1 8),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => sweeps!(avx2_sweep: 1 4; one tap: 1 4, 1 8),
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => {
            sweeps!(avx512_sweep: 1 3, 1 4, 1 8, 2 3, 2 4; one tap: 1 3, 1 4, 1 8, 2 3, 2 4, 2 8)
        }
    }
}
