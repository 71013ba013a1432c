//! RMSProp.

use graph::{Builder, Val};

use crate::{
    Moment, OptimError, Update,
    number::Range,
    rule::{Rule, accelerate, approach, blend, descend, with_penalty},
    spec::{Printer, Spec},
};

/// RMSProp (Tieleman and Hinton, *Neural networks for machine learning*, lecture 6.5, 2012; centred: Graves,
/// arXiv:1308.0850), as `torch.optim.RMSprop`:
///
/// g ← g + weight_decay · p; s ← alpha · s + (1 − alpha) g²; centred, m ← m + (1 − alpha)(g − m) and s − m² in place of s
/// below; d = g / (√s + epsilon); with momentum v ← momentum · v + d and v in place of d; p ← p − rate · d.
///
/// Where rounding makes s − m² negative it counts as 0; in PyTorch its root is NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RmsProp {
    /// Share of the mean squared gradient kept, in [0, 1); PyTorch's default is 0.99.
    pub alpha: f64,
    /// Added to the denominator, above 0; PyTorch's default is 1e-8.
    pub epsilon: f64,
    /// Share of the velocity kept, in [0, 1); PyTorch's default is 0.
    pub momentum: f64,
    /// Whether gradients are divided by their deviation and not by their root mean square. Default: no.
    pub centered: bool,
    /// Coefficient of the L2 penalty's gradient, from 0 up; PyTorch's default is 0.
    pub weight_decay: f64,
}

impl Default for RmsProp {
    fn default() -> Self {
        Self { alpha: 0.99, epsilon: 1e-8, momentum: 0.0, centered: false, weight_decay: 0.0 }
    }
}

impl RmsProp {
    pub(crate) const OPTIONS: [&str; 6] = ["lr", "alpha", "epsilon", "momentum", "centered", "weight_decay"];

    pub(crate) fn read(spec: &Spec<'_>) -> Result<Self, OptimError> {
        let default = Self::default();
        Ok(Self {
            alpha: spec.number("alpha", default.alpha, Range::BELOW_ONE)?,
            epsilon: spec.number("epsilon", default.epsilon, Range::POSITIVE)?,
            momentum: spec.number("momentum", default.momentum, Range::BELOW_ONE)?,
            centered: spec.flag("centered")?,
            weight_decay: spec.number("weight_decay", default.weight_decay, Range::FROM_ZERO)?,
        })
    }

    /// s − m², from 0 up.
    fn variance(b: &mut Builder, square: Val, mean: Val) -> Val {
        let mean_square = b.multiply(mean, mean);
        let variance = b.subtract(square, mean_square);
        let zero = b.splat_like(variance, 0.0);
        b.maximum(variance, zero)
    }
}

impl Rule for RmsProp {
    fn name(&self) -> &'static str {
        "rmsprop"
    }

    fn default_rate(&self) -> f64 {
        1e-2
    }

    fn slots(&self) -> &'static [&'static str] {
        match (self.centered, self.momentum > 0.0) {
            (false, false) => &["mean_square"],
            (false, true) => &["mean_square", "velocity"],
            (true, false) => &["mean_square", "mean"],
            (true, true) => &["mean_square", "mean", "velocity"],
        }
    }

    fn moments(&self) -> &'static [Moment] {
        match (self.centered, self.momentum > 0.0) {
            (false, false) => &[Moment::Square],
            (false, true) => &[Moment::Square, Moment::Quotient],
            (true, false) => &[Moment::Square, Moment::Gradient],
            (true, true) => &[Moment::Square, Moment::Gradient, Moment::Quotient],
        }
    }

    fn emit(&self, b: &mut Builder, hyper: &[Val], update: Update<'_>) -> (Val, Vec<Val>) {
        let g = with_penalty(b, update.gradient, update.parameter, self.weight_decay);
        let square = b.multiply(g, g);
        let square = blend(b, self.alpha, update.state[0], square);
        let mut state = vec![square];
        let mut moment = square;
        if self.centered {
            let mean = approach(b, self.alpha, update.state[1], g);
            moment = Self::variance(b, square, mean);
            state.push(mean);
        }
        let root = b.sqrt(moment);
        let epsilon = b.splat_like(root, self.epsilon);
        let denominator = b.add(root, epsilon);
        let mut direction = b.divide(g, denominator);
        if self.momentum > 0.0 {
            direction = accelerate(b, self.momentum, update.state[state.len()], direction);
            state.push(direction);
        }
        (descend(b, update.parameter, hyper[0], direction), state)
    }

    fn print(&self, printer: &mut Printer) {
        let default = Self::default();
        printer.number_unless("alpha", self.alpha, default.alpha);
        printer.number_unless("epsilon", self.epsilon, default.epsilon);
        printer.number_unless("momentum", self.momentum, default.momentum);
        if self.centered {
            printer.option("centered");
        }
        printer.number_unless("weight_decay", self.weight_decay, default.weight_decay);
    }
}
