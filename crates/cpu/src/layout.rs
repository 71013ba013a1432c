//! Where each buffer lies.

use std::collections::BTreeMap;

use crate::{
    fuse::Group,
    loops::Grid,
    node::{Along, BufferId, BufferSpec, Kind, Nodes, Origin},
    plan::{Plan, Request, check_plan, plan},
    schedule::{Schedule, reads, reads_in_order},
};

/// The memory of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Nowhere but in registers.
    Registers,
    /// The elements of a constant.
    Constant,
    /// The argument of a run at this position.
    Argument(usize),
    /// A new tensor, the result of a run at this position.
    Output(usize),
    /// The arena, from this byte on.
    Arena(usize),
}

/// The places of all buffers.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) places: Vec<Place>,
    /// The buffer for the partial results of each reduction, and the working memory of each convolution, that needs
    /// one, by its result.
    pub(crate) partials: BTreeMap<BufferId, BufferId>,
    /// For each step, the buffers in whose memory it writes while it reads them.
    pub(crate) overwritten: Vec<Vec<BufferId>>,
    /// The size of the arena.
    pub(crate) bytes: usize,
}

/// Lays out all buffers, adding those for partial results. `None` where the arena exceeds the address space.
///
/// # Panics
/// In debug builds, where the plan does not pass its check.
pub(crate) fn lay_out(nodes: &mut Nodes, schedule: &Schedule) -> Option<Layout> {
    let partials = add_partials(nodes, &schedule.steps);
    let mut places = fixed_places(nodes, schedule);
    let slots = Slots::new(nodes, schedule, &places, &partials);
    let requests: Vec<Request> = slots.requests.clone();
    let plan: Plan = plan(&requests)?;
    if cfg!(debug_assertions)
        && let Err(fault) = check_plan(&requests, &plan)
    {
        panic!("the memory plan is wrong: {fault}");
    }
    for (place, slot) in places.iter_mut().zip(&slots.of_buffer) {
        if let Some(slot) = slot {
            *place = Place::Arena(plan.offsets[*slot]);
        }
    }
    let mut overwritten = slots.overwritten;
    for (step, group) in schedule.steps.iter().enumerate() {
        overwritten[step].extend(overwritten_arguments(nodes, group, &places));
    }
    Some(Layout { places, partials, overwritten, bytes: plan.bytes })
}

/// The grid of a group that is a loop.
pub(crate) fn grid(nodes: &Nodes, group: &Group) -> Grid {
    let sums_rows = group
        .members
        .iter()
        .any(|&member| matches!(nodes.nodes[member].kind, Kind::Fold { along: Along::Rows, .. }));
    Grid::new(group.rows, group.columns, sums_rows, group.row_local)
}

fn add_partials(nodes: &mut Nodes, steps: &[Group]) -> BTreeMap<BufferId, BufferId> {
    let mut partials = BTreeMap::new();
    for group in steps {
        let grid = grid(nodes, group);
        for &member in &group.members {
            let elements = partial_elements(&nodes.nodes[member].kind, &grid);
            if elements > 0 {
                let result = nodes.nodes[member].result;
                let dtype = nodes.buffer(result).dtype;
                nodes.buffers.push(BufferSpec { dtype, elements, origin: Origin::Computed });
                partials.insert(result, BufferId(nodes.buffers.len() - 1));
            }
        }
    }
    partials
}

/// Elements of working memory that a node of a group needs.
fn partial_elements(kind: &Kind, grid: &Grid) -> usize {
    let (parts, each) = match kind {
        Kind::Fold { along: Along::Rows, .. } => (grid.row_blocks(), grid.columns),
        Kind::Fold { along: Along::Columns, .. } => (grid.tiles_per_row(), grid.rows),
        Kind::Convolution(plan) => return plan.workspace(),
        _ => return 0,
    };
    if parts > 1 { parts * each } else { 0 }
}

/// The places that need no plan; what is left for the arena is given as registers.
fn fixed_places(nodes: &Nodes, schedule: &Schedule) -> Vec<Place> {
    let origin = |spec: &BufferSpec| match spec.origin {
        Origin::Argument(position) => Place::Argument(position),
        Origin::Constant(_) => Place::Constant,
        Origin::Computed => Place::Registers,
    };
    let mut places: Vec<Place> = nodes.buffers.iter().map(origin).collect();
    for (position, buffer) in nodes.outputs.iter().enumerate() {
        if places[buffer.0] == Place::Registers {
            places[buffer.0] = Place::Output(position);
        }
    }
    for (buffer, &argument) in &schedule.in_place {
        places[buffer.0] = Place::Argument(argument);
    }
    places
}

/// The arguments that a group reads and in whose memory it writes.
fn overwritten_arguments(nodes: &Nodes, group: &Group, places: &[Place]) -> Vec<BufferId> {
    let results: Vec<Place> =
        group.members.iter().map(|&member| places[nodes.nodes[member].result.0]).collect();
    let is_overwritten = |buffer: &BufferId| {
        matches!(nodes.buffer(*buffer).origin, Origin::Argument(_)) && results.contains(&places[buffer.0])
    };
    reads(nodes, group).filter(is_overwritten).collect()
}

/// Requests for memory in the arena. A result that takes over the memory of an operand shares its slot.
struct Slots {
    requests: Vec<Request>,
    of_buffer: Vec<Option<usize>>,
    overwritten: Vec<Vec<BufferId>>,
}

impl Slots {
    fn new(
        nodes: &Nodes,
        schedule: &Schedule,
        places: &[Place],
        partials: &BTreeMap<BufferId, BufferId>,
    ) -> Self {
        let count = nodes.buffers.len();
        let mut slots = Self {
            requests: Vec::new(),
            of_buffer: vec![None; count],
            overwritten: vec![Vec::new(); schedule.steps.len()],
        };
        let last_reads = last_reads(nodes, schedule);
        for (step, group) in schedule.steps.iter().enumerate() {
            for &member in &group.members {
                let result = nodes.nodes[member].result;
                if let Some(partial) = partials.get(&result) {
                    slots.add(*partial, nodes.buffer(*partial).bytes(), step, step);
                }
                if let (Place::Registers, Some(last)) = (places[result.0], last_reads[result.0]) {
                    match slots.dying_operand(nodes, group, step, result, &last_reads) {
                        Some(operand) => slots.take_over(operand, result, step, last),
                        None => slots.add(result, nodes.buffer(result).bytes(), step, last),
                    }
                }
            }
        }
        slots
    }

    fn add(&mut self, buffer: BufferId, bytes: usize, first: usize, last: usize) {
        self.of_buffer[buffer.0] = Some(self.requests.len());
        self.requests.push(Request { bytes, first, last });
    }

    fn take_over(&mut self, operand: BufferId, result: BufferId, step: usize, last: usize) {
        let slot = self.of_buffer[operand.0];
        self.of_buffer[result.0] = slot;
        if let Some(slot) = slot {
            self.requests[slot].last = last;
        }
        self.overwritten[step].push(operand);
    }

    /// A buffer in the arena of the result's size that this loop reads, in order, as the last one.
    fn dying_operand(
        &self,
        nodes: &Nodes,
        group: &Group,
        step: usize,
        result: BufferId,
        last_reads: &[Option<usize>],
    ) -> Option<BufferId> {
        let is_map = |&member: &usize| {
            nodes.nodes[member].result == result && matches!(nodes.nodes[member].kind, Kind::Map(_))
        };
        if !group.members.iter().any(is_map) {
            return None;
        }
        let wanted = nodes.buffer(result);
        reads(nodes, group).find(|&buffer| {
            let slot = self.of_buffer[buffer.0].map(|slot| self.requests[slot]);
            let spec = nodes.buffer(buffer);
            slot.is_some_and(|slot| slot.first < step && slot.last == step && slot.bytes == wanted.bytes())
                && spec.elements == wanted.elements
                && spec.bytes() == wanted.bytes()
                && last_reads[buffer.0] == Some(step)
                && !self.overwritten[step].contains(&buffer)
                && reads_in_order(nodes, group, buffer)
        })
    }
}

/// The last step that reads each buffer, but for reads within the loop that fills it.
fn last_reads(nodes: &Nodes, schedule: &Schedule) -> Vec<Option<usize>> {
    let mut last = vec![None; nodes.buffers.len()];
    for (step, group) in schedule.steps.iter().enumerate() {
        for buffer in reads(nodes, group) {
            if !group.members.iter().any(|&member| nodes.nodes[member].result == buffer) {
                last[buffer.0] = Some(step);
            }
        }
    }
    last
}
