//! The order in which groups run, and which donated arguments can be updated in place.

use std::collections::{BTreeMap, BTreeSet};

use graph::Donation;

use crate::{
    fuse::Group,
    node::{BufferId, BufferSpec, Kind, MapOp, Node, Nodes, Origin, Unary},
    view::View,
};

/// Groups in the order in which they run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schedule {
    pub(crate) steps: Vec<Group>,
    /// For each output buffer that is computed in the memory of a donated argument: the argument.
    pub(crate) in_place: BTreeMap<BufferId, usize>,
}

/// Orders the groups. Of those that can run, the first that releases at least as much memory as it takes is
/// preferred, and otherwise the first in the order of definition: results are used up while they are in the cache.
///
/// A donated argument is overwritten in place where all reads of it can come first; otherwise its output is computed
/// elsewhere, and a copy at the very end, when all reads are done, brings it there.
pub(crate) fn schedule(nodes: &mut Nodes, groups: Vec<Group>, donations: &[Donation]) -> Schedule {
    let mut in_place = BTreeMap::new();
    let mut staged = Vec::new();
    let mut order = Order::new(nodes, &groups);
    for donation in donations {
        let buffer = nodes.outputs[donation.output];
        if order.reserve(donation.input, buffer) {
            in_place.insert(buffer, donation.input);
        } else if matches!(nodes.buffer(buffer).origin, Origin::Computed) {
            staged.push(*donation);
        }
    }
    let sequence = order.run(&in_place);
    let mut groups: Vec<Option<Group>> = groups.into_iter().map(Some).collect();
    let mut steps: Vec<Group> = sequence.into_iter().filter_map(|group| groups[group].take()).collect();
    for Donation { input, output } in staged {
        steps.push(copy_output(nodes, output));
        in_place.insert(nodes.outputs[output], input);
    }
    Schedule { steps, in_place }
}

/// Gives an output a new buffer, and the group that copies the old one into it.
fn copy_output(nodes: &mut Nodes, output: usize) -> Group {
    let from = nodes.outputs[output];
    let BufferSpec { dtype, elements, .. } = *nodes.buffer(from);
    let result = BufferId(nodes.buffers.len());
    nodes.buffers.push(BufferSpec { dtype, elements, origin: Origin::Computed });
    let operands = vec![View::contiguous(from, &[elements])];
    let writer = nodes.nodes.iter().find(|node| node.result == from);
    let val = writer.map(|node| node.val).expect("staged outputs are computed");
    nodes.nodes.push(Node { kind: Kind::Map(MapOp::Unary(Unary::Copy)), operands, result, val });
    nodes.outputs[output] = result;
    Group { members: vec![nodes.nodes.len() - 1], rows: 1, columns: elements, row_local: false }
}

/// Dependencies between groups.
struct Order<'a> {
    nodes: &'a Nodes,
    groups: &'a [Group],
    /// The group that fills each buffer.
    writer: Vec<Option<usize>>,
    /// The groups that read each buffer, without its writer.
    readers: Vec<Vec<usize>>,
    /// The buffers that each group reads and does not fill, each once.
    outer_reads: Vec<Vec<BufferId>>,
    /// The groups that must wait for each group.
    after: Vec<Vec<usize>>,
    /// The buffer of each argument.
    arguments: BTreeMap<usize, BufferId>,
}

impl<'a> Order<'a> {
    fn new(nodes: &'a Nodes, groups: &'a [Group]) -> Self {
        let mut writer = vec![None; nodes.buffers.len()];
        for (position, group) in groups.iter().enumerate() {
            for &member in &group.members {
                writer[nodes.nodes[member].result.0] = Some(position);
            }
        }
        let mut readers = vec![Vec::new(); nodes.buffers.len()];
        let mut after = vec![Vec::new(); groups.len()];
        let mut outer_reads = Vec::with_capacity(groups.len());
        for (position, group) in groups.iter().enumerate() {
            let mut buffers: Vec<BufferId> =
                reads(nodes, group).filter(|buffer| writer[buffer.0] != Some(position)).collect();
            buffers.sort_unstable();
            buffers.dedup();
            for buffer in &buffers {
                readers[buffer.0].push(position);
                if let Some(writer) = writer[buffer.0] {
                    after[writer].push(position);
                }
            }
            outer_reads.push(buffers);
        }
        let argument = |(position, spec): (usize, &BufferSpec)| match spec.origin {
            Origin::Argument(input) => Some((input, BufferId(position))),
            _ => None,
        };
        let arguments = nodes.buffers.iter().enumerate().filter_map(argument).collect();
        Self { nodes, groups, writer, readers, outer_reads, after, arguments }
    }

    /// Tries to have every read of an argument come before the group that would overwrite it with `output`, and says
    /// whether that can be: the writer itself may read it position by position only, and no other reader may depend
    /// on the writer.
    fn reserve(&mut self, input: usize, output: BufferId) -> bool {
        let Some(writer) = self.writer[output.0] else { return false };
        let Some(&argument) = self.arguments.get(&input) else { return true };
        let others: Vec<usize> =
            self.readers[argument.0].iter().copied().filter(|&reader| reader != writer).collect();
        let free =
            reads_in_order(self.nodes, &self.groups[writer], argument) && !self.leads_to_any(writer, &others);
        if free {
            for reader in others {
                self.after[reader].push(writer);
            }
        }
        free
    }

    fn leads_to_any(&self, from: usize, to: &[usize]) -> bool {
        if to.is_empty() {
            return false;
        }
        let mut visited = vec![false; self.after.len()];
        let mut pending = vec![from];
        while let Some(group) = pending.pop() {
            if to.contains(&group) {
                return true;
            }
            if !std::mem::replace(&mut visited[group], true) {
                pending.extend(&self.after[group]);
            }
        }
        false
    }

    fn run(&self, in_place: &BTreeMap<BufferId, usize>) -> Vec<usize> {
        let mut waiting = vec![0; self.groups.len()];
        for &next in self.after.iter().flatten() {
            waiting[next] += 1;
        }
        let mut queue = Queue::new(self, in_place);
        (0..self.groups.len()).filter(|&group| waiting[group] == 0).for_each(|group| queue.push(group));
        let mut sequence = Vec::with_capacity(self.groups.len());
        while let Some(group) = queue.pop() {
            for &next in &self.after[group] {
                waiting[next] -= 1;
                if waiting[next] == 0 {
                    queue.push(next);
                }
            }
            sequence.push(group);
        }
        assert_eq!(sequence.len(), self.groups.len(), "groups depend on each other in no circle");
        sequence
    }
}

/// Groups that can run.
struct Queue<'a> {
    order: &'a Order<'a>,
    /// The last member of each group that can run, with the group; those that would shrink memory are apart.
    shrinking: BTreeSet<(usize, usize)>,
    others: BTreeSet<(usize, usize)>,
    /// The bytes that running each group takes, and those that running it now would release.
    taken: Vec<usize>,
    released: Vec<usize>,
    /// For each buffer, the readers that have not run: how many, and the sum of their positions.
    unread: Vec<(usize, usize)>,
    /// Whether each buffer is released after its last read.
    released_when_read: Vec<bool>,
}

impl<'a> Queue<'a> {
    fn new(order: &'a Order<'a>, in_place: &BTreeMap<BufferId, usize>) -> Self {
        let nodes = order.nodes;
        let is_output = nodes.are_outputs();
        let computed = |spec: &BufferSpec| matches!(spec.origin, Origin::Computed);
        let released_when_read =
            nodes.buffers.iter().zip(&is_output).map(|(spec, output)| computed(spec) && !output).collect();
        let taken = |group: &Group| {
            let results = group.members.iter().map(|&member| nodes.nodes[member].result);
            let is_stored = |result: &BufferId| is_output[result.0] || !order.readers[result.0].is_empty();
            let stored = results.filter(|result| is_stored(result) && !in_place.contains_key(result));
            stored.map(|result| nodes.buffer(result).bytes()).sum()
        };
        let unread = order.readers.iter().map(|readers| (readers.len(), readers.iter().sum())).collect();
        let mut queue = Self {
            order,
            shrinking: BTreeSet::new(),
            others: BTreeSet::new(),
            taken: order.groups.iter().map(taken).collect(),
            released: vec![0; order.groups.len()],
            unread,
            released_when_read,
        };
        (0..nodes.buffers.len()).for_each(|buffer| queue.credit_last_reader(BufferId(buffer)));
        queue
    }

    /// Where a single reader of a buffer is left, it will release the buffer.
    fn credit_last_reader(&mut self, buffer: BufferId) {
        let (1, reader) = self.unread[buffer.0] else { return };
        if self.released_when_read[buffer.0] {
            self.released[reader] += self.order.nodes.buffer(buffer).bytes();
            let key = self.key(reader);
            if self.shrinks(reader) && self.others.remove(&key) {
                self.shrinking.insert(key);
            }
        }
    }

    fn key(&self, group: usize) -> (usize, usize) {
        (last_member(&self.order.groups[group]), group)
    }

    /// Whether running a group now releases at least as much memory as it takes, and some.
    fn shrinks(&self, group: usize) -> bool {
        self.released[group] > 0 && self.released[group] >= self.taken[group]
    }

    fn push(&mut self, group: usize) {
        let key = self.key(group);
        if self.shrinks(group) {
            self.shrinking.insert(key)
        } else {
            self.others.insert(key)
        };
    }

    fn pop(&mut self) -> Option<usize> {
        let (_, group) = self.shrinking.pop_first().or_else(|| self.others.pop_first())?;
        for &buffer in &self.order.outer_reads[group] {
            let (count, sum) = &mut self.unread[buffer.0];
            *count -= 1;
            *sum -= group;
            self.credit_last_reader(buffer);
        }
        Some(group)
    }
}

fn last_member(group: &Group) -> usize {
    group.members.last().copied().unwrap_or(0)
}

/// The buffers that a group reads, with repetitions, its own among them.
pub(crate) fn reads<'a>(nodes: &'a Nodes, group: &'a Group) -> impl Iterator<Item = BufferId> + 'a {
    group.members.iter().flat_map(|&member| nodes.nodes[member].operands.iter().map(|view| view.buffer))
}

/// Whether a group reads a buffer, if at all, only in a loop at the position at which it writes.
pub(crate) fn reads_in_order(nodes: &Nodes, group: &Group, buffer: BufferId) -> bool {
    let members = || group.members.iter().map(|&member| &nodes.nodes[member]);
    members().all(|node| {
        let mut views = node.operands.iter().filter(|view| view.buffer == buffer);
        let in_loop = matches!(node.kind, Kind::Map(_) | Kind::Fold { .. });
        views.all(|view| in_loop && view.is_whole(nodes.extent(node)))
    })
}
