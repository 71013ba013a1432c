//! The order in which groups run, and which donated arguments can be updated in place.

use std::collections::BTreeMap;

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
        if order.reserve(donation.input, buffer, &groups) {
            in_place.insert(buffer, donation.input);
        } else if matches!(nodes.buffer(buffer).origin, Origin::Computed) {
            staged.push(*donation);
        }
    }
    let sequence = order.run(&groups, &in_place);
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
    nodes.nodes.push(Node { kind: Kind::Map(MapOp::Unary(Unary::Copy)), operands, result });
    nodes.outputs[output] = result;
    Group { members: vec![nodes.nodes.len() - 1], rows: 1, columns: elements }
}

/// Dependencies between groups.
struct Order<'a> {
    nodes: &'a Nodes,
    /// The group that fills each buffer.
    writer: Vec<Option<usize>>,
    /// The groups that read each buffer, without its writer.
    readers: Vec<Vec<usize>>,
    /// The groups that must wait for each group.
    after: Vec<Vec<usize>>,
}

impl<'a> Order<'a> {
    fn new(nodes: &'a Nodes, groups: &[Group]) -> Self {
        let mut writer = vec![None; nodes.buffers.len()];
        for (position, group) in groups.iter().enumerate() {
            for &member in &group.members {
                writer[nodes.nodes[member].result.0] = Some(position);
            }
        }
        let mut readers = vec![Vec::new(); nodes.buffers.len()];
        let mut after = vec![Vec::new(); groups.len()];
        for (position, group) in groups.iter().enumerate() {
            for buffer in reads(nodes, group) {
                if writer[buffer.0] != Some(position) && !readers[buffer.0].contains(&position) {
                    readers[buffer.0].push(position);
                    if let Some(writer) = writer[buffer.0] {
                        after[writer].push(position);
                    }
                }
            }
        }
        Self { nodes, writer, readers, after }
    }

    /// Tries to have every read of an argument come before the group that would overwrite it with `output`, and says
    /// whether that can be: the writer itself may read it position by position only, and no other reader may depend
    /// on the writer.
    fn reserve(&mut self, input: usize, output: BufferId, groups: &[Group]) -> bool {
        let Some(writer) = self.writer[output.0] else { return false };
        let is_argument =
            |origin: &Origin| matches!(origin, Origin::Argument(position) if *position == input);
        let Some(argument) = self.nodes.buffers.iter().position(|spec| is_argument(&spec.origin)) else {
            return true;
        };
        let others: Vec<usize> =
            self.readers[argument].iter().copied().filter(|&reader| reader != writer).collect();
        let free = reads_in_order(self.nodes, &groups[writer], BufferId(argument))
            && !others.iter().any(|&reader| self.leads(writer, reader));
        if free {
            for reader in others {
                self.after[reader].push(writer);
            }
        }
        free
    }

    fn leads(&self, from: usize, to: usize) -> bool {
        let mut visited = vec![false; self.after.len()];
        let mut pending = vec![from];
        while let Some(group) = pending.pop() {
            if group == to {
                return true;
            }
            if !std::mem::replace(&mut visited[group], true) {
                pending.extend(&self.after[group]);
            }
        }
        false
    }

    fn run(&self, groups: &[Group], in_place: &BTreeMap<BufferId, usize>) -> Vec<usize> {
        let mut waiting = vec![0; groups.len()];
        for &next in self.after.iter().flatten() {
            waiting[next] += 1;
        }
        let mut unread: Vec<usize> = self.readers.iter().map(Vec::len).collect();
        let mut ready: Vec<usize> = (0..groups.len()).filter(|&group| waiting[group] == 0).collect();
        let mut sequence = Vec::with_capacity(groups.len());
        while !ready.is_empty() {
            ready.sort_by_key(|group| std::cmp::Reverse(last_member(&groups[*group])));
            let shrinks = |&group: &usize| self.shrinks(group, groups, &unread, in_place);
            let position = ready.iter().rposition(shrinks).unwrap_or(ready.len() - 1);
            let group = ready.remove(position);
            for buffer in self.outer_reads(group, groups) {
                unread[buffer.0] -= 1;
            }
            for &next in &self.after[group] {
                waiting[next] -= 1;
                if waiting[next] == 0 {
                    ready.push(next);
                }
            }
            sequence.push(group);
        }
        assert_eq!(sequence.len(), groups.len(), "groups depend on each other in no circle");
        sequence
    }

    /// The buffers that a group reads and does not fill, each once.
    fn outer_reads(&self, group: usize, groups: &[Group]) -> Vec<BufferId> {
        let mut buffers: Vec<BufferId> =
            reads(self.nodes, &groups[group]).filter(|buffer| self.writer[buffer.0] != Some(group)).collect();
        buffers.sort_unstable();
        buffers.dedup();
        buffers
    }

    /// Whether running a group now releases at least as much memory as it takes, and some.
    fn shrinks(
        &self,
        group: usize,
        groups: &[Group],
        unread: &[usize],
        in_place: &BTreeMap<BufferId, usize>,
    ) -> bool {
        let is_last = |buffer: &BufferId| {
            let computed = matches!(self.nodes.buffer(*buffer).origin, Origin::Computed);
            computed && unread[buffer.0] == 1 && !self.nodes.outputs.contains(buffer)
        };
        let bytes = |buffer: BufferId| self.nodes.buffer(buffer).bytes();
        let released: usize = self.outer_reads(group, groups).into_iter().filter(is_last).map(bytes).sum();
        let results = groups[group].members.iter().map(|&member| self.nodes.nodes[member].result);
        let stored = results.filter(|result| {
            let kept = !self.readers[result.0].is_empty() || self.nodes.outputs.contains(result);
            kept && !in_place.contains_key(result)
        });
        released > 0 && released >= stored.map(bytes).sum()
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
