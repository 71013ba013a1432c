//! Which values an output depends on.

use graph::{Graph, Val};

/// For each value, whether any of `targets` depends on it (or is it).
pub(crate) fn live_towards(graph: &Graph, targets: &[Val]) -> Vec<bool> {
    let mut live = vec![false; graph.len()];
    for target in targets {
        live[target.position()] = true;
    }
    for val in graph.vals().rev() {
        if live[val.position()] {
            for operand in graph.operands(val) {
                live[operand.position()] = true;
            }
        }
    }
    live
}
