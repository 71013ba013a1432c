//! Optimisers and schedules.
//!
//! An [`Optimizer`] is a rule that emits its update as graph nodes, so that a training step is one graph from
//! the examples to the new parameters. What changes from step to step enters as a few scalar inputs, computed
//! on the host in `f64` by [`Optimizer::hyper`]. A [`Schedule`] is a pure function from the step to the
//! learning rate. Both have a one-line text form that parses and prints.

mod adagrad;
mod adam;
mod clip;
mod error;
mod lion;
mod moment;
mod number;
mod optimizer;
mod rmsprop;
mod rule;
mod schedule;
mod sgd;
mod sophia;
mod spec;

pub use adagrad::Adagrad;
pub use adam::Adam;
pub use clip::Clip;
pub use error::OptimError;
pub use lion::Lion;
pub use moment::Moment;
pub use optimizer::{Method, Optimizer};
pub use rmsprop::RmsProp;
pub use rule::Update;
pub use schedule::{Decay, Horizon, Schedule, Warmup};
pub use sgd::Sgd;
pub use sophia::Sophia;
