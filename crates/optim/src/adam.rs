//! Adam and AdamW.

use graph::{Builder, Val};

use crate::{
    OptimError,
    number::Range,
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
}

/// Where the weight decay acts.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum DecayOf {
    /// On the gradient (Adam).
    Gradient,
    /// On the parameter (AdamW).
    Parameter,
}

impl Adam {
    /// The defaults of `torch.optim.Adam`.
    pub const ADAM: Self = Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 };
    /// The defaults of `torch.optim.AdamW`.
    pub const ADAMW: Self = Self { weight_decay: 0.01, ..Self::ADAM };

    pub(crate) const OPTIONS: [&str; 5] = ["lr", "beta1", "beta2", "epsilon", "weight_decay"];

    pub(crate) fn read(spec: &Spec<'_>, default: Self) -> Result<Self, OptimError> {
        Ok(Self {
            beta1: spec.number("beta1", default.beta1, Range::BELOW_ONE)?,
            beta2: spec.number("beta2", default.beta2, Range::BELOW_ONE)?,
            epsilon: spec.number("epsilon", default.epsilon, Range::POSITIVE)?,
            weight_decay: spec.number("weight_decay", default.weight_decay, Range::FROM_ZERO)?,
        })
    }

    pub(crate) fn print(&self, printer: &mut Printer, default: Self) {
        printer.number_unless("beta1", self.beta1, default.beta1);
        printer.number_unless("beta2", self.beta2, default.beta2);
        printer.number_unless("epsilon", self.epsilon, default.epsilon);
        printer.number_unless("weight_decay", self.weight_decay, default.weight_decay);
    }

    /// The scalars of step `step` in the order of [`Adam::emit`]'s `hyper`.
    pub(crate) fn hyper(&self, step: u64, rate: f64) -> [f64; 3] {
        let correction = |beta: f64| 1.0 - beta.powf(step as f64);
        let root = correction(self.beta2).sqrt();
        [rate * root / correction(self.beta1), self.epsilon * root, 1.0 - rate * self.weight_decay]
    }

    /// `hyper`: corrected rate, corrected epsilon and, for a decay of the parameter, the share of it that stays;
    /// each in the shape of `p`. `state`: mean and mean square of the gradient.
    pub(crate) fn emit(
        &self,
        b: &mut Builder,
        hyper: &[Val],
        p: Val,
        mut g: Val,
        state: [Val; 2],
        decay_of: DecayOf,
    ) -> (Val, Vec<Val>) {
        if decay_of == DecayOf::Gradient && self.weight_decay != 0.0 {
            let decay = b.scale(p, self.weight_decay);
            g = b.add(g, decay);
        }
        let mean = self.mean(b, state[0], g);
        let square = self.mean_square(b, state[1], g);
        let root = b.sqrt(square);
        let denominator = b.add(root, hyper[1]);
        let direction = b.divide(mean, denominator);
        let change = b.multiply(hyper[0], direction);
        let kept = if decay_of == DecayOf::Parameter { b.multiply(p, hyper[2]) } else { p };
        (b.subtract(kept, change), vec![mean, square])
    }

    fn mean(&self, b: &mut Builder, mean: Val, g: Val) -> Val {
        let difference = b.subtract(g, mean);
        let change = b.scale(difference, 1.0 - self.beta1);
        b.add(mean, change)
    }

    fn mean_square(&self, b: &mut Builder, square: Val, g: Val) -> Val {
        let kept = b.scale(square, self.beta2);
        let new = b.multiply(g, g);
        let new = b.scale(new, 1.0 - self.beta2);
        b.add(kept, new)
    }
}
