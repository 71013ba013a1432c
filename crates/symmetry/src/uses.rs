//! What uses the values of a graph.

use graph::{Def, Graph, Prim, Val};

/// Where the values of a graph are used.
pub(crate) struct Uses<'a> {
    graph: &'a Graph,
    users: Vec<Vec<Val>>,
}

impl<'a> Uses<'a> {
    pub(crate) fn new(graph: &'a Graph) -> Self {
        let mut users = vec![Vec::new(); graph.len()];
        for val in graph.vals() {
            graph.operands(val).iter().for_each(|operand| users[operand.position()].push(val));
        }
        Self { graph, users }
    }

    pub(crate) fn of(&self, val: Val) -> &[Val] {
        &self.users[val.position()]
    }

    /// Whether one value alone uses a value, once.
    pub(crate) fn is_used_once(&self, val: Val) -> bool {
        self.of(val).len() == 1
    }

    /// A value with its reshaped and transposed copies.
    pub(crate) fn copies(&self, val: Val) -> Vec<Val> {
        let (mut copies, mut next) = (vec![val], 0);
        while let Some(&copy) = copies.get(next) {
            let moved = self.of(copy).iter().filter(|&&user| {
                matches!(self.graph.def(user), Def::Apply { op: Prim::Reshape(_) | Prim::Transpose(_), .. })
            });
            copies.extend(moved);
            next += 1;
        }
        copies
    }

    /// Whether the network returns a value as it is.
    pub(crate) fn is_returned(&self, val: Val) -> bool {
        let copies = self.copies(val);
        self.graph.outputs().iter().any(|output| copies.contains(&output.val))
    }

    /// Whether the sum over an axis of a value is taken, as for its mean.
    pub(crate) fn is_summed(&self, val: Val) -> bool {
        let copies = self.copies(val);
        let mut users = copies.iter().flat_map(|&copy| self.of(copy));
        users.any(|&user| matches!(self.graph.def(user), Def::Apply { op: Prim::ReduceSum(_), .. }))
    }
}
