//! Optimisers and schedules.
//!
//! An [`Optimizer`] is a rule that emits its update as graph nodes, so that a training step is one graph from
//! the examples to the new parameters. What changes from step to step enters as a few scalar inputs, computed
//! on the host in `f64` by [`Optimizer::hyper`]. A [`Schedule`] is a pure function from the step to the
//! learning rate. Both have a one-line text form that parses and prints.

mod adam;
mod error;
mod number;
mod optimizer;
mod schedule;
mod sgd;
mod spec;

pub use adam::Adam;
pub use error::OptimError;
pub use optimizer::{Method, Optimizer};
pub use schedule::{Decay, Horizon, Schedule, Warmup};
pub use sgd::Sgd;
