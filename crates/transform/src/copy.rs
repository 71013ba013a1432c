//! Copying parts of graphs.

use graph::{Builder, Def, Graph, Val};

use crate::eliminate_dead_code;

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
    let values = b.copy(graph);
    let output = &graph.outputs()[output];
    b.output(output.name.clone(), values[output.val.position()]);
    eliminate_dead_code(&b.finish())
}
