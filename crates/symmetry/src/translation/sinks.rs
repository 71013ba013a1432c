//! Biases that can take over what changes in front of them.

use std::collections::BTreeMap;

use graph::{Def, Graph, Prim, Role, Val};

use crate::lines::Lines;

/// A parameter that is used once, where it is added to something.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sink {
    pub(super) input: Val,
    /// Which operand of the sum it is.
    pub(super) position: usize,
    /// The axes of the sum along which it is repeated.
    pub(super) repeated: Vec<usize>,
}

/// By the sum, all biases of a graph.
pub(super) fn sinks(lines: &Lines<'_>) -> BTreeMap<Val, Sink> {
    let graph = lines.graph;
    let mut uses = vec![0_usize; graph.len()];
    graph.outputs().iter().for_each(|output| uses[output.val.position()] += 1);
    lines.vals().flat_map(|val| graph.operands(val)).for_each(|operand| uses[operand.position()] += 1);
    let sums = lines.vals().filter_map(|val| match graph.def(val) {
        Def::Apply { op: Prim::Add(_), operands } => Some((val, operands)),
        _ => None,
    });
    let sink = |(val, operands): (Val, &Vec<Val>)| {
        let bias = |position: usize| {
            let (input, bound) = bias(graph, &uses, operands[position])?;
            let repeated = (0..bound.len()).filter(|&axis| !bound[axis]).collect();
            Some((val, Sink { input, position, repeated }))
        };
        bias(1).or_else(|| bias(0))
    };
    sums.filter_map(sink).collect()
}

/// The parameter that a value is a copy of and that nothing else uses, and which axes of the value are its own.
fn bias(graph: &Graph, uses: &[usize], val: Val) -> Option<(Val, Vec<bool>)> {
    if uses[val.position()] != 1 {
        return None;
    }
    let shape = &graph.ty(val).shape;
    match graph.def(val) {
        Def::Input(position) => {
            (graph.inputs()[*position].role == Role::Parameter).then(|| (val, vec![true; shape.rank()]))
        }
        Def::Apply { op, operands } => {
            let inner = || bias(graph, uses, *operands.first()?);
            match op {
                Prim::BroadcastInDim(op) => {
                    let (input, own) = inner()?;
                    let mut bound = vec![false; shape.rank()];
                    op.axes.iter().zip(own).for_each(|(&axis, own)| bound[axis] = own);
                    Some((input, bound))
                }
                Prim::Transpose(op) => {
                    let (input, own) = inner()?;
                    Some((input, op.permutation.iter().map(|&axis| own[axis]).collect()))
                }
                Prim::Reshape(_) => {
                    let (input, own) = inner()?;
                    own.iter().all(|own| *own).then(|| (input, vec![true; shape.rank()]))
                }
                _ => None,
            }
        }
    }
}
