//! What an evaluation says.

use crate::calibration::{Bins, Row};

/// How well a network does on a data set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// The mean loss of an example, or of a token of a text; NaN where the loss of any is.
    pub loss: f64,
    /// The share of examples, or tokens, classified rightly, from 0 to 1. `None` for a network that is its own objective: it
    /// shows no predictions.
    pub accuracy: Option<f64>,
    /// The number of examples, or tokens; of a network that is its own objective, of examples or windows of a text.
    pub count: usize,
    /// Of a text whose loss is the cross-entropy: what it costs in bits for each byte of UTF-8, which is the same measure for
    /// all tokens that a text may be cut into. It is the mean loss of a token over the mean length of the text's tokens.
    pub bits_per_byte: Option<f64>,
    /// The expected calibration error ([`Calibration`](crate::Calibration)), where it was asked for
    /// ([`Evaluator::calibrating`](crate::Evaluator::calibrating)) and there are predictions.
    pub calibration_error: Option<f64>,
}

impl Score {
    /// With what the loss, in nats for each token, is in bits for each byte.
    pub(crate) fn of_tokens(self, bytes_per_token: f64) -> Self {
        Self { bits_per_byte: Some(self.loss / (std::f64::consts::LN_2 * bytes_per_token)), ..self }
    }
}

/// Sums from which a score is made.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    loss: f64,
    /// None until predictions have been seen.
    right: Option<usize>,
    count: usize,
    /// Where calibration is to be told.
    bins: Option<Bins>,
}

impl Tally {
    /// A tally that tells the calibration, or not.
    pub(crate) fn new(calibrating: bool) -> Self {
        Self { bins: calibrating.then(Bins::default), ..Self::default() }
    }

    /// Adds examples: their losses, their logits row by row, their labels.
    pub(crate) fn add(&mut self, losses: &[f32], logits: &[f32], labels: &[i32]) {
        self.loss += sum(losses);
        let rows = || logits.chunks_exact(logits.len() / labels.len()).zip(labels);
        if let Some(bins) = &mut self.bins {
            rows().for_each(|(logits, label)| bins.add(&Row { logits, label: *label as usize }, 1.0));
        }
        let right = rows().filter(|(row, label)| is_right(row, **label as usize)).count();
        self.right = Some(self.right.unwrap_or(0) + right);
        self.count += labels.len();
    }

    /// Adds so many examples by the mean of their objective.
    pub(crate) fn add_mean(&mut self, mean: f64, count: usize) {
        self.loss += mean * count as f64;
        self.count += count;
    }

    pub(crate) fn score(self) -> Score {
        let count = self.count as f64;
        let accuracy = self.right.map(|right| right as f64 / count);
        let calibration_error = self.bins.filter(|_| accuracy.is_some()).map(|bins| bins.error());
        Score { loss: self.loss / count, accuracy, count: self.count, bits_per_byte: None, calibration_error }
    }
}

/// A sum in `f64`, in order.
pub(crate) fn sum(losses: &[f32]) -> f64 {
    losses.iter().map(|&loss| f64::from(loss)).sum()
}

/// Whether the label's logit is the largest, the first of equals. A NaN anywhere makes it wrong: a comparison
/// with NaN fails, and against itself the label's own does.
fn is_right(logits: &[f32], label: usize) -> bool {
    let (before, from) = logits.split_at(label);
    before.iter().all(|&other| from[0] > other) && from.iter().all(|&other| from[0] >= other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_index_wins_ties() {
        assert!(is_right(&[1.0, 1.0, 0.0], 0));
        assert!(!is_right(&[1.0, 1.0, 0.0], 1));
        assert!(is_right(&[0.0, 1.0, 1.0], 1));
    }

    #[test]
    fn a_logit_that_is_nan_is_never_right() {
        for row in [[f32::NAN, 0.0], [1.0, f32::NAN], [f32::NAN; 2]] {
            assert!(!is_right(&row, 0) && !is_right(&row, 1), "{row:?}");
        }
        assert!(is_right(&[f32::INFINITY, 0.0], 0));
    }

    #[test]
    fn sums_are_exact_beyond_single_precision() {
        let mut tally = Tally::default();
        tally.add(&[1.0, 1e-9], &[0.0; 2], &[0, 0]);
        tally.add(&[1.0; 2], &[0.0; 2], &[0, 0]);
        let loss = (3.0 + f64::from(1e-9f32)) / 4.0;
        assert_eq!(
            tally.score(),
            Score { loss, accuracy: Some(1.0), count: 4, bits_per_byte: None, calibration_error: None }
        );
    }

    #[test]
    fn bits_per_byte_do_not_depend_on_the_length_of_tokens() {
        let score = |loss| Score {
            loss,
            accuracy: Some(0.0),
            count: 1,
            bits_per_byte: None,
            calibration_error: None,
        };
        assert_eq!(score(8.0 * std::f64::consts::LN_2).of_tokens(4.0).bits_per_byte, Some(2.0));
        assert_eq!(score(2.0 * std::f64::consts::LN_2).of_tokens(1.0).bits_per_byte, Some(2.0));
    }

    #[test]
    fn means_count_by_their_examples_and_tell_no_accuracy() {
        let mut tally = Tally::default();
        tally.add_mean(1.0, 3);
        tally.add_mean(5.0, 1);
        assert_eq!(
            tally.score(),
            Score { loss: 2.0, accuracy: None, count: 4, bits_per_byte: None, calibration_error: None }
        );
    }
}
