//! Cross-entropy of class scores.

use crate::{Builder, Val, ops::Direction};

/// What cross-entropy is given besides scores and labels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CrossEntropy {
    /// The share of the target that is spread evenly over all classes (Szegedy and others 2015, arXiv:1512.00567,
    /// section 7), as PyTorch's `label_smoothing`; 0 by default.
    pub smoothing: f64,
    /// A label whose positions cost nothing and do not count in means, as PyTorch's `ignore_index`; none by default,
    /// where PyTorch has -100.
    pub ignored: Option<i32>,
}

impl Builder {
    /// `-log_softmax(logits)[n, labels[n]]` for each `n`. `logits: F[N.., C]`, `labels: i32[N..]`; result `F[N..]`.
    /// A label outside `0..C` makes its loss NaN, with gradient zero.
    ///
    /// # Panics
    /// Where the operands do not fit or there are no classes.
    #[track_caller]
    pub fn cross_entropy(&mut self, logits: Val, labels: Val) -> Val {
        self.cross_entropy_with(logits, labels, CrossEntropy::default())
    }

    /// As [`Builder::cross_entropy`], with a smoothed target and ignored labels: the loss at an ignored label is 0.
    ///
    /// # Panics
    /// Where the operands do not fit or there are no classes.
    #[track_caller]
    pub fn cross_entropy_with(&mut self, logits: Val, labels: Val, options: CrossEntropy) -> Val {
        let last = self.last_axis(logits);
        let largest = self.constant_max(logits, last);
        let (_, log) = self.shifted_log_sum_exp(logits, largest, last);
        let score = self.target_score(logits, labels, options.smoothing);
        // The shift goes before the logarithm is added: beside large logits a small loss would be rounded away.
        let score = self.subtract(score, largest);
        let loss = self.subtract(log, score);
        let loss = self.nan_outside_classes(loss, labels, logits);
        self.zero_where_ignored(loss, labels, options.ignored)
    }

    /// The mean of [`Builder::cross_entropy_with`] over the labels that are not ignored; NaN where there are none.
    /// The result is a scalar.
    ///
    /// # Panics
    /// Where the operands do not fit or there are no classes.
    #[track_caller]
    pub fn mean_cross_entropy(&mut self, logits: Val, labels: Val, options: CrossEntropy) -> Val {
        let losses = self.cross_entropy_with(logits, labels, options);
        let axes: Vec<usize> = (0..self.shape(losses).rank()).collect();
        let Some(ignored) = options.ignored else { return self.mean(losses, &axes) };
        let sum = self.reduce_sum(losses, &axes);
        let ignored = self.splat_like(labels, ignored.into());
        let counted = self.compare(Direction::Ne, labels, ignored);
        let counted = self.convert(counted, self.ty(losses).dtype);
        let count = self.reduce_sum(counted, &axes);
        self.divide(sum, count)
    }

    /// The mean of the logits under the smoothed target.
    fn target_score(&mut self, logits: Val, labels: Val, smoothing: f64) -> Val {
        let last = self.last_axis(logits);
        let is_label = self.is_label(labels, logits);
        let zero = self.splat_like(logits, 0.0);
        let chosen = self.select(is_label, logits, zero);
        let score = self.reduce_sum(chosen, &[last]);
        if smoothing == 0.0 {
            return score;
        }
        let score = self.scale(score, 1.0 - smoothing);
        let mean = self.mean(logits, &[last]);
        let mean = self.scale(mean, smoothing);
        self.add(score, mean)
    }

    fn zero_where_ignored(&mut self, loss: Val, labels: Val, ignored: Option<i32>) -> Val {
        let Some(ignored) = ignored else { return loss };
        let ignored = self.splat_like(labels, ignored.into());
        let is_ignored = self.compare(Direction::Eq, labels, ignored);
        let zero = self.splat_like(loss, 0.0);
        self.select(is_ignored, zero, loss)
    }
}
