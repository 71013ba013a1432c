//! Moving the pixels of images.

use crate::{
    Image,
    rows::{Numbers, Rows},
    scale::Scale,
};

/// For every pixel of the new image the place in the old one that it shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Warp {
    /// Whole pixels: columns reversed if `flip`, then everything moved by `shift` rows and columns.
    Whole { flip: bool, shift: [isize; 2] },
    /// Row and column of a place, both relative to the image's middle: `matrix · place + offset`.
    Affine { matrix: [[f32; 2]; 2], offset: [f32; 2] },
}

impl Warp {
    pub(crate) const fn whole(flip: bool, shift: [isize; 2]) -> Self {
        Self::Whole { flip, shift }
    }

    /// The image scaled by `zoom` and cut out around `centre` (in pixels of the scaled image, from its middle), then
    /// flipped if `flip`, turned by `angle` (radians) and at last moved by `shift` rows and columns.
    pub(crate) fn new(zoom: f64, centre: [f64; 2], flip: bool, angle: f64, shift: [isize; 2]) -> Self {
        let (sin, cos) = angle.sin_cos();
        let sign = if flip { -1.0 } else { 1.0 };
        let turned = [[cos, sin], [-sign * sin, sign * cos]];
        let matrix = turned.map(|row| row.map(|entry| (entry / zoom) as f32));
        let offset = [0, 1].map(|axis: usize| {
            let moved: f64 = (0..2).map(|from| turned[axis][from] * shift[from] as f64).sum();
            ((moved + centre[axis]) / zoom) as f32
        });
        Self::Affine { matrix, offset }
    }

    /// Writes the changed image `index` of `rows` as a network reads it. What lies outside the old image is black.
    pub(crate) fn write(&self, rows: &Rows, image: Image, scale: &Scale, index: usize, out: &mut [f32]) {
        let range = index * image.elements()..(index + 1) * image.elements();
        match (self, rows.numbers()) {
            (Self::Whole { flip, shift }, Numbers::Bytes { bytes, .. }) => {
                let of = |channel: usize, byte: u8| scale.table(channel)[usize::from(byte)];
                whole(&bytes[range], image, (*flip, *shift), of, out);
            }
            (Self::Whole { flip, shift }, Numbers::Floats(floats)) => {
                let of = |channel: usize, number: f32| scale.float(channel, number);
                whole(&floats[range], image, (*flip, *shift), of, out);
            }
            (Self::Affine { matrix, offset }, Numbers::Bytes { bytes, white }) => {
                affine(&bytes[range], image, (*matrix, *offset), f32::from, out);
                rescale(image, scale, *white, out);
            }
            (Self::Affine { matrix, offset }, Numbers::Floats(floats)) => {
                affine(&floats[range], image, (*matrix, *offset), |number| number, out);
                rescale(image, scale, 1.0, out);
            }
        }
    }
}

/// Moves whole pixels; `of` turns a number of a channel into what is written.
fn whole<T: Copy + Default>(
    from: &[T],
    image: Image,
    (flip, [down, right]): (bool, [isize; 2]),
    of: impl Fn(usize, T) -> f32,
    out: &mut [f32],
) {
    let width = image.width;
    // Places of the new row that show a pixel of the old one.
    let first = (-right).clamp(0, width as isize) as usize;
    let last = (width as isize - right).clamp(first as isize, width as isize) as usize;
    for (position, row) in out.chunks_exact_mut(width).enumerate() {
        let (channel, y) = (position / image.height, (position % image.height) as isize + down);
        let black = of(channel, T::default());
        if y < 0 || y >= image.height as isize || first == last {
            row.fill(black);
            continue;
        }
        let start = channel * image.plane() + y as usize * width;
        let begin = (first as isize + right) as usize;
        row[..first].fill(black);
        row[last..].fill(black);
        let old = &from[start..start + width];
        let shown = &mut row[first..last];
        if flip {
            let old = old[..width - begin].iter().rev();
            shown.iter_mut().zip(old).for_each(|(new, &old)| *new = of(channel, old));
        } else {
            shown.iter_mut().zip(&old[begin..]).for_each(|(new, &old)| *new = of(channel, old));
        }
    }
}

/// Four neighbouring pixels and their shares in a new one: the first, the one to its right, and the two below.
#[derive(Clone, Copy, Default)]
struct Tap {
    at: usize,
    shares: [f32; 4],
}

/// Black pixels around an image, before and behind it in rows and columns: enough that every place that is clamped to within
/// one pixel of the image has four neighbours.
const FRAME: [usize; 2] = [1, 2];

/// Samples an image bilinearly.
fn affine<T: Copy>(
    from: &[T],
    image: Image,
    (matrix, offset): ([[f32; 2]; 2], [f32; 2]),
    of: impl Fn(T) -> f32,
    out: &mut [f32],
) {
    let (width, stride) = (image.width, image.width + FRAME[0] + FRAME[1]);
    let framed = framed(from, image, of);
    let size = framed.len() / image.channels;
    let middle = [(image.height as f32 - 1.0) / 2.0, (width as f32 - 1.0) / 2.0];
    // The place that pixel 0 of row 0 shows in the framed image, and the steps to the next column and row.
    let first = |axis: usize| {
        let [down, right] = matrix[axis];
        middle[axis] + FRAME[0] as f32 + offset[axis] - down * middle[0] - right * middle[1]
    };
    let (first_y, first_x) = (first(0), first(1));
    let (last_y, last_x) = ((image.height + FRAME[0]) as f32, (width + FRAME[0]) as f32);
    let mut taps = vec![Tap::default(); width];
    for y in 0..image.height {
        let row = y as f32;
        let (row_y, row_x) = (first_y + matrix[0][0] * row, first_x + matrix[1][0] * row);
        for (x, tap) in taps.iter_mut().enumerate() {
            let column = x as f32;
            let y = (row_y + matrix[0][1] * column).clamp(0.0, last_y);
            let x = (row_x + matrix[1][1] * column).clamp(0.0, last_x);
            *tap = Tap::new(y, x, stride);
        }
        for (channel, framed) in framed.chunks_exact(size).enumerate() {
            let row = &mut out[channel * image.plane() + y * width..][..width];
            row.iter_mut().zip(&taps).for_each(|(new, tap)| *new = tap.of(framed, stride));
        }
    }
}

impl Tap {
    /// At a place, not negative, in a framed image.
    #[inline(always)]
    fn new(y: f32, x: f32, stride: usize) -> Self {
        // No place is negative, so that cutting off is rounding down.
        let (top, left) = (y as u32, x as u32);
        let (down, right) = (y - top as f32, x - left as f32);
        let (up, leftward) = (1.0 - down, 1.0 - right);
        let shares = [up * leftward, up * right, down * leftward, down * right];
        Self { at: top as usize * stride + left as usize, shares }
    }

    #[inline(always)]
    fn of(&self, framed: &[f32], stride: usize) -> f32 {
        let [a, b, c, d] = self.shares;
        let (upper, lower) = (&framed[self.at..self.at + 2], &framed[self.at + stride..self.at + stride + 2]);
        (a * upper[0] + b * upper[1]) + (c * lower[0] + d * lower[1])
    }
}

/// An image in a black frame.
fn framed<T: Copy>(from: &[T], image: Image, of: impl Fn(T) -> f32) -> Vec<f32> {
    let [rows, stride] = [image.height, image.width].map(|size| size + FRAME[0] + FRAME[1]);
    let mut framed = vec![0f32; image.channels * rows * stride];
    for (position, old) in from.chunks_exact(image.width).enumerate() {
        let (channel, y) = (position / image.height, position % image.height);
        let start = (channel * rows + y + FRAME[0]) * stride + FRAME[0];
        framed[start..].iter_mut().zip(old).for_each(|(new, &old)| *new = of(old));
    }
    framed
}

/// Normalises sampled numbers in place.
fn rescale(image: Image, scale: &Scale, white: f32, out: &mut [f32]) {
    for (channel, plane) in out.chunks_exact_mut(image.plane()).enumerate() {
        let (factor, term) = scale.affine(channel, white);
        plane.iter_mut().for_each(|number| *number = *number * factor + term);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Example, Normalization};

    const IMAGE: Image = Image { channels: 2, height: 3, width: 4 };

    /// Two images of two channels, as bytes or as floats, with a normalisation.
    fn rows(floats: bool) -> (Rows, Scale) {
        let bytes: Vec<u8> = (0..48).map(|i| i * 5 + 1).collect();
        let numbers = if floats {
            Numbers::Floats(bytes.iter().map(|&byte| f32::from(byte) / 255.0).collect())
        } else {
            Numbers::Bytes { bytes, white: 255.0 }
        };
        let rows = Rows::new(Example::Image(IMAGE), numbers);
        let moments = Normalization { mean: vec![0.25, 0.5], deviation: vec![0.5, 0.125] };
        let scale = Scale::new(&rows, Some(moments));
        (rows, scale)
    }

    fn warped(warp: Warp, floats: bool) -> Vec<f32> {
        let (rows, scale) = rows(floats);
        let mut out = vec![f32::NAN; IMAGE.elements()];
        warp.write(&rows, IMAGE, &scale, 1, &mut out);
        out
    }

    /// The pixel of the second image, normalised; black outside.
    fn pixel(channel: usize, y: isize, x: isize) -> f32 {
        let inside = (0..3).contains(&y) && (0..4).contains(&x);
        let byte = if inside { 5 * (24 + channel as isize * 12 + y * 4 + x) + 1 } else { 0 };
        let (mean, deviation) = [(0.25, 0.5), (0.5, 0.125)][channel];
        ((byte as f64 / 255.0 - mean) / deviation) as f32
    }

    #[track_caller]
    fn assert_shows(found: &[f32], place: impl Fn(isize, isize) -> (isize, isize), tolerance: f32) {
        for (at, &number) in found.iter().enumerate() {
            let (channel, y, x) = (at / 12, (at / 4 % 3) as isize, (at % 4) as isize);
            let (old_y, old_x) = place(y, x);
            let expected = pixel(channel, old_y, old_x);
            assert!((number - expected).abs() <= tolerance, "{channel} {y} {x}: {number} {expected}");
        }
    }

    #[test]
    fn whole_pixels_are_moved_flipped_and_framed_in_black() {
        for floats in [false, true] {
            for (down, right) in [(0, 0), (1, -2), (-1, 3), (2, 4), (-3, 0), (0, -9)] {
                let found = warped(Warp::whole(false, [down, right]), floats);
                assert_shows(&found, |y, x| (y + down, x + right), 1e-6);
                let found = warped(Warp::whole(true, [down, right]), floats);
                assert_shows(&found, |y, x| (y + down, 3 - (x + right)), 1e-6);
            }
        }
    }

    #[test]
    fn an_affine_map_of_whole_pixels_agrees_with_moving_them() {
        for floats in [false, true] {
            for flip in [false, true] {
                let found = warped(Warp::new(1.0, [0.0, 0.0], flip, 0.0, [1, -1]), floats);
                let place = |y: isize, x: isize| (y + 1, if flip { 3 - (x - 1) } else { x - 1 });
                assert_shows(&found, place, 1e-5);
            }
        }
    }

    #[test]
    fn a_half_turn_reverses_both_axes() {
        let found = warped(Warp::new(1.0, [0.0, 0.0], false, std::f64::consts::PI, [0, 0]), false);
        assert_shows(&found, |y, x| (2 - y, 3 - x), 1e-3);
    }

    #[test]
    fn zooming_shows_places_between_pixels() {
        let image = Image { channels: 1, height: 1, width: 3 };
        let rows = Rows::new(Example::Image(image), Numbers::Floats(vec![0.0, 1.0, 3.0]));
        let mut out = [0.0; 3];
        Warp::new(2.0, [0.0, 0.0], false, 0.0, [0, 0]).write(
            &rows,
            image,
            &Scale::new(&rows, None),
            0,
            &mut out,
        );
        assert_eq!(out, [0.5, 1.0, 2.0]);
    }
}
