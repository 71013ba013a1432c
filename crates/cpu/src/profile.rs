//! Where the time of a run goes.

use std::time::{Duration, Instant};

use graph::{Argument, Donation, ExecError, Graph, Val};
use tensor::Tensor;

use crate::Cpu;

/// What a step of a compiled graph does, and the least that it costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepCost {
    /// What the step does, for people.
    pub what: String,
    /// The values of the graph that it computes, in order of definition. A value appears in several steps where it
    /// is copied or computed more than once; values that are only other views of memory appear in none.
    pub values: Vec<Val>,
    /// Arithmetic operations: two for each multiplication and addition of a product, one for each element of an
    /// elementwise operation or a reduction, whatever the function.
    pub operations: u64,
    /// Bytes that it must read and write, each element that it reads once.
    pub bytes: u64,
}

/// The time of one step of a compiled graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepTime {
    /// What the step does.
    pub cost: StepCost,
    /// The shortest time of all runs; the largest [`Duration`] where there were none.
    pub shortest: Duration,
}

impl Cpu {
    /// The steps of a graph, in the order in which they run.
    ///
    /// # Errors
    /// As compilation.
    pub fn steps(&self, graph: &Graph, donations: &[Donation]) -> Result<Vec<StepCost>, ExecError> {
        Ok(self.compiled(graph, donations)?.costs())
    }

    /// Runs a graph `runs` times, donated arguments being copied each time, and tells for each step, in order, its
    /// shortest time.
    ///
    /// # Errors
    /// As compilation and runs.
    pub fn profile(
        &self,
        graph: &Graph,
        donations: &[Donation],
        arguments: &[Tensor],
        runs: usize,
    ) -> Result<Vec<StepTime>, ExecError> {
        let mut compiled = self.compiled(graph, donations)?;
        let untimed = |cost| StepTime { cost, shortest: Duration::MAX };
        let mut times: Vec<StepTime> = compiled.costs().into_iter().map(untimed).collect();
        for _ in 0..runs {
            let arguments = arguments.iter().map(Argument::Borrowed).collect();
            compiled.run_watched(arguments, &mut |position, step| {
                let start = Instant::now();
                step();
                times[position].shortest = times[position].shortest.min(start.elapsed());
            })?;
        }
        Ok(times)
    }
}
