//! Contractions that share an operand, joined into one.

use std::collections::BTreeMap;

use graph::{Builder, Def, Graph, Prim, Val, ops::DotGeneral};

use crate::eliminate_dead_code;

/// Joins contractions `xᵢ · y` with the same right operand, whose left operands all exist before the first of them,
/// into one contraction of the concatenated left operands, and slices the results out of it: an unrolled recurrent
/// network multiplies each step's small matrix with the same tangents of weights. Joined are left operands smaller
/// than the right one, along their first remaining axis, so that slices are contiguous; and only such as all depend
/// or all do not depend on the inputs at positions `linear`, so that a graph linear in these stays so. Each element
/// of the results is the same sum.
pub(crate) fn join_contractions(graph: &Graph, linear: &[usize]) -> Graph {
    let sources: Vec<Val> = linear.iter().map(|&position| graph.inputs()[position].val).collect();
    let groups = groups(graph, &graph.depends_on(&sources));
    if groups.is_empty() {
        return graph.clone();
    }
    let mut b = Builder::new(graph.name());
    let inputs = b.copy_inputs(graph);
    let mut copies: Vec<Val> = Vec::with_capacity(graph.len());
    let mut slices: BTreeMap<Val, Val> = BTreeMap::new();
    for val in graph.vals() {
        if let Some(group) = groups.get(&val) {
            slices.extend(joined(&mut b, graph, group, &copies));
        }
        let copy = match graph.def(val) {
            Def::Input(position) => inputs[*position],
            Def::Apply { op, operands } => slices.get(&val).copied().unwrap_or_else(|| {
                let operands: Vec<Val> = operands.iter().map(|operand| copies[operand.position()]).collect();
                b.apply(op.clone(), &operands)
            }),
        };
        copies.push(copy);
    }
    for output in graph.outputs() {
        b.output(output.name.clone(), copies[output.val.position()]);
    }
    eliminate_dead_code(&b.finish())
}

/// A contraction that may be joined: with which others, and along which axis of its left operand.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    rhs: Val,
    is_linear: bool,
    lhs_contract: Vec<usize>,
    rhs_contract: Vec<usize>,
    axis: usize,
    /// The left operand's sizes, but for the axis.
    sizes: Vec<usize>,
}

impl Key {
    fn of(graph: &Graph, op: &DotGeneral, operands: &[Val], is_linear: bool) -> Option<Self> {
        let (lhs, rhs) = (&graph.ty(operands[0]).shape, &graph.ty(operands[1]).shape);
        let axis = *op.lhs_free(lhs.rank()).first()?;
        let mut sizes = lhs.to_vec();
        sizes.remove(axis);
        let fits = op.lhs_batch.is_empty() && lhs.elements() < rhs.elements();
        fits.then(|| Self {
            rhs: operands[1],
            is_linear,
            lhs_contract: op.lhs_contract.clone(),
            rhs_contract: op.rhs_contract.clone(),
            axis,
            sizes,
        })
    }
}

/// The groups of at least two contractions, each under its first member.
fn groups(graph: &Graph, depends: &[bool]) -> BTreeMap<Val, Vec<Val>> {
    let mut open: BTreeMap<Key, Val> = BTreeMap::new();
    let mut groups: BTreeMap<Val, Vec<Val>> = BTreeMap::new();
    for val in graph.vals() {
        let Def::Apply { op: Prim::DotGeneral(op), operands } = graph.def(val) else { continue };
        let Some(key) = Key::of(graph, op, operands, depends[val.position()]) else { continue };
        let first = open.entry(key).or_insert(val);
        if operands[0] > *first {
            *first = val;
        }
        groups.entry(*first).or_default().push(val);
    }
    groups.retain(|_, members| members.len() > 1);
    groups
}

/// One contraction for all `members`, and the slice that stands for each.
fn joined(b: &mut Builder, graph: &Graph, members: &[Val], copies: &[Val]) -> Vec<(Val, Val)> {
    let Def::Apply { op: Prim::DotGeneral(op), operands } = graph.def(members[0]) else {
        unreachable!("groups hold contractions")
    };
    let axis = op.lhs_free(graph.ty(operands[0]).shape.rank())[0];
    let lhs: Vec<Val> = members.iter().map(|&member| copies[graph.operands(member)[0].position()]).collect();
    let all = b.concatenate(&lhs, axis);
    let product = b.dot_general(op.clone(), all, copies[operands[1].position()]);
    let mut start = 0;
    let slice = |(&member, lhs): (&Val, Val)| {
        let range = start..start + b.shape(lhs)[axis];
        start = range.end;
        (member, b.slice_axis(product, 0, range))
    };
    members.iter().zip(lhs).map(slice).collect()
}
