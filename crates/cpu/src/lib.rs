//! The CPU executor: schedule, fusion, memory plan and kernels.
//!
//! A graph is lowered to nodes over buffers (`lower`), where reshapes, transposes and broadcasts are views; nodes are
//! grouped into fused loops (`fuse`), ordered (`schedule`), laid out in one arena (`layout`, `plan`), and each group
//! becomes a step: a loop (`loops`), a batch of matrix products (`product`, `gemm`), a convolution (`conv`), a look-up
//! (`lookup`), or one of the kernels for windows, factorisations and systems (`kernel`). No primitive is left to a
//! slow path; `log1p` and `power`, and the transcendental functions of `f64`, call the standard library (`erf` of
//! `f64` crate `libm`) element by element.
//!
//! Results have the same bits for any number of threads, and those of loops on every processor. Matrix products
//! and convolutions depend on the instruction set, because the order of summation and the rounding of products do.

mod accuracy;
mod cache;
mod conv;
mod conv_step;
mod cost;
mod executable;
mod fingerprint;
mod finite;
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
mod prefetch;
mod product;
mod profile;
mod program;
mod schedule;
mod scratch;
mod step;
mod system;
#[cfg(test)]
mod tests;
mod trigonometry;
mod vector;
mod view;

use std::sync::Arc;

use graph::{Donation, ExecError, Executable, Executor, Graph, check_donations};

pub use accuracy::Accuracy;
pub use profile::{StepCost, StepTime};

use crate::{cache::Cache, executable::Compiled, finite::Checked, isa::Isa, program::Options};

/// Runs graphs on the processor, on as many threads as the rayon pool has in which a run is started.
///
/// What has been compiled is kept, without its working memory: the same graph with the same donations is compiled once
/// for an executor and its clones. The key is a fingerprint of 128 bits of the graph, its constants included; the 32
/// programs used last are kept.
#[derive(Clone, Debug)]
pub struct Cpu {
    options: Options,
    checks_finite: bool,
    cache: Arc<Cache>,
}

impl Cpu {
    /// The executor, with the widest instruction set that the processor has.
    #[must_use]
    pub fn new() -> Self {
        let options = Options { fusing: true, isa: Isa::best() };
        Self { options, checks_finite: false, cache: Arc::default() }
    }

    /// The executor for debugging: a run ends with [`ExecError::NotFinite`], which names the first value that has NaN
    /// or infinity although all its operands are finite. Other runs return the same bits as ever; they take twice the
    /// time, and memory for all values of the graph.
    #[must_use]
    pub fn checking_finite(self) -> Self {
        Self { checks_finite: true, ..self }
    }

    fn compiled(&self, graph: &Graph, donations: &[Donation]) -> Result<Compiled, ExecError> {
        check_donations(graph, donations)?;
        Compiled::new(self.cache.program(graph, donations, self.options)?)
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
        let results = Box::new(self.compiled(graph, donations)?);
        if !self.checks_finite {
            return Ok(results);
        }
        let values = Box::new(self.compiled(&graph.with_every_value(), &[])?);
        Ok(Box::new(Checked { graph: graph.clone(), values, results }))
    }
}
