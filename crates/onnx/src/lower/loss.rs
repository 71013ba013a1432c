//! Losses of class scores.

use graph::{
    Val,
    ops::{self, Direction},
};
use tensor::DType;

use super::node::{Node, Outputs, Value};
use crate::error::{Fault, invalid};

/// What is made of the losses of all places.
#[derive(Clone, Copy)]
enum Reduction {
    None,
    Sum,
    Mean,
}

const REDUCTIONS: &[(&str, Reduction)] =
    &[("none", Reduction::None), ("sum", Reduction::Sum), ("mean", Reduction::Mean)];

impl Node<'_> {
    /// The labels, input 1, as whole numbers: of the shape of the scores without the classes, their last axis.
    fn labels(&mut self, scores: Val) -> Result<Val, Fault> {
        let labels = self.x(1)?;
        let shape = self.b.shape(scores);
        let expected = &shape[..shape.rank() - 1];
        if self.b.ty(labels).dtype != DType::I32 || self.b.shape(labels)[..] != *expected {
            return invalid(
                format!("labels, integers of shape {}", tensor::Shape::from(expected)),
                self.b.ty(labels),
            );
        }
        Ok(labels)
    }

    /// Whether a place in `like` is the label's, the classes being the last axis.
    fn is_label(&mut self, labels: Val, like: Val) -> Result<Val, Fault> {
        let shape = self.b.shape(like).clone();
        let last = shape.rank() - 1;
        let class = self.apply(ops::Iota { dtype: DType::I32, shape: shape.clone(), axis: last }, &[])?;
        let label = self.stretch_back(labels, &shape, &[last])?;
        self.apply(ops::Compare { direction: Direction::Eq }, &[class, label])
    }

    /// What `values[.., c]` is at the label; 0 where the label is no class.
    fn at_label(&mut self, is_label: Val, values: Val) -> Result<Val, Fault> {
        let zero = self.b.splat_like(values, 0.0);
        let chosen = self.apply(ops::Select, &[is_label, values, zero])?;
        let last = self.b.shape(chosen).rank() - 1;
        self.apply(ops::ReduceSum { axes: vec![last] }, &[chosen])
    }

    /// The weight of each place, which is that of its label's class, and its loss; `log` is `[N, .., C]`. A label that is no
    /// class makes its loss NaN, one that is to be ignored has loss and weight 0.
    fn weighted_losses(&mut self, log: Val) -> Result<(Val, Val), Fault> {
        let labels = self.labels(log)?;
        let is_label = self.is_label(labels, log)?;
        let score = self.at_label(is_label, log)?;
        let all_one = self.b.splat_like(log, 1.0);
        let known = self.at_label(is_label, all_one)?;
        let one = self.b.splat_like(known, 1.0);
        let weight = match self.optional(2)? {
            None => one,
            Some(weights) => {
                let shape = self.b.shape(log).clone();
                let weights = self.stretch(weights, &shape)?;
                self.at_label(is_label, weights)?
            }
        };
        let loss = self.apply(ops::Multiply, &[weight, score])?;
        let loss = self.apply(ops::Negate, &[loss])?;
        let nan = self.b.splat_like(loss, f64::NAN);
        let is_class = self.apply(ops::Compare { direction: Direction::Eq }, &[known, one])?;
        let loss = self.apply(ops::Select, &[is_class, loss, nan])?;
        if !self.has("ignore_index") {
            return Ok((weight, loss));
        }
        let ignored = self.int("ignore_index", 0)? as f64;
        let ignored = self.b.splat_like(labels, ignored);
        let counts = self.apply(ops::Compare { direction: Direction::Ne }, &[labels, ignored])?;
        let zero = self.b.splat_like(loss, 0.0);
        let [weight, loss] = [weight, loss].map(|val| self.apply(ops::Select, &[counts, val, zero]));
        Ok((weight?, loss?))
    }

    /// Minus the logarithm of each label's probability, reduced as the node says; `log` is `[N, C, ..]`.
    fn likelihood_loss(&mut self, log: &Value) -> Result<Val, Fault> {
        let log = self.channels_last(log)?;
        let (weight, loss) = self.weighted_losses(log)?;
        let axes: Vec<usize> = (0..self.b.shape(loss).rank()).collect();
        let sum = |node: &mut Self, val: Val| node.apply(ops::ReduceSum { axes: axes.clone() }, &[val]);
        match self.word("reduction", "mean", REDUCTIONS)? {
            Reduction::None => Ok(loss),
            Reduction::Sum => sum(self, loss),
            Reduction::Mean => {
                let (loss, weight) = (sum(self, loss)?, sum(self, weight)?);
                self.apply(ops::Divide, &[loss, weight])
            }
        }
    }

    /// Scores of classes, which are the second axis.
    fn scores(&mut self) -> Result<Val, Fault> {
        let scores = self.float_x(0)?;
        match self.b.shape(scores)[..] {
            [_, classes, ..] if classes > 0 => Ok(scores),
            _ => invalid("scores [batch, classes, ..]", self.b.ty(scores)),
        }
    }
}

pub(super) fn softmax_cross_entropy(node: &mut Node<'_>) -> Outputs {
    let scores = node.scores()?;
    let log = node.log_softmax(scores, 1)?;
    let loss = node.likelihood_loss(&Value::Plain(log))?;
    Ok(vec![Value::Plain(loss), Value::Plain(log)])
}

pub(super) fn negative_log_likelihood(node: &mut Node<'_>) -> Outputs {
    let log = node.scores()?;
    Ok(vec![Value::Plain(node.likelihood_loss(&Value::Plain(log))?)])
}
