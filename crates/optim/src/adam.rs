//! Adam and AdamW.

use graph::{Builder, Val};

use crate::{
    Moment, OptimError, Update,
    number::Range,
    rule::{Rule, approach, blend, with_penalty},
    spec::{Printer, Spec},
};

/// Adam (Kingma and Ba, *Adam: a method for stochastic optimization*, 2015) with the weight decay of
/// `torch.optim.Adam` (an L2 penalty) or of `torch.optim.AdamW` (decoupled: Loshchilov and Hutter, *Decoupled weight
/// decay regularization*, 2019).
///
/// With g the gradient (plus weight_decay · p in Adam; in AdamW p ← p · (1 − rate · weight_decay) instead):
/// m ← m + (1 − beta1)(g − m); v ← beta2 · v + (1 − beta2) g²;
/// p ← p − rate / c1 · m / (√v / √c2 + epsilon), where c1 = 1 − beta1^t and c2 = 1 − beta2^t at step t.
///
/// The fraction is expanded by √c2, so that the corrections act on two scalars and not on every element:
/// p − (rate · √c2 / c1) · m / (√v + epsilon · √c2).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// Share of the mean gradient kept, in [0, 1); PyTorch's default is 0.9, the paper's.
    pub beta1: f64,
    /// Share of the mean squared gradient kept, in [0, 1); PyTorch's default is 0.999, the paper's.
    pub beta2: f64,
    /// Added to the denominator, above 0; PyTorch's default is 1e-8, the paper's.
    pub epsilon: f64,
    /// Weight decay, from 0 up; PyTorch's defaults are 0 for Adam and 0.01 for AdamW.
    pub weight_decay: f64,
    /// Whether the decay acts on the parameter (AdamW) and not on the gradient (Adam).
    pub decoupled: bool,
}

impl Adam {
    /// The defaults of `torch.optim.Adam`.
    pub const ADAM: Self =
        Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0, decoupled: false };
    /// The defaults of `torch.optim.AdamW`.
    pub const ADAMW: Self = Self { weight_decay: 0.01, decoupled: true, ..Self::ADAM };

    pub(crate) const OPTIONS: [&str; 5] = ["lr", "beta1", "beta2", "epsilon", "weight_decay"];

    pub(crate) fn read(spec: &Spec<'_>, default: Self) -> Result<Self, OptimError> {
        Ok(Self {
            beta1: spec.number("beta1", default.beta1, Range::BELOW_ONE)?,
            beta2: spec.number("beta2", default.beta2, Range::BELOW_ONE)?,
            epsilon: spec.number("epsilon", default.epsilon, Range::POSITIVE)?,
            weight_decay: spec.number("weight_decay", default.weight_decay, Range::FROM_ZERO)?,
            decoupled: default.decoupled,
        })
    }
}

impl Rule for Adam {
    fn name(&self) -> &'static str {
        if self.decoupled { "adamw" } else { "adam" }
    }

    fn default_rate(&self) -> f64 {
        1e-3
    }

    fn slots(&self) -> &'static [&'static str] {
        &["mean", "mean_square"]
    }

    fn moments(&self) -> &'static [Moment] {
        &[Moment::Gradient, Moment::Square]
    }

    /// The corrected rate, the corrected epsilon and, where the decay acts on it, the share of the parameter that stays.
    fn hyper_names(&self) -> &'static [&'static str] {
        if self.decoupled { &["rate", "epsilon", "kept"] } else { &["rate", "epsilon"] }
    }

    fn hyper(&self, step: u64, rate: f64) -> Vec<f64> {
        let correction = |beta: f64| 1.0 - beta.powf(step as f64);
        let root = correction(self.beta2).sqrt();
        let mut hyper = vec![rate * root / correction(self.beta1), self.epsilon * root];
        if self.decoupled {
            hyper.push(1.0 - rate * self.weight_decay);
        }
        hyper
    }

    fn emit(&self, b: &mut Builder, hyper: &[Val], update: Update<'_>) -> (Val, Vec<Val>) {
        let p = update.parameter;
        let penalty = if self.decoupled { 0.0 } else { self.weight_decay };
        let g = with_penalty(b, update.gradient, p, penalty);
        let mean = approach(b, self.beta1, update.state[0], g);
        let square = b.multiply(g, g);
        let square = blend(b, self.beta2, update.state[1], square);
        let root = b.sqrt(square);
        let denominator = b.add(root, hyper[1]);
        let direction = b.divide(mean, denominator);
        let change = b.multiply(hyper[0], direction);
        let kept = hyper.get(2).map_or(p, |&kept| b.multiply(p, kept));
        (b.subtract(kept, change), vec![mean, square])
    }

    fn print(&self, printer: &mut Printer) {
        let default = if self.decoupled { Self::ADAMW } else { Self::ADAM };
        printer.number_unless("beta1", self.beta1, default.beta1);
        printer.number_unless("beta2", self.beta2, default.beta2);
        printer.number_unless("epsilon", self.epsilon, default.epsilon);
        printer.number_unless("weight_decay", self.weight_decay, default.weight_decay);
    }
}
