//! The CPU executor: schedule, fusion, memory plan and kernels.
//!
//! A graph is lowered to nodes over buffers (`lower`), where reshapes, transposes and broadcasts are views; nodes are
//! grouped into fused loops (`fuse`), ordered (`schedule`), laid out in one arena (`layout`, `plan`), and each group
//! becomes a step: a loop (`loops`), a batch of matrix products (`product`, `gemm`), a convolution (`conv`), a look-up
//! (`lookup`), or one of the kernels for windows, factorisations and systems (`kernel`). No primitive is left to a
//! slow path; `log1p` and `power`, and the transcendental functions of `f64`, call the standard library (`erf` of
//! `f64` crate `libm`) element by element.
//!
//! Results have the same bits for any number of threads, and those of loops on every processor. Matrix products depend
//! on the processor's instruction set and cache sizes, because the order of summation does.

mod accuracy;
mod conv;
mod conv_step;
mod cost;
mod executable;
mod fuse;
mod gemm;
mod isa;
mod kernel;
mod layout;
mod lookup;
mod loops;
mod lower;
mod math;
mod memory;
mod node;
mod pattern;
mod plan;
mod product;
mod profile;
mod schedule;
mod step;
mod system;
#[cfg(test)]
mod tests;
mod trigonometry;
mod view;

use graph::{Donation, ExecError, Executable, Executor, Graph, check_donations};

pub use accuracy::Accuracy;
pub use profile::{StepCost, StepTime};

use crate::{
    executable::{Compiled, Options},
    isa::Isa,
};

/// Runs graphs on the processor, on as many threads as the rayon pool has in which a run is started.
#[derive(Clone, Copy, Debug)]
pub struct Cpu {
    options: Options,
}

impl Cpu {
    /// The executor, with the widest instruction set that the processor has.
    #[must_use]
    pub fn new() -> Self {
        Self { options: Options { fusing: true, isa: Isa::best() } }
    }
}

impl Default for Cpu {
    fn default() -> Self {
        Self::new()
    }
}

impl Executor for Cpu {
    fn name(&self) -> String {
        "cpu".to_owned()
    }

    fn compile(&self, graph: &Graph, donations: &[Donation]) -> Result<Box<dyn Executable>, ExecError> {
        check_donations(graph, donations)?;
        Ok(Box::new(Compiled::new(graph, donations, self.options)?))
    }
}
