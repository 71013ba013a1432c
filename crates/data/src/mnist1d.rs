//! MNIST-1D: digits of one dimension (Greydanus and Kobak, *Scaling down deep learning with MNIST-1D*,
//! arXiv:2011.14439), made by its construction with random numbers of our own.

use tensor::Key;

use crate::{DataError, Dataset, Splits, line::Line, synthetic::Sizes};

/// The heights of the ten digits' strokes: the paper's templates.
const TEMPLATES: [[f64; LENGTH]; CLASSES] = [
    [5., 6., 6.5, 6.75, 7., 7., 7., 7., 6.75, 6.5, 6., 5.],
    [5., 3., 3., 3.4, 3.8, 4.2, 4.6, 5., 5.4, 5.8, 5., 5.],
    [5., 6., 6.5, 6.5, 6., 5.25, 4.75, 4., 3.5, 3.5, 4., 5.],
    [5., 6., 6.5, 6.5, 6., 5., 5., 6., 6.5, 6.5, 6., 5.],
    [5., 4.4, 3.8, 3.2, 2.6, 2.6, 5., 5., 5., 5., 5., 5.],
    [5., 3., 3., 3., 3., 5., 6., 6.5, 6.5, 6., 4.5, 5.],
    [5., 4., 3.5, 3.25, 3., 3., 3., 3., 3.25, 3.5, 4., 5.],
    [5., 7., 7., 6.6, 6.2, 5.8, 5.4, 5., 4.6, 4.2, 5., 5.],
    [5., 4., 3.5, 3.5, 4., 5., 5., 4., 3.5, 3.5, 4., 5.],
    [5., 4., 3.5, 3.5, 4., 5., 5., 5., 5., 4.7, 4.3, 5.],
];
const CLASSES: usize = 10;
const LENGTH: usize = 12;

// The paper's settings.
const PADDING: [u64; 2] = [36, 60];
const SCALE: f64 = 0.4;
const TRANSLATION: u64 = 48;
const CORRELATED_NOISE: f64 = 0.25;
/// The width of the kernel that correlates the noise, in points.
const CORRELATION: f64 = 2.0;
const NOISE: f64 = 0.02;
const SHEAR: f64 = 0.75;
const POINTS: usize = 40;
/// The length of a padded digit.
const PADDED: usize = LENGTH + PADDING[1] as usize;

/// 4,000 examples to train on and 1,000 held out, 40 points each; together they have mean 0 and deviation 1.
pub(crate) fn load(line: &Line<'_>) -> Result<Splits, DataError> {
    let sizes = Sizes::read(line, 4000, 1000)?;
    let templates = TEMPLATES.map(|template| whitened(&template));
    let splits = sizes.draw(line, POINTS, CLASSES, |key, index, x| {
        let class = index % CLASSES;
        for (x, point) in x.iter_mut().zip(example(&templates[class], key)) {
            *x = point as f32;
        }
        class as i32
    })?;
    Ok(standardized(splits))
}

/// With mean 0 and deviation 1, begun at 0, a sixth as high.
fn whitened(template: &[f64; LENGTH]) -> [f64; LENGTH] {
    let mean = template.iter().sum::<f64>() / LENGTH as f64;
    let variance = template.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / LENGTH as f64;
    template.map(|x| (x - template[0]) / variance.sqrt() / 6.0)
}

/// One digit: padded, stretched, scaled, moved around, with noise, sheared, and sampled at [`POINTS`] points.
fn example(template: &[f64; LENGTH], key: Key) -> Vec<f64> {
    let padding = PADDING[0] + key.below(0, PADDING[1] - PADDING[0] + 1);
    let mut padded = vec![0.0; LENGTH + padding as usize];
    // A stroke of height 0 is not yet the silence around it.
    padded.iter_mut().zip(template).for_each(|(padded, x)| *padded = x + f64::EPSILON);
    let mut x = resampled(&padded, PADDED);
    let factor = 1.0 + SCALE * (key.uniform(1) - 0.5);
    x.iter_mut().for_each(|x| *x *= factor);
    x.rotate_right(key.below(2, TRANSLATION) as usize);
    let silence = correlated_noise(key.child("correlated"), x.len());
    for (at, (x, silence)) in x.iter_mut().zip(silence).enumerate() {
        let noise = NOISE * key.child("noise").normal(at as u64);
        *x = if *x == 0.0 { silence } else { *x } + noise;
    }
    let shear = SHEAR * (key.uniform(3) - 0.5);
    let last = (x.len() - 1) as f64;
    x.iter_mut().enumerate().for_each(|(at, x)| *x -= shear * (at as f64 / last - 0.5));
    resampled(&x, POINTS)
}

/// Values at `points` equally spaced places from the first to the last, between two in proportion.
fn resampled(x: &[f64], points: usize) -> Vec<f64> {
    let step = (x.len() - 1) as f64 / (points - 1) as f64;
    let value = |point: usize| {
        let place = (point as f64 * step).min((x.len() - 1) as f64);
        let left = (place.floor() as usize).min(x.len() - 2);
        let share = place - left as f64;
        x[left] * (1.0 - share) + x[left + 1] * share
    };
    (0..points).map(value).collect()
}

/// Normal noise, smoothed by a Gaussian kernel up to four widths; beyond its ends it is mirrored.
fn correlated_noise(key: Key, length: usize) -> Vec<f64> {
    let noise: Vec<f64> = (0..length).map(|at| CORRELATED_NOISE * key.normal(at as u64)).collect();
    let reach = (4.0 * CORRELATION) as isize;
    let kernel = |distance: isize| (-0.5 * (distance as f64 / CORRELATION).powi(2)).exp();
    let total: f64 = (-reach..=reach).map(kernel).sum();
    let mirrored = |place: isize| {
        let place = if place < 0 { -place - 1 } else { place };
        noise[if place >= length as isize { 2 * length as isize - 1 - place } else { place } as usize]
    };
    let smooth = |at: isize| (-reach..=reach).map(|d| kernel(d) * mirrored(at + d)).sum::<f64>() / total;
    (0..length as isize).map(smooth).collect()
}

/// Both parts with the mean and the deviation of all their numbers taken out.
fn standardized(splits: Splits) -> Splits {
    let all = [splits.train.x().to_f64_vec(), splits.test.x().to_f64_vec()].concat();
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    let deviation = (all.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / all.len() as f64).sqrt();
    let part = |data: &Dataset| data.map_floats(|x| ((f64::from(x) - mean) / deviation) as f32);
    Splits::new(splits.spec, part(&splits.train), part(&splits.test))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_numbers_together_are_standardized() {
        let splits = crate::load("mnist1d:train=300,test=100").unwrap();
        assert_eq!((splits.train.len(), splits.test.len(), splits.train.features()), (300, 100, 40));
        let all = [splits.train.x().to_f64_vec(), splits.test.x().to_f64_vec()].concat();
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        let variance = all.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / all.len() as f64;
        assert!(mean.abs() < 1e-6 && (variance - 1.0).abs() < 1e-6, "{mean} {variance}");
        assert_eq!(splits.train.counts(), [30; 10]);
    }

    #[test]
    fn resampling_keeps_ends_and_straight_lines() {
        let line: Vec<f64> = (0..7).map(|i| 2.0 * f64::from(i) + 1.0).collect();
        let found = resampled(&line, 13);
        assert!(found.iter().enumerate().all(|(i, x)| (x - (i as f64 + 1.0)).abs() < 1e-12), "{found:?}");
    }

    #[test]
    fn templates_begin_at_zero_with_a_deviation_of_a_sixth() {
        for template in TEMPLATES {
            let found = whitened(&template);
            let mean = found.iter().sum::<f64>() / 12.0;
            let variance = found.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 12.0;
            assert!(found[0] == 0.0 && (variance.sqrt() - 1.0 / 6.0).abs() < 1e-12);
        }
    }

    /// A digit keeps its shape: without noise the nearest template would be a perfect classifier, with it a nearest
    /// neighbour is far above chance.
    #[test]
    fn digits_can_be_told_apart() {
        let splits = crate::load("mnist1d:train=2000,test=100").unwrap();
        let (train, test) = (splits.train.x().to_f64_vec(), splits.test.x().to_f64_vec());
        let distance = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
        let nearest = |x: &[f64]| {
            let all = train.chunks(40).map(|other| distance(x, other)).enumerate();
            all.min_by(|a, b| a.1.total_cmp(&b.1)).unwrap().0 % 10
        };
        let right = test.chunks(40).enumerate().filter(|(i, x)| nearest(x) == i % 10).count();
        assert!((30..=90).contains(&right), "{right} of 100");
    }
}
