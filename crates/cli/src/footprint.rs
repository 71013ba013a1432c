//! The memory that a graph's runs take.

use bench::growth_bytes;
use isoloss::{
    Cpu,
    graph::{Argument, ExecError, Executor, Graph},
    tensor::Tensor,
    transform::{Linearisation, Linearised},
};

/// Runs that are watched: what the first leaves behind, the second uses again.
const RUNS: usize = 2;

/// Memory in bytes.
pub(crate) struct Footprint {
    /// By how much the process grew at most, from before compilation to the end of the runs; nothing where the system does
    /// not tell.
    pub(crate) growth_bytes: Option<u64>,
    /// Working memory by plan.
    pub(crate) workspace_bytes: usize,
    /// What a linear half holds of its point; 0 for other graphs.
    pub(crate) residual_bytes: usize,
}

impl Footprint {
    /// Of compiling and running a graph.
    pub(crate) fn of_graph(executor: &Cpu, graph: &Graph, arguments: &[Tensor]) -> Result<Self, ExecError> {
        let (growth_bytes, workspace) = growth_bytes(|| {
            let mut executable = executor.compile(graph, &[])?;
            for _ in 0..RUNS {
                executable.run(arguments.iter().map(Argument::Borrowed).collect())?;
            }
            Ok(executable.workspace_bytes())
        });
        Ok(Self { growth_bytes, workspace_bytes: workspace?, residual_bytes: 0 })
    }

    /// Of compiling both halves, fixing a point, and products there.
    pub(crate) fn of_halves(
        executor: &Cpu,
        halves: Linearised,
        point: &[Tensor],
        direction: &[Tensor],
    ) -> Result<Self, ExecError> {
        let residual_bytes = halves.residual_bytes;
        let (growth_bytes, workspace) = growth_bytes(|| {
            let mut product = Linearisation::compile(executor, halves)?;
            let workspace = product.workspace_bytes();
            let point: Vec<&Tensor> = point.iter().collect();
            let direction: Vec<&Tensor> = direction.iter().collect();
            let mut at = product.at(&point)?;
            for _ in 0..RUNS {
                at.apply(&direction)?;
            }
            Ok(workspace)
        });
        Ok(Self { growth_bytes, workspace_bytes: workspace?, residual_bytes })
    }
}
