//! The CPU executor: schedule, fusion, memory plan and kernels.

mod executable;
mod gemm;

use graph::{Donation, ExecError, Executable, Executor, Graph, check_donations};

/// Runs graphs on the processor, on as many threads as the rayon pool has in which a run is started.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cpu;

impl Cpu {
    /// The executor.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl Executor for Cpu {
    fn name(&self) -> String {
        "cpu".to_owned()
    }

    fn compile(&self, graph: &Graph, donations: &[Donation]) -> Result<Box<dyn Executable>, ExecError> {
        check_donations(graph, donations)?;
        Ok(Box::new(executable::Compiled::new(graph)))
    }
}
