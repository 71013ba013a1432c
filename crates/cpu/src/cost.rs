//! What steps cost at least: operations on elements, and bytes between memory and processor.

use std::collections::BTreeMap;

use crate::{
    fuse::Group,
    node::{BufferId, Kind, MapOp, Node, Nodes, Unary},
    view::View,
};

/// The least that a step does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) operations: u64,
    pub(crate) bytes: u64,
}

/// The cost of a group, given which buffers are in memory. Elements that a group reads several times count once.
pub(crate) fn cost(nodes: &Nodes, group: &Group, stored: &[bool]) -> Cost {
    let members = || group.members.iter().map(|&member| &nodes.nodes[member]);
    let mut read: BTreeMap<BufferId, usize> = BTreeMap::new();
    for view in members().flat_map(|node| &node.operands).filter(|view| stored[view.buffer.0]) {
        let elements = touched(view).min(nodes.buffer(view.buffer).elements);
        let most = read.entry(view.buffer).or_insert(0);
        *most = elements.max(*most);
    }
    let results = members().map(|node| node.result).filter(|result| stored[result.0]);
    for result in results.clone() {
        // What the group reads of its own results is in its caches.
        read.remove(&result);
    }
    let size = |(buffer, elements): (BufferId, usize)| elements * nodes.buffer(buffer).dtype.size_bytes();
    let written: usize = results.map(|result| nodes.buffer(result).bytes()).sum();
    let bytes = read.into_iter().map(size).sum::<usize>() + written;
    Cost { operations: members().map(|node| operations(nodes, node)).sum(), bytes: bytes as u64 }
}

/// Different elements that a view shows.
fn touched(view: &View) -> usize {
    view.runs().into_iter().filter(|&(_, stride)| stride != 0).map(|(size, _)| size).product()
}

/// One for each element that an elementwise operation computes or a reduction takes in, whatever the function; two for
/// each multiplication and addition of a matrix product; none for movements.
fn operations(nodes: &Nodes, node: &Node) -> u64 {
    match &node.kind {
        Kind::Map(MapOp::Unary(Unary::Copy)) => 0,
        Kind::Map(_) | Kind::Fold { .. } => nodes.extent(node) as u64,
        Kind::Kernel(kernel) => kernel.operations(),
        Kind::Product(product) => product.operations(),
        Kind::Convolution(plan) => plan.operations() as u64,
        Kind::ScatterAdd(_) => nodes.buffer(node.operands[0].buffer).elements as u64,
        Kind::Join(_) | Kind::Gather(_) => 0,
    }
}
