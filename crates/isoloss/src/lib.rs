//! Measure, move and merge neural networks along the directions that leave the loss unchanged.
//!
//! This crate is the one to depend on: it re-exports the library crates, each as a module, and constructs the
//! executor that runs their graphs. Whoever names only this crate need not know which crate holds what; the crates
//! behind it may be split or joined without notice.
//!
//! | to | look at |
//! |---|---|
//! | describe a network and read or write its weights | [`models`] |
//! | read, write and patch ONNX files | [`onnx`] |
//! | load data | [`data`] |
//! | train | [`train`], with optimisers and schedules from [`optim`] |
//! | measure loss and accuracy | [`evaluate`] |
//! | find symmetries, certify them, match one network to another | [`symmetry`] |
//! | average and interpolate weights | [`merge`] |
//! | merge checkpoints of any size by recipes | [`delta`] |
//! | measure the loss between two networks | [`landscape`] |
//! | reproduce a published result | [`recipes`] |
//! | show results | [`report`] |
//! | write computations and differentiate them | [`graph`], [`transform`] |
//!
//! Libraries never choose an executor themselves: each function that computes takes one, and [`executor`] makes the
//! one that is meant for use.
//!
//! ```
//! use isoloss::{models::Model, symmetry, tensor::{DType, Key}};
//!
//! let model = Model::parse("mlp:4-6-3")?;
//! let group = symmetry::infer(&model.forward(1, DType::F64));
//! assert!((group.log10_order() - 720f64.log10()).abs() < 1e-12);
//!
//! let executor = isoloss::executor();
//! let graph = model.forward(8, DType::F64);
//! let certificate = symmetry::certify(&executor, &[&graph], &group, Key::new(0), 2)?;
//! assert!(certificate.passed());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod device;

pub use cpu::{Cpu, StepCost, StepTime};
pub use {
    data, delta, evaluate, graph, landscape, merge, models, onnx, optim, recipes, report, symmetry, tensor,
    train, transform,
};

/// The executor for the processor: chooses the instruction set when it runs, and uses the threads of the pool that
/// it is called in (see [`tensor::parallel::with_threads`]). The same graph and arguments give the same bits for any
/// number of threads.
#[must_use]
pub fn executor() -> Cpu {
    Cpu::new()
}

/// The version of Isoloss, as `0.1.0`.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
