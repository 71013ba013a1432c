//! Graphs on accelerators: StableHLO text, and a binding to PJRT plugins that compile and run it.
//!
//! A plugin is a shared library that its maker ships: NVIDIA's and others' GPUs, TPUs, and XLA for processors. Nothing of
//! one is part of this program; [`Devices::open`] loads the file that the user names, and [`Devices::executor`] makes a
//! [`graph::Executor`] of a device.

mod binding;
mod cache;
mod discovery;
mod executor;
mod open;
mod spec;
mod stablehlo;

pub use discovery::cuda_plugins;
pub use executor::Pjrt;
pub use open::{DeviceInfo, Devices, OpenError, Settings};
pub use spec::{Spec, SpecError};
pub use stablehlo::{Precision, stablehlo};
