//! Program transforms on graphs: derivatives and simplification.
//!
//! Every transform takes a graph and builds a new one. Reverse mode is not a set of rules of its own: the
//! vector-Jacobian product is the transpose of the Jacobian-vector product, [`vjp`] = [`transpose()`] ∘ [`jvp()`].

mod batch;
mod copy;
mod cut;
mod derivative;
mod fresh;
mod gauss_newton;
mod join;
mod jvp;
mod linearisation;
mod linearise;
mod linearity;
mod live;
mod parallel;
mod passes;
mod recycling;
mod rules;
mod simplify;
mod sum;
mod transpose;

pub use batch::{batch, per_example_grad};
pub use cut::{Cut, cut};
pub use derivative::{
    grad, grad_with, hvp, hvp_forward_over_reverse, hvp_reverse_over_forward, value_and_grad, vjp, vjp_with,
};
pub use gauss_newton::gnvp;
pub use jvp::{jvp, jvp_with};
pub use linearisation::{AtPoint, Linearisation};
pub use linearise::{Checkpointed, Linearised, PASS_BYTES, RESIDUAL_BUDGET_BYTES, checkpoint, linearise};
pub use linearity::{NonLinear, check_linear};
pub use parallel::{ParallelLinearisation, ParallelPoint, shards};
pub use rules::Rules;
pub use simplify::{eliminate_common_subexpressions, eliminate_dead_code, fold_constants, simplify};
pub use transpose::{transpose, transpose_with};
