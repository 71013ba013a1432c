//! The reference evaluator: what a graph means, slowly.

use tensor::Tensor;

use crate::{
    Argument, Def, Donation, ExecError, Executable, Executor, Graph,
    executor::{check_arguments, check_donations},
};

/// Runs a graph node by node with each primitive's own `eval`. Other executors are tested against it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reference;

impl Reference {
    /// The values of all outputs of `graph` at `arguments`.
    ///
    /// # Errors
    /// Where the number or the types of the arguments are not those of the inputs.
    pub fn evaluate(graph: &Graph, arguments: &[&Tensor]) -> Result<Vec<Tensor>, ExecError> {
        let values = Self::evaluate_all(graph, arguments)?;
        Ok(graph.outputs().iter().map(|output| values[output.val.position()].clone()).collect())
    }

    /// The values of all inputs and applications of `graph`, in order of definition.
    ///
    /// # Errors
    /// Where the number or the types of the arguments are not those of the inputs.
    pub fn evaluate_all(graph: &Graph, arguments: &[&Tensor]) -> Result<Vec<Tensor>, ExecError> {
        let borrowed: Vec<Argument<'_>> =
            arguments.iter().map(|&tensor| Argument::Borrowed(tensor)).collect();
        check_arguments(graph, &borrowed)?;
        let mut values: Vec<Tensor> = Vec::with_capacity(graph.len());
        for val in graph.vals() {
            let value = match graph.def(val) {
                Def::Input(position) => arguments[*position].clone(),
                Def::Apply { op, operands } => {
                    let operands: Vec<&Tensor> = operands.iter().map(|o| &values[o.position()]).collect();
                    op.eval(&operands)
                }
            };
            values.push(value);
        }
        Ok(values)
    }
}

impl Executor for Reference {
    fn name(&self) -> String {
        "reference".to_owned()
    }

    fn compile(&self, graph: &Graph, donations: &[Donation]) -> Result<Box<dyn Executable>, ExecError> {
        check_donations(graph, donations)?;
        Ok(Box::new(Interpreted(graph.clone())))
    }
}

struct Interpreted(Graph);

impl Executable for Interpreted {
    fn run(&mut self, arguments: Vec<Argument<'_>>) -> Result<Vec<Tensor>, ExecError> {
        let tensors: Vec<&Tensor> = arguments.iter().map(Argument::tensor).collect();
        Reference::evaluate(&self.0, &tensors)
    }

    fn workspace_bytes(&self) -> usize {
        self.0.vals().map(|val| self.0.ty(val).size_bytes()).sum()
    }

    fn result_bytes(&self) -> usize {
        self.0.outputs().iter().map(|output| self.0.ty(output.val).size_bytes()).sum()
    }
}
