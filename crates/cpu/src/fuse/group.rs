//! The groups that fusion makes.

use super::{Draft, Extent, Level};
use crate::{
    node::{Node, Nodes},
    view::View,
};

/// Nodes that run together: a single product, or maps and reductions over the same matrix, in an order in which they
/// can run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) members: Vec<usize>,
    /// Rows and columns of the matrix that a loop runs over; one row where nothing is reduced or repeated.
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    /// Whether a member reads what another has computed for each row: whole rows must be in a tile.
    pub(crate) row_local: bool,
}

impl Group {
    pub(super) fn new(nodes: &Nodes, draft: Draft) -> Self {
        let Draft { members, extent } = draft;
        let nodes_of: Vec<&Node> = members.iter().map(|&member| &nodes.nodes[member]).collect();
        let (rows, columns) = match extent {
            Some(Extent::Flat(elements)) => arrangement(&nodes_of, elements),
            Some(matrix) => matrix.matrix(),
            None => Extent::of(nodes, nodes_of[0]).matrix(),
        };
        let row_local = has_inner_rows(nodes, &nodes_of, (rows, columns));
        Self { members, rows, columns, row_local }
    }
}

/// Rows and columns for elementwise operations: such that a vector that is repeated for each row is seen as one.
fn arrangement(members: &[&Node], elements: usize) -> (usize, usize) {
    let repeated = |view: &View| match view.runs()[..] {
        [(rows, 0), _, ..] if view.elements() == elements => Some((rows, elements / rows)),
        _ => None,
    };
    let mut views = members.iter().flat_map(|node| &node.operands);
    views.find_map(repeated).unwrap_or((1, elements))
}

fn has_inner_rows(nodes: &Nodes, members: &[&Node], matrix: (usize, usize)) -> bool {
    let is_row = |node: &&&Node| Level::result(nodes, node, matrix) == Some(Level::Row);
    let rows: Vec<_> = members.iter().filter(is_row).map(|node| node.result).collect();
    members.iter().flat_map(|node| &node.operands).any(|view| rows.contains(&view.buffer))
}
