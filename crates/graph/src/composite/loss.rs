//! Losses of classifiers, one for each example.

use tensor::DType;

use crate::{Builder, Val, ops::Direction};

impl Builder {
    /// `-log_softmax(logits)[n, labels[n]]` for each example `n`. `logits: F[N, C]`, `labels: i32[N]`; result `F[N]`.
    /// A label outside `0..C` makes the loss of its example NaN, with gradient zero.
    ///
    /// # Panics
    /// Where the operands do not fit or there are no classes.
    #[track_caller]
    pub fn cross_entropy(&mut self, logits: Val, labels: Val) -> Val {
        let log_probabilities = self.log_softmax(logits);
        let is_label = self.is_label(labels, logits);
        let zero = self.splat_like(logits, 0.0);
        let chosen = self.select(is_label, log_probabilities, zero);
        let sum = self.reduce_sum(chosen, &[1]);
        let loss = self.negate(sum);
        self.nan_outside_classes(loss, labels, logits)
    }

    /// `Σ_c (prediction[n, c] - onehot[n, c])²` for each example `n`, where `onehot[n, c]` is 1 for `c = labels[n]`
    /// and 0 elsewhere; a sum over classes, not a mean. `prediction: F[N, C]`, `labels: i32[N]`; result `F[N]`.
    /// A label outside `0..C` makes the loss of its example NaN, with gradient zero.
    ///
    /// # Panics
    /// Where the operands do not fit.
    #[track_caller]
    pub fn squared_error(&mut self, prediction: Val, labels: Val) -> Val {
        let is_label = self.is_label(labels, prediction);
        let target = self.convert(is_label, self.ty(prediction).dtype);
        let difference = self.subtract(prediction, target);
        let square = self.multiply(difference, difference);
        let loss = self.reduce_sum(square, &[1]);
        self.nan_outside_classes(loss, labels, prediction)
    }

    /// Whether `c = labels[n]`, for each element `[n, c]` of `scores`.
    fn is_label(&mut self, labels: Val, scores: Val) -> Val {
        let shape = self.shape(scores).clone();
        let class = self.iota(DType::I32, &shape, 1);
        let label = self.broadcast(labels, &shape, &[0]);
        self.compare(Direction::Eq, class, label)
    }

    /// `loss[n]` where `labels[n]` is a class of `scores`, and NaN elsewhere: a wrong label must not pass for a
    /// small loss.
    fn nan_outside_classes(&mut self, loss: Val, labels: Val, scores: Val) -> Val {
        let classes = self.shape(scores)[1];
        let zero = self.splat_like(labels, 0.0);
        let bound = self.splat_like(labels, classes as f64);
        let nan = self.splat_like(loss, f64::NAN);
        let not_negative = self.compare(Direction::Ge, labels, zero);
        let below_bound = self.compare(Direction::Lt, labels, bound);
        let loss = self.select(below_bound, loss, nan);
        self.select(not_negative, loss, nan)
    }
}
