//! Runs that use the memory of results again.

use graph::{Builder, Donation, ExecError, Executable, Executor, Graph, Placed, Ty, Value};
use tensor::Tensor;

use crate::fresh::Names;

/// A compiled graph whose results are written where the results of the last run stood. An executor with memory of its own
/// looks after that itself.
pub(crate) struct Recycling {
    pub(crate) executable: Box<dyn Executable>,
    /// Types of the results, where their memory is used again.
    types: Vec<Ty>,
    /// The results of the last run; none before the first and after a failed one.
    results: Vec<Tensor>,
}

impl Recycling {
    pub(crate) fn compile(executor: &dyn Executor, graph: &Graph) -> Result<Self, ExecError> {
        if executor.is_remote() {
            let executable = executor.compile(graph, &[])?;
            return Ok(Self { executable, types: Vec::new(), results: Vec::new() });
        }
        let types = graph.outputs().iter().map(|output| graph.ty(output.val).clone()).collect();
        let donations: Vec<Donation> = (0..graph.outputs().len())
            .map(|output| Donation { input: graph.inputs().len() + output, output })
            .collect();
        let executable = executor.compile(&with_spare_inputs(graph), &donations)?;
        Ok(Self { executable, types, results: Vec::new() })
    }

    /// Runs the graph; the results stand until the next run.
    pub(crate) fn run(&mut self, arguments: Vec<Placed<'_>>) -> Result<&[Tensor], ExecError> {
        let results = self.run_placed(arguments)?;
        self.results = results.into_iter().map(Value::into_tensor).collect::<Result<_, _>>()?;
        Ok(&self.results)
    }

    /// Runs the graph; the results are where the executor computes.
    pub(crate) fn run_placed(&mut self, mut arguments: Vec<Placed<'_>>) -> Result<Vec<Value>, ExecError> {
        let mut spare = std::mem::take(&mut self.results);
        if spare.is_empty() {
            spare = self.types.iter().map(|ty| Tensor::zeros(ty.dtype, ty.shape.clone())).collect();
        }
        if !self.types.is_empty() {
            arguments.extend(spare.into_iter().map(|tensor| Placed::Donated(Value::Host(tensor))));
        }
        self.executable.run_placed(arguments)
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
