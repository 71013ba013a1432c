//! Simplification: constant folding, common-subexpression and dead-code elimination.

mod fold;
mod parts;
mod rewrite;
mod share;

use graph::{Builder, Def, Graph, Prim, Val};

use crate::live::live_towards;

pub use fold::fold_constants;
pub(crate) use fold::splat_number;
pub use share::eliminate_common_subexpressions;

/// Folds constants, shares common subexpressions and drops dead code. The results keep their bits, but for the signs
/// of zeros, and but for sums over repetitions, which become products with their number.
#[must_use]
pub fn simplify(graph: &Graph) -> Graph {
    eliminate_dead_code(&eliminate_common_subexpressions(&fold_constants(graph)))
}

/// Drops applications that no output depends on. Inputs stay, used or not: they are the graph's signature.
#[must_use]
pub fn eliminate_dead_code(graph: &Graph) -> Graph {
    let outputs: Vec<Val> = graph.outputs().iter().map(|output| output.val).collect();
    let live = live_towards(graph, &outputs);
    rebuild(graph, |b, val, op, operands| {
        // What is dead is never asked for again; any earlier value may stand for it.
        if live[val.position()] { b.apply(op.clone(), operands) } else { Val::new(0) }
    })
}

/// Builds the graph again with each application replaced by what `apply` makes of it, given its operands as
/// they were rebuilt.
fn rebuild(graph: &Graph, mut apply: impl FnMut(&mut Builder, Val, &Prim, &[Val]) -> Val) -> Graph {
    let mut b = Builder::new(graph.name());
    let mut rebuilt: Vec<Val> = Vec::with_capacity(graph.len());
    for val in graph.vals() {
        let copy = match graph.def(val) {
            Def::Input(position) => {
                let input = &graph.inputs()[*position];
                b.input(input.name.clone(), input.role, graph.ty(val).clone())
            }
            Def::Apply { op, operands } => {
                let operands: Vec<Val> = operands.iter().map(|operand| rebuilt[operand.position()]).collect();
                apply(&mut b, val, op, &operands)
            }
        };
        rebuilt.push(copy);
    }
    for output in graph.outputs() {
        b.output(output.name.clone(), rebuilt[output.val.position()]);
    }
    b.finish()
}
