//! Means and deviations of channels, and the map from stored to normalised numbers.

use serde::{Deserialize, Serialize};
use tensor::parallel;

use crate::rows::Rows;

/// For each channel of an example the mean and the standard deviation of its numbers (of pixels: in `[0, 1]`) over the
/// training part. A network reads `(x − mean) / deviation`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normalization {
    /// The mean of each channel.
    pub mean: Vec<f64>,
    /// The standard deviation of each channel, over all its numbers; 1 for a channel that is constant.
    pub deviation: Vec<f64>,
}

/// Examples summed by one piece of parallel work: fixed, so that borders depend on the problem alone.
const EXAMPLES_PER_CHUNK: usize = 256;

impl Normalization {
    /// The moments of the channels of these rows, summed in `f64` in an order that depends on the rows alone.
    pub(crate) fn of(rows: &Rows) -> Self {
        let channels = rows.example().channels();
        let per_channel = (rows.len() * rows.example().elements() / channels) as f64;
        let mean: Vec<f64> = sums(rows, |_, x| x).into_iter().map(|sum| sum / per_channel).collect();
        let squares = sums(rows, |channel, x| (x - mean[channel]).powi(2));
        let deviation = squares.into_iter().map(|sum| (sum / per_channel).sqrt());
        let deviation = deviation.map(|deviation| if deviation > 0.0 { deviation } else { 1.0 }).collect();
        Self { mean, deviation }
    }

    /// Whether it has a finite mean and a finite positive deviation for each of `channels` channels.
    pub(crate) fn fits(&self, channels: usize) -> bool {
        let lengths = [self.mean.len(), self.deviation.len()];
        let deviations = self.deviation.iter().all(|deviation| deviation.is_finite() && *deviation > 0.0);
        lengths == [channels; 2] && deviations && self.mean.iter().all(|mean| mean.is_finite())
    }
}

/// The sum over all numbers of each channel of `term(channel, number)`.
fn sums(rows: &Rows, term: impl Fn(usize, f64) -> f64 + Sync) -> Vec<f64> {
    let (channels, elements) = (rows.example().channels(), rows.example().elements());
    let plane = elements / channels;
    let partial = parallel::map(rows.len().div_ceil(EXAMPLES_PER_CHUNK), |chunk| {
        let mut sums = vec![0.0; channels];
        for index in chunk * EXAMPLES_PER_CHUNK..rows.len().min((chunk + 1) * EXAMPLES_PER_CHUNK) {
            for (channel, sum) in sums.iter_mut().enumerate() {
                let numbers = channel * plane..(channel + 1) * plane;
                *sum += numbers.map(|at| term(channel, rows.number(index, at))).sum::<f64>();
            }
        }
        sums
    });
    let of = |channel: usize| partial.iter().map(|sums| sums[channel]).collect::<Vec<f64>>();
    (0..channels).map(|channel| parallel::tree_sum(&of(channel))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Example, Image, rows::Numbers};

    #[test]
    fn moments_are_those_of_each_channel() {
        let image = Image { channels: 2, height: 1, width: 2 };
        let bytes = vec![0, 255, 51, 51, 255, 0, 51, 51];
        let rows = Rows::new(Example::Image(image), Numbers::Bytes { bytes, white: 255.0 });
        let found = Normalization::of(&rows);
        assert_eq!(found.mean, [0.5, 0.2]);
        assert_eq!(found.deviation, [0.5, 1.0]);
        assert!(found.fits(2) && !found.fits(3));
    }

    #[test]
    fn moments_have_the_same_bits_for_any_number_of_threads() {
        let numbers = (0..3000).map(|i| (i as f32 * 0.37).sin()).collect();
        let rows = Rows::new(Example::Features(3), Numbers::Floats(numbers));
        let found = |threads| parallel::with_threads(threads, || Normalization::of(&rows)).unwrap();
        assert_eq!(found(1), found(3));
    }
}
