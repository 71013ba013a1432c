//! Sophia.

use graph::{Builder, Val};

use crate::{
    Moment, OptimError, Update,
    number::Range,
    rule::{Rule, blend},
    spec::{Printer, Spec},
};

/// Sophia with the Gauss-Newton-Bartlett estimate (Liu et al., *Sophia: a scalable stochastic second-order optimizer for
/// language model pre-training*, 2023, arXiv:2305.14342, algorithm 3):
///
/// m ← beta1 · m + (1 − beta1) g; every k steps, from the first on, h ← beta2 · h + (1 − beta2) ĥ;
/// p ← p · (1 − rate · weight_decay) − rate · clip(m / max(gamma · h, epsilon), 1).
///
/// ĥ estimates the diagonal of the Gauss-Newton matrix (algorithm 2): with labels drawn from what the network predicts
/// for the B examples (or tokens) of the batch, it is B · ĝ ⊙ ĝ, where ĝ is the gradient of their mean cross-entropy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sophia {
    /// Share of the mean gradient kept, in [0, 1); the paper's (section 3.1) is 0.96.
    pub beta1: f64,
    /// Share of the curvature kept, in [0, 1); the paper's (section 3.1) is 0.99.
    pub beta2: f64,
    /// The curvature's factor, above 0; the paper's (section 3.1) for this estimate is 0.05.
    pub gamma: f64,
    /// The least denominator, above 0; the paper's (section 3.1) is 1e-12.
    pub epsilon: f64,
    /// Decoupled weight decay, from 0 up; the default of the published code is 0.1.
    pub weight_decay: f64,
    /// Steps from one estimate of the curvature to the next, from 1 up; the paper's (section 3.1) is 10.
    pub every: u64,
}

impl Default for Sophia {
    fn default() -> Self {
        Self { beta1: 0.96, beta2: 0.99, gamma: 0.05, epsilon: 1e-12, weight_decay: 0.1, every: 10 }
    }
}

impl Sophia {
    pub(crate) const OPTIONS: [&str; 7] =
        ["lr", "beta1", "beta2", "gamma", "epsilon", "weight_decay", "every"];

    pub(crate) fn read(spec: &Spec<'_>) -> Result<Self, OptimError> {
        let default = Self::default();
        let every = spec.text("every")?.map(|text| spec.whole("every", "steps", text)).transpose()?;
        Ok(Self {
            beta1: spec.number("beta1", default.beta1, Range::BELOW_ONE)?,
            beta2: spec.number("beta2", default.beta2, Range::BELOW_ONE)?,
            gamma: spec.number("gamma", default.gamma, Range::POSITIVE)?,
            epsilon: spec.number("epsilon", default.epsilon, Range::POSITIVE)?,
            weight_decay: spec.number("weight_decay", default.weight_decay, Range::FROM_ZERO)?,
            every: every.unwrap_or(default.every),
        })
    }

    /// clip(m / max(gamma · h, epsilon), 1).
    fn direction(&self, b: &mut Builder, mean: Val, curvature: Val) -> Val {
        let scaled = b.scale(curvature, self.gamma);
        let least = b.splat_like(scaled, self.epsilon);
        let denominator = b.maximum(scaled, least);
        let quotient = b.divide(mean, denominator);
        let one = b.splat_like(quotient, 1.0);
        let below = b.minimum(quotient, one);
        let minus_one = b.splat_like(quotient, -1.0);
        b.maximum(below, minus_one)
    }
}

impl Rule for Sophia {
    fn name(&self) -> &'static str {
        "sophia"
    }

    /// That of the published code.
    fn default_rate(&self) -> f64 {
        1e-4
    }

    fn slots(&self) -> &'static [&'static str] {
        &["mean", "curvature"]
    }

    fn moments(&self) -> &'static [Moment] {
        &[Moment::Gradient, Moment::Square]
    }

    fn curvature_every(&self) -> Option<u64> {
        Some(self.every)
    }

    fn hyper_names(&self) -> &'static [&'static str] {
        &["rate", "kept"]
    }

    fn hyper(&self, _step: u64, rate: f64) -> Vec<f64> {
        vec![rate, 1.0 - rate * self.weight_decay]
    }

    fn emit(&self, b: &mut Builder, hyper: &[Val], update: Update<'_>) -> (Val, Vec<Val>) {
        let mean = blend(b, self.beta1, update.state[0], update.gradient);
        let old = update.state[1];
        let curvature = update.curvature.map_or(old, |estimate| blend(b, self.beta2, old, estimate));
        let direction = self.direction(b, mean, curvature);
        let change = b.multiply(hyper[0], direction);
        let kept = b.multiply(update.parameter, hyper[1]);
        (b.subtract(kept, change), vec![mean, curvature])
    }

    fn print(&self, printer: &mut Printer) {
        let default = Self::default();
        printer.number_unless("beta1", self.beta1, default.beta1);
        printer.number_unless("beta2", self.beta2, default.beta2);
        printer.number_unless("gamma", self.gamma, default.gamma);
        printer.number_unless("epsilon", self.epsilon, default.epsilon);
        printer.number_unless("weight_decay", self.weight_decay, default.weight_decay);
        if self.every != default.every {
            printer.option(&format!("every={}", self.every));
        }
    }
}
