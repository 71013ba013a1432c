//! The innermost loops of convolutions pixel by pixel: a tile of output pixels by output channels stays in
//! registers while taps and input channels pass by.
//!
//! A tile is `LINES` images by `PIXELS` neighbouring pixels of a row by `VECTORS` vectors of output channels.
//! Taps that follow each other along the row share what they read: input pixel `q` meets output pixels `q`,
//! `q - 1`, `q - 2`.

use crate::vector::Vector;

/// Most taps in one segment.
pub(super) const MAX_TAPS: usize = 3;
/// The numbers of [`Reads`].
pub(super) const ELEMENTS: u8 = Reads::Elements as u8;
const VECTORS_OF_INPUT: u8 = Reads::Vectors as u8;
/// Most images in one tile.
pub(super) const MAX_LINES: usize = 16;

/// Taps that follow each other along a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// From the tile's first input pixel to the first that the first tap reads, in elements.
    pub(super) input: isize,
    /// The same in pixels along the row.
    pub(super) column: isize,
    /// From the start of the packed block to the segment's weights, and from those of one input channel to those of the
    /// next, in rows of the block's width.
    pub(super) weights: usize,
    pub(super) weights_step: usize,
    /// From 1 to [`MAX_TAPS`]; more than one only where neighbouring output pixels read neighbouring input
    /// pixels.
    pub(super) taps: usize,
}

/// One of the convolutions whose sum a tile is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Term<T> {
    /// The input pixel at offset 0 of each line.
    pub(super) lines: [*const T; MAX_LINES],
    /// The packed block of weights.
    pub(super) weights: *const T,
}

/// What meets the weights of a vector of output channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reads {
    /// One input channel after the other.
    Elements,
    /// The input channels of the same numbers.
    Vectors,
    /// The same, as many as are wanted.
    Parts,
}

/// What a tile computes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tile<'a, T> {
    pub(super) terms: &'a [Term<T>],
    pub(super) segments: &'a [Segment],
    /// Input channels, and the distance between them.
    pub(super) channels: usize,
    pub(super) channel_stride: usize,
    /// The distance between the input pixels of neighbouring output pixels, in elements and in pixels.
    pub(super) pixel_stride: usize,
    pub(super) step: isize,
    /// The input pixel at offset 0, counted along the row of `columns` pixels; only the first and the last
    /// pixel that a segment reads may lie outside.
    pub(super) column: isize,
    pub(super) columns: isize,
    /// The first output element.
    pub(super) out: *mut T,
    /// Lines that are wanted, and the distances of their outputs.
    pub(super) lines: usize,
    pub(super) out_line_stride: usize,
    pub(super) out_pixel_stride: usize,
    /// Output channels that are wanted.
    pub(super) width: usize,
}

/// Computes a tile.
///
/// # Safety
/// As for [`run`] with the vectors that the function was made for.
pub(super) type TileFn<T> = unsafe fn(&Tile<'_, T>);

/// `READS` is the number of a [`Reads`].
///
/// # Safety The processor has the vector's instruction set. All input pixels of lines and segments within the
/// row, and the wanted outputs, are elements; nobody else accesses the latter.
#[inline(always)]
pub(super) unsafe fn run<
    V: Vector,
    const VECTORS: usize,
    const LINES: usize,
    const PIXELS: usize,
    const READS: u8,
>(
    tile: &Tile<'_, V::Element>,
) {
    // SAFETY: as the caller promises.
    unsafe {
        let mut sums = [[[V::zero(); VECTORS]; PIXELS]; LINES];
        for term in tile.terms {
            for segment in tile.segments {
                match segment.taps {
                    1 => add::<V, VECTORS, LINES, PIXELS, 1, READS>(&mut sums, tile, term, segment),
                    2 => add::<V, VECTORS, LINES, PIXELS, 2, READS>(&mut sums, tile, term, segment),
                    _ => add::<V, VECTORS, LINES, PIXELS, 3, READS>(&mut sums, tile, term, segment),
                }
            }
        }
        // A copy to be indexed, so that the compiler keeps the sums themselves in registers.
        let finished = sums;
        for (line, sums) in finished.iter().enumerate().take(tile.lines) {
            for (pixel, sums) in sums.iter().enumerate() {
                let out = tile.out.add(line * tile.out_line_stride + pixel * tile.out_pixel_stride);
                store(sums, out, tile.width);
            }
        }
    }
}

/// Adds the products of one segment.
///
/// The pixel at its end that may lie outside the row is passed over by a branch where there are several
/// vectors, and masked otherwise, because around a branch the compiler keeps so many sums in memory.
///
/// # Safety
/// As for [`run`].
#[inline(always)]
unsafe fn add<
    V: Vector,
    const VECTORS: usize,
    const LINES: usize,
    const PIXELS: usize,
    const TAPS: usize,
    const READS: u8,
>(
    sums: &mut [[[V; VECTORS]; PIXELS]; LINES],
    tile: &Tile<'_, V::Element>,
    term: &Term<V::Element>,
    segment: &Segment,
) {
    let start = tile.column + segment.column;
    let skips_first = start < 0;
    let skips_last = start + (PIXELS as isize - 1) * tile.step + TAPS as isize > tile.columns;
    // SAFETY: as the caller of `run` promises.
    unsafe {
        // A copy, so that the compiler keeps it in registers.
        let mut local = *sums;
        let zero = V::zero();
        let zero: *const V::Element = (&raw const zero).cast();
        let (first, last) = (V::mask(!skips_first), V::mask(!skips_last));
        let both = V::mask(!skips_first && !skips_last);
        let mut weights = term.weights.add(segment.weights * VECTORS * V::LANES);
        for channel in 0..tile.channels {
            let offset = segment.input + (channel * tile.channel_stride) as isize;
            let mut taps = [[V::zero(); VECTORS]; TAPS];
            for (tap, vectors) in taps.iter_mut().enumerate() {
                for (vector, weight) in vectors.iter_mut().enumerate() {
                    *weight = V::load(weights.add((tap * VECTORS + vector) * V::LANES));
                }
            }
            weights = weights.add(segment.weights_step * VECTORS * V::LANES);
            for (line, sums) in local.iter_mut().enumerate() {
                let input = term.lines[line].wrapping_offset(offset);
                // Written out, because the compiler unrolls no loop of this size.
                macro_rules! pixels {
                    ($($pixel:literal)*) => {$(
                        let skip = $pixel == 0 && skips_first || $pixel + 2 == PIXELS + TAPS && skips_last;
                        if $pixel < PIXELS + TAPS - 1 && !(VECTORS > 1 && skip) {
                            let from = input.wrapping_add($pixel * tile.pixel_stride);
                            let from = if skip { zero } else { from };
                            let x = match READS {
                                ELEMENTS => V::splat(from),
                                VECTORS_OF_INPUT => V::load(from),
                                _ => V::load_first(from, tile.width),
                            };
                            for tap in 0..TAPS {
                                if $pixel >= tap && $pixel - tap < PIXELS {
                                    for vector in 0..VECTORS {
                                        let sum = &mut sums[$pixel - tap][vector];
                                        let weight = taps[tap][vector];
                                        *sum = match ($pixel == 0, $pixel + 2 == PIXELS + TAPS) {
                                            (true, true) => sum.add_product_where(both, x, weight),
                                            (true, false) => sum.add_product_where(first, x, weight),
                                            (false, true) => sum.add_product_where(last, x, weight),
                                            (false, false) => sum.add_product(x, weight),
                                        };
                                    }
                                }
                            }
                        }
                    )*};
                }
                pixels!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17);
            }
        }
        *sums = local;
    }
}

/// Writes the first `width` elements.
///
/// # Safety
/// As for [`run`].
#[inline(always)]
unsafe fn store<V: Vector, const VECTORS: usize>(sums: &[V; VECTORS], out: *mut V::Element, width: usize) {
    // SAFETY: as the caller of `run` promises; what is not wanted goes to memory of our own.
    unsafe {
        if width == VECTORS * V::LANES {
            for (vector, sum) in sums.iter().enumerate() {
                sum.store(out.add(vector * V::LANES));
            }
        } else {
            std::ptr::copy_nonoverlapping(sums.as_ptr().cast::<V::Element>(), out, width);
        }
    }
}
