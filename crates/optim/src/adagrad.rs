//! AdaGrad.

use graph::{Builder, Val};

use crate::{
    Moment, OptimError, Update,
    number::Range,
    rule::{Rule, descend, with_penalty},
    spec::{Printer, Spec},
};

/// AdaGrad (Duchi, Hazan and Singer, *Adaptive subgradient methods*, 2011), as `torch.optim.Adagrad`:
///
/// g ← g + weight_decay · p; s ← s + g²; p ← p − rate / (1 + (t − 1) · lr_decay) · g / (√s + epsilon) at step t.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adagrad {
    /// How fast the rate falls with the steps, from 0 up; PyTorch's default is 0.
    pub lr_decay: f64,
    /// Coefficient of the L2 penalty's gradient, from 0 up; PyTorch's default is 0.
    pub weight_decay: f64,
    /// What the sums start at, from 0 up (PyTorch's `initial_accumulator_value`); PyTorch's default is 0.
    pub initial: f64,
    /// Added to the denominator, above 0; PyTorch's default is 1e-10.
    pub epsilon: f64,
}

impl Default for Adagrad {
    fn default() -> Self {
        Self { lr_decay: 0.0, weight_decay: 0.0, initial: 0.0, epsilon: 1e-10 }
    }
}

impl Adagrad {
    pub(crate) const OPTIONS: [&str; 5] = ["lr", "lr_decay", "weight_decay", "initial", "epsilon"];

    pub(crate) fn read(spec: &Spec<'_>) -> Result<Self, OptimError> {
        let default = Self::default();
        Ok(Self {
            lr_decay: spec.number("lr_decay", default.lr_decay, Range::FROM_ZERO)?,
            weight_decay: spec.number("weight_decay", default.weight_decay, Range::FROM_ZERO)?,
            initial: spec.number("initial", default.initial, Range::FROM_ZERO)?,
            epsilon: spec.number("epsilon", default.epsilon, Range::POSITIVE)?,
        })
    }
}

impl Rule for Adagrad {
    fn name(&self) -> &'static str {
        "adagrad"
    }

    fn default_rate(&self) -> f64 {
        1e-2
    }

    fn slots(&self) -> &'static [&'static str] {
        &["sum"]
    }

    fn moments(&self) -> &'static [Moment] {
        &[Moment::Square]
    }

    fn start(&self) -> f64 {
        self.initial
    }

    fn hyper(&self, step: u64, rate: f64) -> Vec<f64> {
        vec![rate / (1.0 + (step as f64 - 1.0) * self.lr_decay)]
    }

    fn emit(&self, b: &mut Builder, hyper: &[Val], update: Update<'_>) -> (Val, Vec<Val>) {
        let g = with_penalty(b, update.gradient, update.parameter, self.weight_decay);
        let square = b.multiply(g, g);
        let sum = b.add(update.state[0], square);
        let root = b.sqrt(sum);
        let epsilon = b.splat_like(root, self.epsilon);
        let denominator = b.add(root, epsilon);
        let direction = b.divide(g, denominator);
        (descend(b, update.parameter, hyper[0], direction), vec![sum])
    }

    fn print(&self, printer: &mut Printer) {
        let default = Self::default();
        printer.number_unless("lr_decay", self.lr_decay, default.lr_decay);
        printer.number_unless("weight_decay", self.weight_decay, default.weight_decay);
        printer.number_unless("initial", self.initial, default.initial);
        printer.number_unless("epsilon", self.epsilon, default.epsilon);
    }
}
