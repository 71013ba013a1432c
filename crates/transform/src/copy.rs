//! Copying parts of graphs.

use graph::{Builder, Def, Graph, Val};

use crate::eliminate_dead_code;

/// Declares the inputs of `graph` in `b`, with their names and roles.
pub(crate) fn copied_inputs(b: &mut Builder, graph: &Graph) -> Vec<Val> {
    let inputs = graph.inputs().iter();
    inputs.map(|input| b.input(input.name.clone(), input.role, graph.ty(input.val).clone())).collect()
}

/// Copies inputs and applications, keeping names and roles; returns what each value became.
pub(crate) fn copy_all(b: &mut Builder, graph: &Graph) -> Vec<Val> {
    let inputs = copied_inputs(b, graph);
    b.inline(graph, &inputs)
}

/// Copies what does not depend on the linear inputs: the values for which `depends` is false.
pub(crate) fn copy_known(b: &mut Builder, graph: &Graph, depends: &[bool]) -> Vec<Option<Val>> {
    let mut known: Vec<Option<Val>> = Vec::with_capacity(graph.len());
    for val in graph.vals() {
        let copy = match graph.def(val) {
            _ if depends[val.position()] => None,
            Def::Input(position) => {
                let input = &graph.inputs()[*position];
                Some(b.input(input.name.clone(), input.role, graph.ty(val).clone()))
            }
            Def::Apply { op, operands } => {
                let operands: Option<Vec<Val>> =
                    operands.iter().map(|operand| known[operand.position()]).collect();
                operands.map(|operands| b.apply(op.clone(), &operands))
            }
        };
        known.push(copy);
    }
    known
}

/// `graph` without the other outputs.
pub(crate) fn only(graph: &Graph, output: usize) -> Graph {
    let mut b = Builder::new(graph.name());
    let values = copy_all(&mut b, graph);
    let output = &graph.outputs()[output];
    b.output(output.name.clone(), values[output.val.position()]);
    eliminate_dead_code(&b.finish())
}
