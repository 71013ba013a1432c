//! Lion.

use graph::{Builder, Val};

use crate::{
    Moment, OptimError, Update,
    number::Range,
    rule::{Rule, blend},
    spec::{Printer, Spec},
};

/// Lion (Chen et al., *Symbolic discovery of optimization algorithms*, 2023, arXiv:2302.06675, program 1):
///
/// d = sign(beta1 · m + (1 − beta1) g); p ← p · (1 − rate · weight_decay) − rate · d; m ← beta2 · m + (1 − beta2) g.
///
/// The sign of 0 is 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lion {
    /// Share of the mean in the direction, in [0, 1); the paper's default is 0.9.
    pub beta1: f64,
    /// Share of the mean kept, in [0, 1); the paper's default is 0.99.
    pub beta2: f64,
    /// Decoupled weight decay, from 0 up; the default of the published code is 0.
    pub weight_decay: f64,
}

impl Default for Lion {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.99, weight_decay: 0.0 }
    }
}

impl Lion {
    pub(crate) const OPTIONS: [&str; 4] = ["lr", "beta1", "beta2", "weight_decay"];

    pub(crate) fn read(spec: &Spec<'_>) -> Result<Self, OptimError> {
        let default = Self::default();
        Ok(Self {
            beta1: spec.number("beta1", default.beta1, Range::BELOW_ONE)?,
            beta2: spec.number("beta2", default.beta2, Range::BELOW_ONE)?,
            weight_decay: spec.number("weight_decay", default.weight_decay, Range::FROM_ZERO)?,
        })
    }
}

impl Rule for Lion {
    fn name(&self) -> &'static str {
        "lion"
    }

    /// That of the published code.
    fn default_rate(&self) -> f64 {
        1e-4
    }

    fn slots(&self) -> &'static [&'static str] {
        &["mean"]
    }

    fn moments(&self) -> &'static [Moment] {
        &[Moment::Gradient]
    }

    fn hyper_names(&self) -> &'static [&'static str] {
        &["rate", "kept"]
    }

    fn hyper(&self, _step: u64, rate: f64) -> Vec<f64> {
        vec![rate, 1.0 - rate * self.weight_decay]
    }

    fn emit(&self, b: &mut Builder, hyper: &[Val], update: Update<'_>) -> (Val, Vec<Val>) {
        let (g, mean) = (update.gradient, update.state[0]);
        let blended = blend(b, self.beta1, mean, g);
        let direction = b.sign(blended);
        let change = b.multiply(hyper[0], direction);
        let kept = b.multiply(update.parameter, hyper[1]);
        (b.subtract(kept, change), vec![blend(b, self.beta2, mean, g)])
    }

    fn print(&self, printer: &mut Printer) {
        let default = Self::default();
        printer.number_unless("beta1", self.beta1, default.beta1);
        printer.number_unless("beta2", self.beta2, default.beta2);
        printer.number_unless("weight_decay", self.weight_decay, default.weight_decay);
    }
}
