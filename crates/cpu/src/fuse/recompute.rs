//! Values that are computed again where they are read, because that costs less than storing them.
//!
//! A value of an elementwise operation that one loop computes and others read is written to memory and read back. Where
//! the readers are loops over as many elements and the operands are in memory anyway, each reader can compute the value
//! for itself, to the same bits. Costs are counted in bytes for each element, so the choice depends on the graph alone.

use std::collections::{BTreeMap, BTreeSet};

use super::{Draft, MAX_MEMBERS};
use crate::{
    node::{Binary, BufferId, BufferSpec, Kind, MapOp, Node, Nodes, Unary},
    view::View,
};

/// What writing a byte costs beside reading one. Ours: it is fetched, written back, and takes the place of another in
/// the caches and in the plan of memory.
const WRITE: usize = 3;
/// What keeping a byte costs that would otherwise be overwritten in place.
const KEEP: usize = 2;
/// Rounds over all values, after which those that have become worth it are left: each round is one pass.
const ROUNDS: usize = 4;

/// Computes values again in the loops that read them, wherever that pays.
pub(super) fn recompute(nodes: &mut Nodes, drafts: Vec<Draft>) -> Vec<Draft> {
    let mut state = State::new(nodes, drafts);
    for _ in 0..ROUNDS {
        let mut changed = false;
        for group in 0..state.drafts.len() {
            changed |= state.try_group(group);
        }
        if !changed {
            break;
        }
    }
    state.finish()
}

struct State<'a> {
    nodes: &'a mut Nodes,
    drafts: Vec<Draft>,
    /// The group of each node, and the node that fills each buffer.
    group_of: Vec<usize>,
    producers: Vec<Option<usize>>,
    /// The nodes that read each buffer.
    readers: Vec<Vec<usize>>,
    is_output: Vec<bool>,
    /// The copy of a node in a group.
    copies: BTreeMap<(usize, usize), usize>,
}

/// How one group comes to compute values.
#[derive(Debug)]
struct Plan {
    group: usize,
    values: Vec<usize>,
    /// The nodes to copy, in order.
    copied: BTreeSet<usize>,
}

impl<'a> State<'a> {
    fn new(nodes: &'a mut Nodes, drafts: Vec<Draft>) -> Self {
        let mut group_of = vec![0; nodes.nodes.len()];
        for (group, draft) in drafts.iter().enumerate() {
            draft.members.iter().for_each(|&member| group_of[member] = group);
        }
        let mut readers = vec![Vec::new(); nodes.buffers.len()];
        for (position, node) in nodes.nodes.iter().enumerate() {
            node.operands.iter().for_each(|view| readers[view.buffer.0].push(position));
        }
        let (producers, is_output) = (nodes.producers(), nodes.are_outputs());
        Self { nodes, drafts, group_of, producers, readers, is_output, copies: BTreeMap::new() }
    }

    /// Has the stored values of a group computed by their readers, where that pays: all together, or one by one.
    fn try_group(&mut self, group: usize) -> bool {
        let members = self.drafts[group].members.iter().copied();
        let values: Vec<usize> = members.filter(|&position| self.can_move(position)).collect();
        if values.len() > 1 && self.try_values(&values) {
            return true;
        }
        let mut changed = false;
        for &value in &values {
            changed |= self.try_values(&[value]);
        }
        changed
    }

    fn try_values(&mut self, values: &[usize]) -> bool {
        let mut readers: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for &value in values {
            for group in self.reading_groups(self.nodes.nodes[value].result) {
                readers.entry(group).or_default().push(value);
            }
        }
        let plans: Option<Vec<Plan>> =
            readers.into_iter().map(|(group, values)| self.plan(values, group)).collect();
        let Some(plans) = plans.filter(|plans| self.pays(values, plans)) else { return false };
        plans.iter().for_each(|plan| self.apply(plan));
        true
    }

    /// The groups that read a buffer, but for the one that fills it.
    fn reading_groups(&self, buffer: BufferId) -> BTreeSet<usize> {
        let own = self.producers[buffer.0].map(|producer| self.group_of[producer]);
        let groups = self.readers[buffer.0].iter().map(|&reader| self.group_of[reader]);
        groups.filter(|&group| Some(group) != own).collect()
    }

    /// Whether a buffer is in memory, read as it is by groups other than its own.
    fn is_stored(&self, buffer: BufferId) -> bool {
        self.producers[buffer.0].is_none()
            || self.is_output[buffer.0]
            || !self.reading_groups(buffer).is_empty()
    }

    fn elements(&self, node: usize) -> usize {
        self.nodes.buffer(self.nodes.nodes[node].result).elements
    }

    /// Whether a value is stored, and loops over as many elements are all that reads it, position by position.
    fn can_move(&self, position: usize) -> bool {
        let node = &self.nodes.nodes[position];
        let (elements, groups) = (self.elements(position), self.reading_groups(node.result));
        let reads_in_step = |&reader: &usize| {
            let reader = &self.nodes.nodes[reader];
            let mut views = reader.operands.iter().filter(|view| view.buffer == node.result);
            matches!(reader.kind, Kind::Map(_) | Kind::Fold { .. })
                && self.nodes.extent(reader) == elements
                && views.all(|view| view.is_whole(elements))
        };
        elements > 1
            && !groups.is_empty()
            && !self.is_output[node.result.0]
            && self.work(node).is_some()
            && groups.iter().all(|&group| self.runs_over(group) == Some(elements))
            && self.readers[node.result.0]
                .iter()
                .all(|reader| !groups.contains(&self.group_of[*reader]) || reads_in_step(reader))
    }

    fn runs_over(&self, group: usize) -> Option<usize> {
        let (rows, columns) = self.drafts[group].extent?.matrix();
        Some(rows * columns)
    }

    /// The nodes that a group must copy to compute values, or `None` where some of them cannot be copied.
    fn plan(&self, values: Vec<usize>, group: usize) -> Option<Plan> {
        let mut copied = BTreeSet::new();
        let mut pending = values.clone();
        while let Some(position) = pending.pop() {
            if self.copies.contains_key(&(position, group)) || !copied.insert(position) {
                continue;
            }
            let node = &self.nodes.nodes[position];
            self.work(node)?;
            let inner = |view: &&View| !self.is_stored(view.buffer) && self.is_full(view, node);
            for view in node.operands.iter().filter(inner) {
                pending
                    .extend(view.is_whole(self.elements(position)).then_some(self.producers[view.buffer.0])?);
            }
        }
        (self.drafts[group].members.len() + copied.len() <= MAX_MEMBERS).then_some(Plan {
            group,
            values,
            copied,
        })
    }

    /// Whether what a view shows has as many elements as its reader: smaller values are stored rather than copied.
    fn is_full(&self, view: &View, reader: &Node) -> bool {
        self.nodes.buffer(view.buffer).elements >= self.nodes.buffer(reader.result).elements
    }

    /// Whether the work of the copies costs less than storing the values and reading them.
    fn pays(&self, values: &[usize], plans: &[Plan]) -> bool {
        let bytes = |node: usize| self.nodes.buffer(self.nodes.nodes[node].result).bytes();
        let stored: usize = values.iter().map(|&value| WRITE * bytes(value)).sum();
        let read: usize = plans.iter().flat_map(|plan| &plan.values).map(|&value| bytes(value)).sum();
        let leaves: Vec<BTreeSet<BufferId>> = plans.iter().map(|plan| self.new_leaves(plan)).collect();
        let all: BTreeSet<BufferId> = leaves.iter().flatten().copied().collect();
        let held: usize = all.iter().map(|&leaf| self.held_bytes(leaf, values, plans)).sum();
        let newly_read: usize = leaves.iter().flatten().map(|leaf| self.nodes.buffer(*leaf).bytes()).sum();
        let copied = plans.iter().flat_map(|plan| &plan.copied);
        let work = |&node: &usize| self.work(&self.nodes.nodes[node]).unwrap_or(0) * self.elements(node);
        held + newly_read + copied.map(work).sum::<usize>() < stored + read
    }

    /// What the copies of a plan read that the group has not read before.
    fn new_leaves(&self, plan: &Plan) -> BTreeSet<BufferId> {
        let own = self.reads(self.drafts[plan.group].members.iter());
        let inner: BTreeSet<BufferId> =
            plan.copied.iter().map(|&node| self.nodes.nodes[node].result).collect();
        let has_copy = |leaf: &BufferId| {
            self.producers[leaf.0].is_some_and(|producer| self.copies.contains_key(&(producer, plan.group)))
        };
        let read = self.reads(plan.copied.iter()).into_iter();
        read.filter(|leaf| !own.contains(leaf) && !inner.contains(leaf) && !has_copy(leaf)).collect()
    }

    /// The cost of having a leaf at hand: of storing it, or of keeping it where it would have been overwritten by now.
    fn held_bytes(&self, leaf: BufferId, values: &[usize], plans: &[Plan]) -> usize {
        let bytes = self.nodes.buffer(leaf).bytes();
        if !self.is_stored(leaf) {
            return WRITE * bytes;
        }
        let early = |group: usize| values.iter().any(|&value| self.group_of[value] == group);
        let lives_on = self.producers[leaf.0].is_none()
            || self.is_output[leaf.0]
            || self
                .reading_groups(leaf)
                .into_iter()
                .any(|group| !early(group) && plans.iter().all(|plan| plan.group != group));
        if lives_on { 0 } else { KEEP * bytes }
    }

    fn reads<'n>(&self, members: impl Iterator<Item = &'n usize>) -> BTreeSet<BufferId> {
        let views = members.flat_map(|&member| &self.nodes.nodes[member].operands);
        views.map(|view| view.buffer).collect()
    }

    /// Copies nodes into a group, whose members then read the copies of the values.
    fn apply(&mut self, plan: &Plan) {
        for &original in &plan.copied {
            let copy = self.copy(original, plan.group);
            self.copies.insert((original, plan.group), copy);
        }
        for &value in &plan.values {
            let copy = self.copies[&(value, plan.group)];
            self.redirect(value, copy);
        }
    }

    /// Has the members of a copy's group read it instead of the original.
    fn redirect(&mut self, original: usize, copy: usize) {
        let group = self.group_of[copy];
        let [from, to] = [original, copy].map(|node| self.nodes.nodes[node].result);
        let readers = std::mem::take(&mut self.readers[from.0]);
        let (moved, left) = readers.into_iter().partition(|&reader| self.group_of[reader] == group);
        self.readers[from.0] = left;
        for &reader in &moved {
            let operands = self.nodes.nodes[reader].operands.iter_mut();
            operands.filter(|view| view.buffer == from).for_each(|view| view.buffer = to);
        }
        self.readers[to.0].extend(moved);
    }

    /// A copy of a node that reads the copies of its operands where its group has them.
    fn copy(&mut self, original: usize, group: usize) -> usize {
        let mut node = self.nodes.nodes[original].clone();
        let BufferSpec { dtype, elements, ref origin } = *self.nodes.buffer(node.result);
        let origin = origin.clone();
        node.result = BufferId(self.nodes.buffers.len());
        self.nodes.buffers.push(BufferSpec { dtype, elements, origin });
        let position = self.nodes.nodes.len();
        for view in &mut node.operands {
            let copy = self.producers[view.buffer.0].and_then(|producer| self.copies.get(&(producer, group)));
            if let Some(&copy) = copy.filter(|_| view.is_whole(elements)) {
                view.buffer = self.nodes.nodes[copy].result;
            }
            self.readers[view.buffer.0].push(position);
        }
        self.producers.push(Some(position));
        self.readers.push(Vec::new());
        self.is_output.push(false);
        self.group_of.push(group);
        self.drafts[group].members.push(position);
        self.nodes.nodes.push(node);
        position
    }

    /// What computing an element again costs, in bytes; `None` for what is never computed again.
    fn work(&self, node: &Node) -> Option<usize> {
        let Kind::Map(op) = node.kind else { return None };
        let size = self.nodes.buffer(node.operands.last()?.buffer).dtype.size_bytes();
        Some(halves(op, size)? * size / 2)
    }

    /// The groups without nodes whose results nobody reads, members after what they read.
    fn finish(mut self) -> Vec<Draft> {
        self.drop_unread();
        let Self { nodes, drafts, producers, group_of, .. } = self;
        let drafts = drafts.into_iter().enumerate().filter(|(_, draft)| !draft.members.is_empty());
        let ordered = |(group, draft): (usize, Draft)| {
            let inner =
                |view: &View| producers[view.buffer.0].filter(|&producer| group_of[producer] == group);
            Draft { members: in_order(nodes, &draft.members, inner), ..draft }
        };
        drafts.map(ordered).collect()
    }

    fn drop_unread(&mut self) {
        let mut pending: Vec<usize> = (0..self.nodes.nodes.len()).collect();
        while let Some(position) = pending.pop() {
            let result = self.nodes.nodes[position].result;
            let members = &mut self.drafts[self.group_of[position]].members;
            if self.is_output[result.0] || !self.readers[result.0].is_empty() || !members.contains(&position)
            {
                continue;
            }
            members.retain(|&member| member != position);
            for view in &self.nodes.nodes[position].operands {
                self.readers[view.buffer.0].retain(|&reader| reader != position);
                pending.extend(self.producers[view.buffer.0]);
            }
        }
    }
}

/// Members such that each comes after those that it reads, copies as late as that allows.
fn in_order(nodes: &Nodes, members: &[usize], inner: impl Fn(&View) -> Option<usize>) -> Vec<usize> {
    let mut ordered = Vec::with_capacity(members.len());
    for &member in members {
        let mut pending = vec![member];
        while let Some(&next) = pending.last() {
            let mut missing = nodes.nodes[next].operands.iter().filter_map(&inner);
            match missing.find(|operand| !ordered.contains(operand)) {
                Some(operand) => pending.push(operand),
                None => {
                    pending.pop();
                    if !ordered.contains(&next) {
                        ordered.push(next);
                    }
                }
            }
        }
    }
    ordered
}

/// What an operation costs beside reading a number of its type, in halves. Ours, from times of loops on cached data;
/// functions that the standard library computes are never worth it.
const fn halves(op: MapOp, size: usize) -> Option<usize> {
    use Binary::{Divide, Power};
    use Unary::{Cos, Erf, Exp, Log, Log1p, Logistic, Rsqrt, Sin, Sqrt, Tanh};
    match op {
        MapOp::Random | MapOp::Unary(Log1p | Sin | Cos) | MapOp::Binary(Power) => None,
        MapOp::Unary(Exp | Log | Tanh | Logistic | Erf) if size != 4 => None,
        MapOp::Unary(Erf) => Some(5),
        MapOp::Unary(Exp | Log | Tanh | Logistic) => Some(3),
        MapOp::Unary(Sqrt | Rsqrt) | MapOp::Binary(Divide) => Some(2),
        _ => Some(1),
    }
}
