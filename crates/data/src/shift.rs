//! Shifted test sets: images changed in one way, at five strengths.

use tensor::{Key, parallel};

use crate::{
    Dataset, Example, Image,
    rows::{Numbers, Rows},
    scale::Scale,
    warp::Warp,
};

/// How test images are changed. Strengths count from 1 to 5; pixels are those in `[0, 1]`, before normalisation.
///
/// | kind | change | strengths |
/// |---|---|---|
/// | `noise` | normal noise of this deviation is added to every number, and the sum clipped to `[0, 1]` | 0.04, 0.06, 0.08, 0.09, 0.10 |
/// | `blur` | a Gaussian of this deviation in pixels, cut off beyond four of them; at the borders the image is mirrored | 0.4, 0.6, 0.7, 0.8, 1.0 |
/// | `contrast` | differences from the mean of an image's channel are multiplied by this | 0.75, 0.5, 0.4, 0.3, 0.15 |
/// | `rotation` | a rotation by this many degrees, to the left or to the right at random | 10, 20, 30, 40, 50 |
/// | `translation` | a translation by this share of the width, in a random direction | 1/32, 2/32, 3/32, 4/32, 5/32 |
///
/// Strengths of the first three are those of CIFAR-10-C (Hendrycks and Dietterich 2019, arXiv:1903.12261), the others are
/// ours. Rotated and translated images are sampled bilinearly, and black where the old one ends. What is random depends on
/// the image's position in the test set, so that every network sees the same images.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shift {
    kind: Kind,
    strength: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Noise,
    Blur,
    Contrast,
    Rotation,
    Translation,
}

/// The kinds with their names and strengths.
const KINDS: [(&str, Kind, [f64; 5]); 5] = [
    ("noise", Kind::Noise, [0.04, 0.06, 0.08, 0.09, 0.10]),
    ("blur", Kind::Blur, [0.4, 0.6, 0.7, 0.8, 1.0]),
    ("contrast", Kind::Contrast, [0.75, 0.5, 0.4, 0.3, 0.15]),
    ("rotation", Kind::Rotation, [10.0, 20.0, 30.0, 40.0, 50.0]),
    ("translation", Kind::Translation, [1.0 / 32.0, 2.0 / 32.0, 3.0 / 32.0, 4.0 / 32.0, 5.0 / 32.0]),
];

impl Shift {
    /// Reads a kind and a strength, as `noise:3`; `None` for anything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (name, strength) = text.split_once(':')?;
        let (_, kind, strengths) = KINDS.iter().find(|(known, ..)| *known == name)?;
        let strength = strength.parse().ok().filter(|strength| (1..=strengths.len()).contains(strength))?;
        Some(Self { kind: *kind, strength })
    }

    /// The names of the kinds.
    pub(crate) fn names() -> Vec<&'static str> {
        KINDS.iter().map(|(name, ..)| *name).collect()
    }

    fn amount(self) -> f64 {
        let of_kind = KINDS.iter().find(|(_, kind, _)| *kind == self.kind);
        of_kind.map_or(0.0, |(.., strengths)| strengths[self.strength - 1])
    }

    /// The changed images; other data as they are.
    pub(crate) fn of(self, data: &Dataset) -> Dataset {
        let (Some((rows, _)), Example::Image(image)) = (data.rows(), data.example()) else {
            return data.clone();
        };
        let plain = Scale::new(rows, None);
        let mut numbers = vec![0f32; rows.len() * image.elements()];
        parallel::for_each_chunk(&mut numbers, image.elements(), |start, out: &mut [f32]| {
            let index = start / image.elements();
            self.write(rows, image, &plain, index, out);
        });
        data.with_rows(Rows::new(data.example(), Numbers::Floats(numbers)))
    }

    fn write(self, rows: &Rows, image: Image, plain: &Scale, index: usize, out: &mut [f32]) {
        let (amount, key) = (self.amount(), KEY.child("shift").fold(index as u64));
        let warp = match self.kind {
            Kind::Rotation => {
                let sign = if key.bits(0) & 1 == 1 { 1.0 } else { -1.0 };
                Warp::new(1.0, [0.0; 2], false, sign * amount.to_radians(), [0; 2])
            }
            Kind::Translation => {
                let angle = std::f64::consts::TAU * key.uniform(0);
                let distance = amount * image.width as f64;
                Warp::new(1.0, [distance * angle.sin(), distance * angle.cos()], false, 0.0, [0; 2])
            }
            Kind::Noise | Kind::Blur | Kind::Contrast => Warp::whole(false, [0; 2]),
        };
        warp.write(rows, image, plain, index, out);
        match self.kind {
            Kind::Noise => noise(out, amount, key),
            Kind::Blur => out.chunks_exact_mut(image.plane()).for_each(|plane| blur(plane, image, amount)),
            Kind::Contrast => out.chunks_exact_mut(image.plane()).for_each(|plane| contrast(plane, amount)),
            Kind::Rotation | Kind::Translation => {}
        }
    }
}

/// Shifted sets are the same for everyone.
const KEY: Key = Key::new(0);

fn noise(out: &mut [f32], deviation: f64, key: Key) {
    for (at, number) in out.iter_mut().enumerate() {
        let sum = f64::from(*number) + deviation * key.normal(at as u64);
        *number = sum.clamp(0.0, 1.0) as f32;
    }
}

fn contrast(plane: &mut [f32], factor: f64) {
    let mean = plane.iter().map(|&number| f64::from(number)).sum::<f64>() / plane.len() as f64;
    plane.iter_mut().for_each(|number| *number = (mean + factor * (f64::from(*number) - mean)) as f32);
}

fn blur(plane: &mut [f32], image: Image, deviation: f64) {
    let reach = (4.0 * deviation).ceil() as isize;
    let weight = |distance: isize| (-0.5 * (distance as f64 / deviation).powi(2)).exp();
    let total: f64 = (-reach..=reach).map(weight).sum();
    let along = |from: &[f32], position: usize, size: usize, stride: usize| {
        let (place, start) = (position / stride % size, position - position / stride % size * stride);
        let term = |distance: isize| {
            let place = mirrored(place as isize + distance, size as isize);
            weight(distance) * f64::from(from[start + place * stride])
        };
        ((-reach..=reach).map(term).sum::<f64>() / total) as f32
    };
    for (size, stride) in [(image.width, 1), (image.height, image.width)] {
        let old = plane.to_vec();
        plane.iter_mut().enumerate().for_each(|(at, number)| *number = along(&old, at, size, stride));
    }
}

/// A place in `0..size`, reached by reflection at the outer edges of the first and the last pixel.
fn mirrored(place: isize, size: isize) -> usize {
    let place = place.rem_euclid(2 * size);
    (if place < size { place } else { 2 * size - 1 - place }) as usize
}

/// The kinds of shifts for messages.
pub(crate) fn expected() -> String {
    format!("shift as one of {} with a strength from 1 to 5, as noise:3", Shift::names().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shifted(shift: &str) -> (Vec<f64>, Vec<f64>) {
        let of = |data: Dataset| data.x();
        let plain = of(crate::load("digits").unwrap().test);
        let shifted = of(crate::load(&format!("digits:shift={shift}")).unwrap().test);
        assert_eq!(plain.shape(), shifted.shape());
        (plain.to_f64_vec(), shifted.to_f64_vec())
    }

    fn distance(shift: &str) -> f64 {
        let (plain, shifted) = shifted(shift);
        plain.iter().zip(shifted).map(|(a, b)| (a - b).powi(2)).sum()
    }

    #[test]
    fn every_kind_grows_with_its_strength_and_leaves_training_alone() {
        for kind in Shift::names() {
            let distances: Vec<f64> =
                (1..=5).map(|strength| distance(&format!("{kind}:{strength}"))).collect();
            assert!(distances[0] > 0.0 && distances.is_sorted(), "{kind}: {distances:?}");
            let train = crate::load(&format!("digits:shift={kind}:5")).unwrap().train;
            assert_eq!(train, crate::load("digits").unwrap().train);
        }
    }

    #[test]
    fn contrast_keeps_the_mean_of_an_image() {
        let (plain, shifted) = shifted("contrast:5");
        for (a, b) in plain.chunks(64).zip(shifted.chunks(64)) {
            let mean = |x: &[f64]| x.iter().sum::<f64>() / 64.0;
            assert!((mean(a) - mean(b)).abs() < 1e-6);
            assert!((b[0] - (mean(a) + 0.15 * (a[0] - mean(a)))).abs() < 1e-6);
        }
    }

    #[test]
    fn a_blurred_constant_stays_and_a_point_spreads_evenly() {
        let image = Image { channels: 1, height: 5, width: 7 };
        let mut constant = vec![0.5f32; 35];
        blur(&mut constant, image, 1.0);
        assert!(constant.iter().all(|x| (x - 0.5).abs() < 1e-6));
        let mut point = vec![0f32; 35];
        point[2 * 7 + 3] = 1.0;
        blur(&mut point, image, 0.6);
        assert!((point.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        for (left, right) in [(2 * 7 + 2, 2 * 7 + 4), (7 + 3, 3 * 7 + 3), (2 * 7 + 2, 7 + 3)] {
            assert!((point[left] - point[right]).abs() < 1e-7);
        }
    }

    #[test]
    fn noise_stays_within_the_range_of_pixels() {
        let (_, shifted) = shifted("noise:5");
        assert!(shifted.iter().all(|x| (0.0..=1.0).contains(x)));
    }

    #[test]
    fn what_is_no_shift_is_refused() {
        for text in ["noise", "noise:0", "noise:6", "fog:1", "noise:x", ""] {
            let error = crate::load(&format!("digits:shift={text}")).unwrap_err().to_string();
            assert!(
                error.contains("shift as one of noise, blur, contrast, rotation, translation"),
                "{error}"
            );
        }
    }

    #[test]
    fn reflection_repeats_the_outer_pixels() {
        let places: Vec<usize> = (-4..8).map(|place| mirrored(place, 3)).collect();
        assert_eq!(places, [2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1]);
    }
}
