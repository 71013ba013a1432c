//! Which nodes run together in one loop.

mod extent;
mod group;
mod ranks;
mod recompute;

use self::{ranks::Ranks, recompute::recompute};
use crate::{
    node::{Kind, Nodes},
    view::View,
};

pub(crate) use self::{
    extent::{Extent, Level, MAX_ROW},
    group::Group,
};

/// Most nodes in one loop: keeps the registers of a tile in the innermost cache.
const MAX_MEMBERS: usize = 64;

/// Groups all nodes. Each elementwise node or reduction joins the loops that compute its operands wherever it reads
/// them position by position, or row by row, and no other path leads from one to the other; then loops that read the
/// same memory are joined; then values are computed again where that costs less than storing them.
pub(crate) fn fuse(nodes: &mut Nodes, fusing: bool) -> Vec<Group> {
    let drafts = if fusing {
        let drafts = Fusion::new(nodes).run();
        recompute(nodes, drafts)
    } else {
        Fusion::new(nodes).drafts()
    };
    drafts.into_iter().map(|draft| Group::new(nodes, draft)).collect()
}

/// The nodes of a group, in an order in which they can run.
#[derive(Clone, Debug)]
struct Draft {
    members: Vec<usize>,
    /// What a loop runs over; `None` where the group is not a loop or has no elements.
    extent: Option<Extent>,
}

struct Fusion<'a> {
    nodes: &'a Nodes,
    producers: Vec<Option<usize>>,
    users: Vec<Vec<usize>>,
    /// The group of each node; the nodes of each group, empty for groups merged into others.
    group_of: Vec<usize>,
    members: Vec<Vec<usize>>,
    /// What each group runs over; `None` where it is not a loop or has no elements.
    extents: Vec<Option<Extent>>,
    ranks: Ranks,
}

impl<'a> Fusion<'a> {
    fn new(nodes: &'a Nodes) -> Self {
        let producers = nodes.producers();
        let count = nodes.nodes.len();
        let mut users = vec![Vec::new(); count];
        let mut reads = Vec::with_capacity(count);
        for (position, node) in nodes.nodes.iter().enumerate() {
            let sources: Vec<usize> =
                node.operands.iter().filter_map(|view| producers[view.buffer.0]).collect();
            sources.iter().for_each(|&producer| users[producer].push(position));
            reads.push(sources);
        }
        let extent = |node: &crate::node::Node| {
            let is_loop = matches!(node.kind, Kind::Map(_) | Kind::Join(_) | Kind::Fold { .. });
            (is_loop && nodes.extent(node) > 0).then(|| Extent::of(nodes, node))
        };
        Self {
            nodes,
            producers,
            users,
            group_of: (0..count).collect(),
            members: (0..count).map(|node| vec![node]).collect(),
            extents: nodes.nodes.iter().map(extent).collect(),
            ranks: Ranks::new(&reads),
        }
    }

    fn run(mut self) -> Vec<Draft> {
        for (position, node) in self.nodes.nodes.iter().enumerate() {
            for view in &node.operands {
                if let Some(producer) = self.producers[view.buffer.0] {
                    self.try_merge(producer, position);
                }
            }
        }
        self.merge_siblings();
        self.drafts()
    }

    /// Merges the group of `user` into that of `producer`, where one loop can run both.
    fn try_merge(&mut self, producer: usize, user: usize) {
        let (from, to) = (self.group_of[producer], self.group_of[user]);
        if from != to
            && let Some(extent) = self.joint_extent(from, to)
            && self.edges_fuse(from, to, extent.matrix())
            && !self.leads_around(from, to)
        {
            self.merge(from, to, extent);
        }
    }

    fn joint_extent(&self, from: usize, to: usize) -> Option<Extent> {
        let small = self.members[from].len() + self.members[to].len() <= MAX_MEMBERS;
        self.extents[from]?.join(self.extents[to]?).filter(|_| small)
    }

    fn merge(&mut self, from: usize, to: usize, extent: Extent) {
        let moved = std::mem::take(&mut self.members[to]);
        for &member in &moved {
            self.group_of[member] = from;
        }
        self.members[from].extend(moved);
        self.extents[from] = Some(extent);
        let users = user_groups(&self.members, &self.users, &self.group_of);
        self.ranks.raise(from, self.ranks.of(to), users);
    }

    /// Whether all that one group reads of the other can be had within a loop over this matrix.
    fn edges_fuse(&self, from: usize, to: usize, matrix: (usize, usize)) -> bool {
        self.members[from].iter().all(|&producer| {
            let mut users = self.users[producer].iter().filter(|&&user| self.group_of[user] == to);
            users.all(|&user| self.is_fusable(producer, user, matrix))
        })
    }

    /// Whether `user` could read every result of `producer` that it reads within one loop.
    fn is_fusable(&self, producer: usize, user: usize, matrix: (usize, usize)) -> bool {
        let (from, to) = (&self.nodes.nodes[producer], &self.nodes.nodes[user]);
        let Some(level) = Level::result(self.nodes, from, matrix) else { return false };
        let reader = Level::computed(self.nodes, to, matrix);
        let mut views = to.operands.iter().filter(|view| view.buffer == from.result);
        // What is joined is read at other positions.
        !matches!(to.kind, Kind::Join(_)) && views.all(|view| is_in_step(view, level, reader, matrix))
    }

    /// Whether a path leads from one group to another through a third: merging would close a circle.
    fn leads_around(&mut self, from: usize, to: usize) -> bool {
        let users = user_groups(&self.members, &self.users, &self.group_of);
        self.ranks.leads_around(from, to, users)
    }

    /// Merges loops that read the same buffer, which is then read once.
    fn merge_siblings(&mut self) {
        let mut readers = vec![Vec::new(); self.nodes.buffers.len()];
        for (position, node) in self.nodes.nodes.iter().enumerate() {
            for view in node.operands.iter().filter(|view| view.elements() > 1) {
                readers[view.buffer.0].push(position);
            }
        }
        for readers in readers {
            for pair in readers.windows(2) {
                self.try_merge_siblings(pair[0], pair[1]);
            }
        }
    }

    fn try_merge_siblings(&mut self, one: usize, other: usize) {
        let (mut from, mut to) = (self.group_of[one], self.group_of[other]);
        if self.ranks.of(from) > self.ranks.of(to) {
            (from, to) = (to, from);
        }
        if from != to
            && self.ranks.of(to) - self.ranks.of(from) <= MAX_SIBLING_DISTANCE
            && let Some(extent) = self.joint_extent(from, to)
            && self.is_same_work(from, to)
            && self.edges_fuse(from, to, extent.matrix())
            && !self.leads_around(from, to)
        {
            self.merge(from, to, extent);
        }
    }

    /// Whether both groups run over equally many elements: only then do they read a buffer in step.
    fn is_same_work(&self, from: usize, to: usize) -> bool {
        let elements = |group: usize| {
            self.extents[group].map(|extent| {
                let (rows, columns) = extent.matrix();
                rows * columns
            })
        };
        elements(from) == elements(to)
    }

    fn drafts(self) -> Vec<Draft> {
        let groups = self.members.into_iter().zip(self.extents).filter(|(members, _)| !members.is_empty());
        let draft = |(mut members, extent): (Vec<usize>, _)| {
            members.sort_unstable();
            Draft { members, extent }
        };
        groups.map(draft).collect()
    }
}

/// Loops whose ranks are further apart are not merged for reading the same buffer: what one of them has computed would
/// have to be kept for longer.
const MAX_SIBLING_DISTANCE: usize = 4;

/// Whether a view shows, at the level of its reader, what a loop has just computed at another level.
fn is_in_step(view: &View, from: Level, to: Level, (rows, columns): (usize, usize)) -> bool {
    match (from, to) {
        (Level::Full, Level::Full) => view.is_whole(rows * columns),
        (Level::Row, Level::Row) => view.is_whole(rows),
        (Level::Row, Level::Full) => view.repeats_rows(rows, columns),
        (Level::Full, Level::Row) => false,
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
