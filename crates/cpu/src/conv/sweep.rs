//! The innermost loops of weight gradients: the weights of a few input channels, taps and vectors of output
//! channels stay in registers while the pixels of many rows pass by.

use crate::vector::Vector;

/// Rows to pass over, and where the sums go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sweep<'a, T> {
    /// The first input channel of the first image's pixel at column 0, and distances from image to image and
    /// along the row from one output pixel to the next and from one input pixel to the next.
    pub(super) input: *const T,
    pub(super) input_image: usize,
    pub(super) input_step: usize,
    pub(super) input_pixel: usize,
    /// The same for the output's cotangents.
    pub(super) output: *const T,
    pub(super) output_image: usize,
    pub(super) output_pixel: usize,
    pub(super) images: usize,
    /// For each row, where it starts in the input and in the output.
    pub(super) rows: &'a [(usize, usize)],
    /// Output pixels of a row.
    pub(super) pixels: usize,
    /// The input column that the first tap reads for the first output pixel, and the step from one to the
    /// next; only the first and the last pixel read may lie outside the row of `columns` pixels, and with one tap none.
    pub(super) column: isize,
    pub(super) step: isize,
    pub(super) columns: isize,
    /// Sums for each tap, input channel and output channel.
    pub(super) sums: *mut T,
    /// Whether they are added to; their memory is otherwise not read.
    pub(super) adds: bool,
}

/// Makes a sweep.
///
/// # Safety
/// As for [`run`] with the vectors that the function was made for.
pub(super) type SweepFn<T> = unsafe fn(&Sweep<'_, T>);

/// `UNIT` says that neighbouring output pixels read neighbouring input pixels; pairs of them then share what
/// they read. `CHANNELWISE` says that each output channel meets the input channel of its own number alone; there is then
/// one vector, and one input channel counts for it.
///
/// # Safety
/// The processor has the vector's instruction set. All pixels of rows that lie inside are elements
/// with `INPUTS` and `VECTORS` full vectors of channels, as is the pixel at `input`; nobody else accesses the sums.
#[inline(always)]
pub(super) unsafe fn run<
    V: Vector,
    const VECTORS: usize,
    const INPUTS: usize,
    const TAPS: usize,
    const UNIT: bool,
    const CHANNELWISE: bool,
>(
    sweep: &Sweep<'_, V::Element>,
) {
    // SAFETY: as the caller promises.
    unsafe {
        let mut sums = [[[V::zero(); VECTORS]; INPUTS]; TAPS];
        for image in 0..sweep.images {
            for &(input, output) in sweep.rows {
                let start = sweep.column * sweep.input_pixel as isize;
                let input = sweep.input.add(image * sweep.input_image + input).wrapping_offset(start);
                let output = sweep.output.add(image * sweep.output_image + output);
                let mut row = Row { sweep, input, output, within: sweep.input, column: sweep.column };
                let mut left = sweep.pixels;
                if UNIT {
                    while left >= 2 {
                        row.pixels::<V, VECTORS, INPUTS, TAPS, 2, CHANNELWISE>(&mut sums);
                        left -= 2;
                    }
                }
                while left > 0 {
                    row.pixels::<V, VECTORS, INPUTS, TAPS, 1, CHANNELWISE>(&mut sums);
                    left -= 1;
                }
            }
        }
        let to = sweep.sums;
        for (tap, sums) in sums.iter().enumerate() {
            for (channel, sums) in sums.iter().enumerate() {
                for (vector, sum) in sums.iter().enumerate() {
                    let to = to.add(((tap * INPUTS + channel) * VECTORS + vector) * V::LANES);
                    if sweep.adds { V::load(to).add(*sum) } else { *sum }.store(to);
                }
            }
        }
    }
}

/// The rest of a row.
struct Row<'a, T> {
    sweep: &'a Sweep<'a, T>,
    input: *const T,
    output: *const T,
    /// A pixel to read in place of those outside the row.
    within: *const T,
    column: isize,
}

impl<T> Row<'_, T> {
    /// Adds the products of the next `PIXELS` output pixels, those of input pixels outside the row left out.
    ///
    /// # Safety
    /// As for [`run`].
    #[inline(always)]
    unsafe fn pixels<
        V: Vector<Element = T>,
        const VECTORS: usize,
        const INPUTS: usize,
        const TAPS: usize,
        const PIXELS: usize,
        const CHANNELWISE: bool,
    >(
        &mut self,
        sums: &mut [[[V; VECTORS]; INPUTS]; TAPS],
    ) {
        let sweep = self.sweep;
        // SAFETY: as the caller of `run` promises.
        unsafe {
            let mut outputs = [[V::zero(); VECTORS]; PIXELS];
            for (pixel, outputs) in outputs.iter_mut().enumerate() {
                for (vector, output) in outputs.iter_mut().enumerate() {
                    *output = V::load(self.output.add(pixel * sweep.output_pixel + vector * V::LANES));
                }
            }
            let has_first = TAPS == 1 || self.column >= 0;
            let has_last = TAPS == 1 || self.column + (PIXELS + TAPS - 1) as isize <= sweep.columns;
            let (first, last) = (V::mask(has_first), V::mask(has_last));
            macro_rules! columns {
                ($($column:literal)*) => {$(
                    if $column < PIXELS + TAPS - 1 {
                        let from = self.input.wrapping_add($column * sweep.input_pixel);
                        let (is_first, is_last) = ($column == 0, $column + 2 == PIXELS + TAPS);
                        let outside = is_first && !has_first || is_last && !has_last;
                        let from = if outside { self.within } else { from };
                        for channel in 0..INPUTS {
                            let x = if CHANNELWISE { V::load(from) } else { V::splat(from.add(channel)) };
                            for pixel in 0..PIXELS {
                                if $column >= pixel && $column - pixel < TAPS {
                                    for vector in 0..VECTORS {
                                        let sum = &mut sums[$column - pixel][channel][vector];
                                        let y = outputs[pixel][vector];
                                        *sum = match (TAPS > 1 && is_first, TAPS > 1 && is_last) {
                                            (true, _) => sum.add_product_where(first, x, y),
                                            (_, true) => sum.add_product_where(last, x, y),
                                            _ => sum.add_product(x, y),
                                        };
                                    }
                                }
                            }
                        }
                    }
                )*};
            }
            columns!(0 1 2 3);
        }
        self.input = self.input.wrapping_add(PIXELS * sweep.input_step);
        self.output = self.output.wrapping_add(PIXELS * sweep.output_pixel);
        self.column += PIXELS as isize * sweep.step;
    }
}
