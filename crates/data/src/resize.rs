//! Images of another size.

/// Resizes the planes of an image of bytes. Every new pixel is a mean of the old ones under a triangle whose half width is
/// one pixel of the coarser of the two grids: bilinear interpolation where the image grows, and no aliasing where it
/// shrinks. Sizes are rows and columns; sums are rounded to the nearest.
pub(crate) fn resize(planes: &[u8], [height, width]: [usize; 2], [rows, columns]: [usize; 2]) -> Vec<u8> {
    if [height, width] == [rows, columns] {
        return planes.to_vec();
    }
    let (down, across) = (weights(height, rows), weights(width, columns));
    let mut resized = Vec::with_capacity(planes.len() / (height * width) * rows * columns);
    for plane in planes.chunks_exact(height * width) {
        let narrow: Vec<f32> = plane
            .chunks_exact(width)
            .flat_map(|row| across.iter().map(|taps| taps.of(|at| f32::from(row[at]))))
            .collect();
        for taps in &down {
            let pixel = |column: usize| taps.of(|at| narrow[at * columns + column]);
            resized.extend((0..columns).map(|column| pixel(column).round().clamp(0.0, 255.0) as u8));
        }
    }
    resized
}

/// Consecutive old pixels and their shares in a new one.
struct Taps {
    first: usize,
    shares: Vec<f32>,
}

impl Taps {
    fn of(&self, value: impl Fn(usize) -> f32) -> f32 {
        self.shares.iter().enumerate().map(|(offset, share)| share * value(self.first + offset)).sum()
    }
}

/// For each of `new` pixels the old ones of `old`.
fn weights(old: usize, new: usize) -> Vec<Taps> {
    let ratio = old as f64 / new as f64;
    let reach = ratio.max(1.0);
    let taps = |pixel: usize| {
        let centre = (pixel as f64 + 0.5) * ratio;
        let first = (centre - reach).floor().max(0.0) as usize;
        let last = ((centre + reach).ceil() as usize).min(old);
        let weight = |at: usize| (1.0 - ((at as f64 + 0.5 - centre) / reach).abs()).max(0.0);
        let total: f64 = (first..last).map(weight).sum();
        Taps { first, shares: (first..last).map(|at| (weight(at) / total) as f32).collect() }
    };
    (0..new).map(taps).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_stays_constant_at_every_size() {
        for size in [[1, 1], [2, 7], [9, 3], [5, 4]] {
            assert!(resize(&[77; 40], [5, 4], size).iter().all(|&byte| byte == 77));
            assert_eq!(resize(&[77; 40], [5, 4], size).len(), 2 * size[0] * size[1]);
        }
    }

    #[test]
    fn growing_interpolates_and_shrinking_averages() {
        assert_eq!(resize(&[0, 100], [1, 2], [1, 4]), [0, 25, 75, 100]);
        // The triangle of half width 2 around the border of the second and third pixel.
        assert_eq!(resize(&[0, 0, 80, 80], [1, 4], [1, 2]), [11, 69]);
    }

    #[test]
    fn the_same_size_is_the_same_image() {
        let image: Vec<u8> = (0..24).collect();
        assert_eq!(resize(&image, [4, 3], [4, 3]), image);
    }
}
