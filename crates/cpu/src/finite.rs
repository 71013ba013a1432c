//! Finding the first node that makes NaN or infinity.

use graph::{Argument, Def, ExecError, Executable, Graph, Val};
use tensor::{Buffer, Tensor};

/// An executable that runs another one, after it has checked all values of a graph.
pub(crate) struct Checked {
    pub(crate) graph: Graph,
    /// Returns the values of the graph in order of definition.
    pub(crate) values: Box<dyn Executable>,
    /// Returns the results.
    pub(crate) results: Box<dyn Executable>,
}

impl Executable for Checked {
    fn run(&mut self, arguments: Vec<Argument<'_>>) -> Result<Vec<Tensor>, ExecError> {
        let borrowed = arguments.iter().map(|argument| Argument::Borrowed(argument.tensor())).collect();
        let values = self.values.run(borrowed)?;
        match first_fault(&self.graph, &values) {
            None => self.results.run(arguments),
            Some((val, op)) => Err(ExecError::NotFinite {
                graph: self.graph.name().to_owned(),
                value: format!("%{}", val.position()),
                op: op.to_owned(),
            }),
        }
    }

    fn workspace_bytes(&self) -> usize {
        let checking = self.values.workspace_bytes() + self.values.result_bytes();
        checking + self.results.workspace_bytes()
    }

    fn result_bytes(&self) -> usize {
        self.results.result_bytes()
    }
}

/// The first value that has NaN or infinity although all its operands are finite, with its primitive.
fn first_fault<'a>(graph: &'a Graph, values: &[Tensor]) -> Option<(Val, &'a str)> {
    let finite: Vec<bool> = values.iter().map(is_finite).collect();
    graph.vals().find_map(|val| match graph.def(val) {
        Def::Apply { op, operands } => {
            let from_finite = operands.iter().all(|operand| finite[operand.position()]);
            (!operands.is_empty() && from_finite && !finite[val.position()]).then(|| (val, op.name()))
        }
        Def::Input(_) => None,
    })
}

fn is_finite(tensor: &Tensor) -> bool {
    match tensor.buffer() {
        Buffer::F32(elements) => elements.iter().all(|x| x.is_finite()),
        Buffer::F64(elements) => elements.iter().all(|x| x.is_finite()),
        Buffer::I32(_) | Buffer::Bool(_) => true,
    }
}
