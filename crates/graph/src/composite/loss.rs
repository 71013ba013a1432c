//! Squared error of class scores, and what losses of classifiers share.

use tensor::DType;

use crate::{Builder, Val, ops::Direction};

impl Builder {
    /// `Σ_c (prediction[n, c] - onehot[n, c])²` for each example `n`, where `onehot[n, c]` is 1 for `c = labels[n]`
    /// and 0 elsewhere; a sum over classes, not a mean. `prediction: F[N.., C]`, `labels: i32[N..]`; result `F[N..]`.
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
        let loss = self.reduce_sum(square, &[self.last_axis(prediction)]);
        self.nan_outside_classes(loss, labels, prediction)
    }

    /// Whether `c = labels[n]`, for each element `[n.., c]` of `scores`.
    pub(super) fn is_label(&mut self, labels: Val, scores: Val) -> Val {
        let shape = self.shape(scores).clone();
        let last = self.last_axis(scores);
        let class = self.iota(DType::I32, &shape, last);
        let label = self.broadcast_back(labels, &shape, &[last]);
        self.compare(Direction::Eq, class, label)
    }

    /// `loss[n]` where `labels[n]` is a class of `scores`, and NaN elsewhere: a wrong label must not pass for a
    /// small loss.
    pub(super) fn nan_outside_classes(&mut self, loss: Val, labels: Val, scores: Val) -> Val {
        let classes = self.shape(scores)[self.last_axis(scores)];
        let zero = self.splat_like(labels, 0.0);
        let bound = self.splat_like(labels, classes as f64);
        let nan = self.splat_like(loss, f64::NAN);
        let not_negative = self.compare(Direction::Ge, labels, zero);
        let below_bound = self.compare(Direction::Lt, labels, bound);
        let loss = self.select(below_bound, loss, nan);
        self.select(not_negative, loss, nan)
    }
}
