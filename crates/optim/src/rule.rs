//! What all methods have in common.

use graph::{Builder, Val};

use crate::{Moment, spec::Printer};

/// What changes one parameter in one step. All tensors are of the parameter's type.
#[derive(Clone, Copy, Debug)]
pub struct Update<'a> {
    /// The parameter.
    pub parameter: Val,
    /// The gradient of the loss by it.
    pub gradient: Val,
    /// An estimate of the diagonal of the curvature, in the steps that have one; see
    /// [`Optimizer::curvature_every`](crate::Optimizer::curvature_every).
    pub curvature: Option<Val>,
    /// One tensor for each of [`Optimizer::slots`](crate::Optimizer::slots).
    pub state: &'a [Val],
}

/// A method without its learning rate.
pub(crate) trait Rule {
    /// The name in descriptions.
    fn name(&self) -> &'static str;

    /// The learning rate where none is given.
    fn default_rate(&self) -> f64;

    /// Names of the tensors kept for each parameter.
    fn slots(&self) -> &'static [&'static str];

    /// What each of these tensors is made of.
    fn moments(&self) -> &'static [Moment];

    /// What all elements of these tensors are at the start.
    fn start(&self) -> f64 {
        0.0
    }

    /// The number of steps from one estimate of the curvature to the next; none where none is needed.
    fn curvature_every(&self) -> Option<u64> {
        None
    }

    /// Names of the scalars that change from step to step.
    fn hyper_names(&self) -> &'static [&'static str] {
        &["rate"]
    }

    /// These scalars at a step, counted from 1, with its learning rate.
    fn hyper(&self, _step: u64, rate: f64) -> Vec<f64> {
        vec![rate]
    }

    /// The new parameter and the new state; `hyper` has the parameter's shape.
    fn emit(&self, b: &mut Builder, hyper: &[Val], update: Update<'_>) -> (Val, Vec<Val>);

    /// Prints the options that differ from their defaults, but for the learning rate.
    fn print(&self, printer: &mut Printer);
}

/// g + weight_decay · p: the gradient with that of an L2 penalty.
pub(crate) fn with_penalty(b: &mut Builder, g: Val, p: Val, weight_decay: f64) -> Val {
    if weight_decay == 0.0 {
        return g;
    }
    let penalty = b.scale(p, weight_decay);
    b.add(g, penalty)
}

/// share · old + (1 − share) · new.
pub(crate) fn blend(b: &mut Builder, share: f64, old: Val, new: Val) -> Val {
    let kept = b.scale(old, share);
    let new = b.scale(new, 1.0 - share);
    b.add(kept, new)
}

/// The same as old + (1 − share)(new − old), which loses less where the two are close.
pub(crate) fn approach(b: &mut Builder, share: f64, old: Val, new: Val) -> Val {
    let difference = b.subtract(new, old);
    let change = b.scale(difference, 1.0 - share);
    b.add(old, change)
}

/// momentum · velocity + direction.
pub(crate) fn accelerate(b: &mut Builder, momentum: f64, velocity: Val, direction: Val) -> Val {
    let kept = b.scale(velocity, momentum);
    b.add(kept, direction)
}

/// p − rate · direction.
pub(crate) fn descend(b: &mut Builder, p: Val, rate: Val, direction: Val) -> Val {
    let change = b.multiply(rate, direction);
    b.subtract(p, change)
}
