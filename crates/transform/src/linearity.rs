//! Which graphs are linear in which inputs.

use graph::{Def, Diff, Graph, Prim, Val};

use crate::Rules;

/// A value depends on the linear inputs through an operand in which its primitive is not linear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NonLinear {
    /// The value.
    pub val: Val,
    /// The primitive that defines it.
    pub op: &'static str,
    /// The positions of its operands that depend on the linear inputs.
    pub operands: Vec<usize>,
}

/// Checks that every value of `graph` depends linearly on the inputs at positions `linear`, by the derivative
/// classes of the primitives.
///
/// # Errors
/// All values that do not.
pub fn check_linear(rules: Rules, graph: &Graph, linear: &[usize]) -> Result<(), Vec<NonLinear>> {
    let sources: Vec<Val> = linear.iter().map(|&position| graph.inputs()[position].val).collect();
    let depends = graph.depends_on(&sources);
    let faults: Vec<NonLinear> = graph.vals().filter_map(|val| fault(rules, graph, &depends, val)).collect();
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

fn fault(rules: Rules, graph: &Graph, depends: &[bool], val: Val) -> Option<NonLinear> {
    let Def::Apply { op, operands } = graph.def(val) else { return None };
    let dependent: Vec<usize> = (0..operands.len()).filter(|&k| depends[operands[k].position()]).collect();
    let fits = dependent.is_empty() || is_linear_in(rules, op, &dependent);
    (!fits).then(|| NonLinear { val, op: op.name(), operands: dependent })
}

fn is_linear_in(rules: Rules, op: &Prim, dependent: &[usize]) -> bool {
    match rules.of(op) {
        Diff::Zero | Diff::Smooth(_) => false,
        Diff::Linear(_) => true,
        Diff::Bilinear(_) => dependent.len() == 1,
        Diff::LinearIn(slots, ..) => dependent.iter().all(|operand| slots.contains(operand)),
    }
}
