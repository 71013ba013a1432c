//! What every command works with.

use std::env;

use isoloss::{Cpu, device, graph::Executor, tensor::Key};

use crate::{
    common::Common,
    failure::{CliError, Failure},
    progress::Progress,
};

/// What every command works with.
pub(crate) struct Session {
    engine: Engine,
    /// The seed as it was given.
    pub(crate) seed: u64,
    /// Shows progress.
    pub(crate) progress: Progress,
}

/// What runs the graphs.
enum Engine {
    Cpu(Cpu),
    Device { spec: String, executor: Box<dyn Executor> },
}

impl Engine {
    fn new(common: &Common) -> Result<Self, Failure> {
        match device(common) {
            Some(device) if common.check_finite => Err(CliError::CheckFinite { device }.into()),
            Some(spec) => Ok(Self::Device { executor: device::open(&spec)?, spec }),
            None if common.check_finite => Ok(Self::Cpu(isoloss::executor().checking_finite())),
            None => Ok(Self::Cpu(isoloss::executor())),
        }
    }
}

/// The device that is asked for, if it is not the processor.
pub(crate) fn device(common: &Common) -> Option<String> {
    let set = || env::var("ISOLOSS_DEVICE").ok().filter(|spec| !spec.is_empty());
    common.device.clone().or_else(set).filter(|spec| spec != device::CPU)
}

impl Session {
    /// What these flags ask for.
    pub(crate) fn new(common: &Common) -> Result<Self, Failure> {
        Ok(Self { engine: Engine::new(common)?, seed: common.seed, progress: Progress::new(common.quiet) })
    }

    /// Runs the graphs.
    pub(crate) fn executor(&self) -> &dyn Executor {
        match &self.engine {
            Engine::Cpu(cpu) => cpu,
            Engine::Device { executor, .. } => executor.as_ref(),
        }
    }

    /// The executor of a device, if one was asked for.
    pub(crate) fn device(&self) -> Option<&dyn Executor> {
        match &self.engine {
            Engine::Cpu(_) => None,
            Engine::Device { executor, .. } => Some(executor.as_ref()),
        }
    }

    /// The executor for the processor, for a command that looks into it.
    pub(crate) fn cpu(&self, command: &'static str) -> Result<&Cpu, Failure> {
        match &self.engine {
            Engine::Cpu(cpu) => Ok(cpu),
            Engine::Device { spec, .. } => Err(CliError::CpuOnly { command, device: spec.clone() }.into()),
        }
    }

    /// The key from which everything random is drawn.
    pub(crate) const fn key(&self) -> Key {
        Key::new(self.seed)
    }
}
