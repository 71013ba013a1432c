//! Runs that use the memory of results again.

use graph::{Argument, Builder, Donation, ExecError, Executable, Executor, Graph, Ty};
use tensor::Tensor;

use crate::fresh::Names;

/// A compiled graph whose results are written where the results of the last run stood.
pub(crate) struct Recycling {
    pub(crate) executable: Box<dyn Executable>,
    types: Vec<Ty>,
    /// The results of the last run; none before the first and after a failed one.
    results: Vec<Tensor>,
}

impl Recycling {
    pub(crate) fn compile(executor: &dyn Executor, graph: &Graph) -> Result<Self, ExecError> {
        let types = graph.outputs().iter().map(|output| graph.ty(output.val).clone()).collect();
        let donations: Vec<Donation> = (0..graph.outputs().len())
            .map(|output| Donation { input: graph.inputs().len() + output, output })
            .collect();
        let executable = executor.compile(&with_spare_inputs(graph), &donations)?;
        Ok(Self { executable, types, results: Vec::new() })
    }

    pub(crate) fn run(&mut self, mut arguments: Vec<Argument<'_>>) -> Result<&[Tensor], ExecError> {
        let mut spare = std::mem::take(&mut self.results);
        if spare.is_empty() {
            spare = self.types.iter().map(|ty| Tensor::zeros(ty.dtype, ty.shape.clone())).collect();
        }
        arguments.extend(spare.into_iter().map(Argument::Donated));
        self.results = self.executable.run(arguments)?;
        Ok(&self.results)
    }
}

/// `graph` with one more input for each output, of its type, that nothing reads: memory to write the output into.
fn with_spare_inputs(graph: &Graph) -> Graph {
    let mut b = Builder::new(graph.name());
    let inputs = b.copy_inputs(graph);
    let mut names: Names = graph.inputs().iter().map(|input| input.name.as_str()).collect();
    for output in graph.outputs() {
        b.data(names.take(format!("memory.{}", output.name)), graph.ty(output.val).clone());
    }
    let values = b.inline(graph, &inputs);
    for output in graph.outputs() {
        b.output(output.name.clone(), values[output.val.position()]);
    }
    b.finish()
}
