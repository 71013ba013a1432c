//! Where the time of a run goes.

use std::time::{Duration, Instant};

use graph::{Argument, Donation, ExecError, Graph, check_donations};
use tensor::Tensor;

use crate::{Cpu, executable::Compiled};

/// The time of one step of a compiled graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepTime {
    /// What the step does, for people.
    pub what: String,
    /// The shortest time of all runs.
    pub shortest: Duration,
}

impl Cpu {
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
        check_donations(graph, donations)?;
        let mut compiled = Compiled::new(graph, donations, self.options)?;
        let mut times: Vec<StepTime> = compiled
            .steps()
            .iter()
            .map(|step| StepTime { what: step.describe(), shortest: Duration::MAX })
            .collect();
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
