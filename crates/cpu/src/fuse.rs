//! Which nodes run together in one loop.

use crate::{
    node::{Kind, Nodes},
    ranks::Ranks,
};

/// Nodes that run together: a single product, or maps and reductions over the same matrix, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) members: Vec<usize>,
    /// Rows and columns of the matrix that a loop runs over; one row where nothing is reduced.
    pub(crate) rows: usize,
    pub(crate) columns: usize,
}

/// Most nodes in one loop: keeps the registers of a tile in the innermost cache.
const MAX_MEMBERS: usize = 48;

/// Groups all nodes. Each elementwise node joins the loops that compute its operands wherever it reads them position
/// by position and no other path leads from one to the other.
pub(crate) fn fuse(nodes: &Nodes, fusing: bool) -> Vec<Group> {
    let mut fusion = Fusion::new(nodes);
    if fusing {
        for (position, node) in nodes.nodes.iter().enumerate() {
            for view in &node.operands {
                if let Some(producer) = fusion.producers[view.buffer.0]
                    && fusion.is_fusable(producer, position)
                {
                    fusion.try_merge(producer, position);
                }
            }
        }
    }
    fusion.finish()
}

struct Fusion<'a> {
    nodes: &'a Nodes,
    producers: Vec<Option<usize>>,
    users: Vec<Vec<usize>>,
    /// The group of each node; the nodes of each group, empty for groups merged into others.
    group_of: Vec<usize>,
    members: Vec<Vec<usize>>,
    /// The matrix that a group's reductions demand.
    matrices: Vec<Option<(usize, usize)>>,
    ranks: Ranks,
}

impl<'a> Fusion<'a> {
    fn new(nodes: &'a Nodes) -> Self {
        let producers = nodes.producers();
        let mut users = vec![Vec::new(); nodes.nodes.len()];
        let mut reads = Vec::with_capacity(nodes.nodes.len());
        for (position, node) in nodes.nodes.iter().enumerate() {
            let sources: Vec<usize> =
                node.operands.iter().filter_map(|view| producers[view.buffer.0]).collect();
            sources.iter().for_each(|&producer| users[producer].push(position));
            reads.push(sources);
        }
        let matrix = |kind: &Kind| match *kind {
            Kind::Fold { rows, columns, .. } => Some((rows, columns)),
            _ => None,
        };
        let matrices = nodes.nodes.iter().map(|node| matrix(&node.kind)).collect();
        let count = nodes.nodes.len();
        let members = (0..count).map(|node| vec![node]).collect();
        let group_of = (0..count).collect();
        Self { nodes, producers, users, group_of, members, matrices, ranks: Ranks::new(&reads) }
    }

    /// Whether `user` could read every result of `producer` that it reads position by position, within one loop.
    fn is_fusable(&self, producer: usize, user: usize) -> bool {
        let (from, to) = (&self.nodes.nodes[producer], &self.nodes.nodes[user]);
        let extent = self.nodes.extent(to);
        matches!(from.kind, Kind::Map(_) | Kind::Join(_))
            && matches!(to.kind, Kind::Map(_) | Kind::Fold { .. })
            && self.nodes.extent(from) == extent
            && to.operands.iter().filter(|view| view.buffer == from.result).all(|view| view.is_whole(extent))
    }

    fn try_merge(&mut self, producer: usize, user: usize) {
        let (from, to) = (self.group_of[producer], self.group_of[user]);
        let fits = from != to
            && self.members[from].len() + self.members[to].len() <= MAX_MEMBERS
            && self.matrices[from].is_none_or(|a| self.matrices[to].is_none_or(|b| a == b))
            && self.edges_fuse(from, to)
            && !self.leads_around(from, to);
        if fits {
            self.merge(from, to);
        }
    }

    fn merge(&mut self, from: usize, to: usize) {
        let moved = std::mem::take(&mut self.members[to]);
        for &member in &moved {
            self.group_of[member] = from;
        }
        self.members[from].extend(moved);
        self.matrices[from] = self.matrices[from].or(self.matrices[to]);
        let users = user_groups(&self.members, &self.users, &self.group_of);
        self.ranks.raise(from, self.ranks.of(to), users);
    }

    fn edges_fuse(&self, from: usize, to: usize) -> bool {
        self.members[from].iter().all(|&producer| {
            let users = self.users[producer].iter().filter(|&&user| self.group_of[user] == to);
            users.into_iter().all(|&user| self.is_fusable(producer, user))
        })
    }

    /// Whether a path leads from one group to another through a third: merging would close a circle.
    fn leads_around(&mut self, from: usize, to: usize) -> bool {
        let users = user_groups(&self.members, &self.users, &self.group_of);
        self.ranks.leads_around(from, to, users)
    }

    fn finish(self) -> Vec<Group> {
        let matrices = self.matrices;
        let groups = self.members.into_iter().zip(matrices).filter(|(members, _)| !members.is_empty());
        groups
            .map(|(mut members, matrix)| {
                members.sort_unstable();
                let extent = self.nodes.extent(&self.nodes.nodes[members[0]]);
                let (rows, columns) = matrix.unwrap_or((1, extent));
                Group { members, rows, columns }
            })
            .collect()
    }
}

/// What adds to a list the groups that read results of a group, with repetitions, itself among them.
fn user_groups<'a>(
    members: &'a [Vec<usize>],
    users: &'a [Vec<usize>],
    group_of: &'a [usize],
) -> impl Fn(usize, &mut Vec<usize>) + 'a {
    |group, into| {
        for &member in &members[group] {
            into.extend(users[member].iter().map(|&user| group_of[user]));
        }
    }
}
