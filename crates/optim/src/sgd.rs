//! Stochastic gradient descent.

use graph::{Builder, Val};

use crate::{
    Moment, OptimError, Update,
    number::Range,
    rule::{Rule, accelerate, descend, with_penalty},
    spec::{Printer, Spec},
};

/// Stochastic gradient descent with momentum and weight decay, as `torch.optim.SGD` without dampening:
///
/// d = g + weight_decay · p; v ← momentum · v + d; then d ← v, or d ← d + momentum · v with Nesterov's form;
/// p ← p − rate · d.
///
/// The velocity v starts at zero, which gives PyTorch's first step (v = d).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sgd {
    /// Share of the velocity kept, in [0, 1); 0, PyTorch's default, is plain descent without state.
    pub momentum: f64,
    /// Nesterov's momentum in the form of Sutskever et al. (*On the importance of initialization and momentum in
    /// deep learning*, 2013), as PyTorch has it; needs momentum. Default: no.
    pub nesterov: bool,
    /// Coefficient of the L2 penalty's gradient, from 0 up; PyTorch's default is 0.
    pub weight_decay: f64,
}

impl Default for Sgd {
    fn default() -> Self {
        Self { momentum: 0.0, nesterov: false, weight_decay: 0.0 }
    }
}

impl Sgd {
    pub(crate) const OPTIONS: [&str; 4] = ["lr", "momentum", "nesterov", "weight_decay"];

    pub(crate) fn read(spec: &Spec<'_>) -> Result<Self, OptimError> {
        let default = Self::default();
        let sgd = Self {
            momentum: spec.number("momentum", default.momentum, Range::BELOW_ONE)?,
            nesterov: spec.flag("nesterov")?,
            weight_decay: spec.number("weight_decay", default.weight_decay, Range::FROM_ZERO)?,
        };
        if sgd.nesterov && sgd.momentum == 0.0 {
            return Err(spec.needs("nesterov", "momentum above 0, as momentum=0.9"));
        }
        Ok(sgd)
    }
}

impl Rule for Sgd {
    fn name(&self) -> &'static str {
        "sgd"
    }

    fn default_rate(&self) -> f64 {
        1e-3
    }

    fn slots(&self) -> &'static [&'static str] {
        if self.momentum == 0.0 { &[] } else { &["velocity"] }
    }

    fn moments(&self) -> &'static [Moment] {
        if self.momentum == 0.0 { &[] } else { &[Moment::Gradient] }
    }

    fn emit(&self, b: &mut Builder, hyper: &[Val], update: Update<'_>) -> (Val, Vec<Val>) {
        let p = update.parameter;
        let mut direction = with_penalty(b, update.gradient, p, self.weight_decay);
        let velocity: Vec<Val> =
            update.state.iter().map(|&v| accelerate(b, self.momentum, v, direction)).collect();
        if let [velocity] = velocity[..] {
            direction =
                if self.nesterov { accelerate(b, self.momentum, velocity, direction) } else { velocity };
        }
        (descend(b, p, hyper[0], direction), velocity)
    }

    fn print(&self, printer: &mut Printer) {
        let default = Self::default();
        printer.number_unless("momentum", self.momentum, default.momentum);
        if self.nesterov {
            printer.option("nesterov");
        }
        printer.number_unless("weight_decay", self.weight_decay, default.weight_decay);
    }
}
