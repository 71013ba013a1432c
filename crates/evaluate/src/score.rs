//! What an evaluation says.

/// How well a network does on a data set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// The mean loss of an example, or of a token of a text; NaN where the loss of any is.
    pub loss: f64,
    /// The share of examples, or tokens, classified rightly, from 0 to 1.
    pub accuracy: f64,
    /// The number of examples, or tokens.
    pub count: usize,
}

/// Sums from which a score is made.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    loss: f64,
    right: usize,
    count: usize,
}

impl Tally {
    /// Adds examples: their losses, their logits row by row, their labels.
    pub(crate) fn add(&mut self, losses: &[f32], logits: &[f32], labels: &[i32]) {
        self.loss += losses.iter().map(|&loss| f64::from(loss)).sum::<f64>();
        let rows = logits.chunks_exact(logits.len() / labels.len());
        self.right += rows.zip(labels).filter(|(row, label)| is_right(row, **label as usize)).count();
        self.count += labels.len();
    }

    pub(crate) fn score(self) -> Score {
        let count = self.count as f64;
        Score { loss: self.loss / count, accuracy: self.right as f64 / count, count: self.count }
    }
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
        assert_eq!(tally.score(), Score { loss: (3.0 + f64::from(1e-9f32)) / 4.0, accuracy: 1.0, count: 4 });
    }
}
