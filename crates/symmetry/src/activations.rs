//! Where in a forward graph the slots of generators can be seen at work.

use std::collections::BTreeMap;

use evaluate::Units;
use graph::{Axis, AxisMap, Def, Graph, Prim, Role, Slot, Tie, Val};

use crate::{
    Group,
    lines::{Line, Lines},
    orbits::Orbits,
    view::View,
};

/// Which values of a network count as the activations of its units. Both are read off the graph: a product is a contraction or
/// a convolution of something that depends on the data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// What products read and sum over the units: activations behind normalisation and activation function, as in
    /// the published matchings. Of a residual stream these are what its readers make of it, one value for each.
    #[default]
    Read,
    /// What products with weights put out: activations before the bias, the normalisation and the activation function. Of a
    /// residual stream these are its branches.
    Written,
}

/// For each generator of `group` that can be exchanged, in order, the values of `graph` on which its slots lie along one axis
/// while no slots lie along another: what its units do on the data. `graph` is a forward graph of the architecture of the
/// group. Reshaped and transposed copies of one value count once. A generator may have none.
pub(crate) fn activations(graph: &Graph, group: &Group, stage: Stage) -> Vec<Vec<Units>> {
    let View { lines, orbits, .. } = View::new(graph);
    let owners = Owners::new(&lines, &orbits, group);
    let mut all: Vec<Vec<Units>> = vec![Vec::new(); owners.sizes.len()];
    for (val, axis) in sites(&lines, stage) {
        for generator in owners.along(lines.line(val, axis)) {
            let found = [source(graph, val), val].into_iter().find_map(|val| owners.units(val, generator));
            let known = &mut all[generator];
            let new = found.filter(|units| !known.contains(units));
            known.extend(new);
        }
    }
    all
}

/// The axes of values at which products read or write.
fn sites(lines: &Lines<'_>, stage: Stage) -> Vec<(Val, usize)> {
    let graph = lines.graph;
    let data = graph.inputs().iter().filter(|input| input.role == Role::Data);
    let on_data = graph.depends_on(&data.map(|input| input.val).collect::<Vec<_>>());
    let mut sites = Vec::new();
    for val in lines.vals().filter(|val| on_data[val.position()]) {
        let Def::Apply { op, operands } = graph.def(val) else { continue };
        if !matches!(op, Prim::DotGeneral(_) | Prim::Convolution(_)) {
            continue;
        }
        let types: Vec<_> = operands.iter().map(|&operand| graph.ty(operand)).collect();
        let map = op.axes(&types, graph.ty(val));
        let is_weight = |slot| matches!(slot, Slot::Operand(k) if !on_data[operands[k].position()]);
        match stage {
            Stage::Read => {
                for (k, &operand) in operands.iter().enumerate().filter(|(_, val)| on_data[val.position()]) {
                    let summed =
                        |axis: &usize| !reaches(&map, Axis::operand(k, *axis), |slot| slot == Slot::Result);
                    let axes = (0..graph.ty(operand).shape.rank()).filter(summed);
                    sites.extend(axes.map(|axis| (operand, axis)));
                }
            }
            Stage::Written => {
                let axes = 0..graph.ty(val).shape.rank();
                let written = axes.filter(|&axis| reaches(&map, Axis::result(axis), is_weight));
                sites.extend(written.map(|axis| (val, axis)));
            }
        }
    }
    sites
}

/// Whether ties lead from an axis to one of such a value.
fn reaches(map: &AxisMap, from: Axis, goal: impl Fn(Slot) -> bool) -> bool {
    let mut reached = vec![from];
    let mut next = 0;
    while let Some(&axis) = reached.get(next) {
        for Tie(left, right) in &map.ties {
            let other = match (left.axis == axis, right.axis == axis) {
                (true, false) => right.axis,
                (false, true) => left.axis,
                _ => continue,
            };
            if !reached.contains(&other) {
                reached.push(other);
            }
        }
        next += 1;
    }
    reached.iter().any(|axis| goal(axis.slot))
}

/// What a value is a reshaped and transposed copy of.
fn source(graph: &Graph, mut val: Val) -> Val {
    while let Def::Apply { op: Prim::Reshape(_) | Prim::Transpose(_), operands } = graph.def(val) {
        val = operands[0];
    }
    val
}

/// To which slots the classes of indices belong.
struct Owners<'a> {
    lines: &'a Lines<'a>,
    orbits: &'a Orbits,
    /// The generator and the slot of a class, by its smallest member.
    slots: BTreeMap<usize, (usize, usize)>,
    /// The number of slots of each generator.
    sizes: Vec<usize>,
}

impl<'a> Owners<'a> {
    fn new(lines: &'a Lines<'a>, orbits: &'a Orbits, group: &Group) -> Self {
        let (mut slots, mut sizes) = (BTreeMap::new(), Vec::new());
        for generator in group.generators().iter().filter(|generator| generator.is_matched()) {
            for action in &generator.actions {
                let input = lines
                    .movable()
                    .find(|(input, line)| input.name == action.parameter && line.axis == action.axis);
                let Some((_, line)) = input else { continue };
                for (rank, index) in action.slots.indices.iter().enumerate() {
                    let slot = (sizes.len(), rank / action.slots.block);
                    slots.insert(orbits.class(line.start + index), slot);
                }
            }
            sizes.push(generator.size);
        }
        Self { lines, orbits, slots, sizes }
    }

    /// The generator and slot of each index of a line that has one.
    fn on(&self, line: &Line) -> impl Iterator<Item = (usize, (usize, usize))> {
        let owned = |(index, element)| Some((index, *self.slots.get(&self.orbits.class(element))?));
        line.elements().enumerate().filter_map(owned)
    }

    /// The generators whose slots lie on a line.
    fn along(&self, line: &Line) -> Vec<usize> {
        let mut generators: Vec<usize> = self.on(line).map(|(_, (generator, _))| generator).collect();
        generators.sort_unstable();
        generators.dedup();
        generators
    }

    /// The slots of a generator on a value, if they lie along one axis, all alike, and no slots lie along another.
    fn units(&self, val: Val, generator: usize) -> Option<Units> {
        let occupied = self.lines.of(val).map(|line| self.lines.get(line));
        let mut occupied = occupied.filter(|line| self.on(line).next().is_some());
        let (line, None) = (occupied.next()?, occupied.next()) else { return None };
        let own = self.on(line).filter(|(_, (owner, _))| *owner == generator);
        let mut by_slot: Vec<(usize, usize)> = own.map(|(index, (_, slot))| (slot, index)).collect();
        by_slot.sort_unstable();
        let (size, block) = (self.sizes[generator], by_slot.len() / self.sizes[generator]);
        let alike = by_slot.iter().enumerate().all(|(rank, (slot, _))| block > 0 && rank / block == *slot);
        if by_slot.is_empty() || by_slot.len() != size * block || !alike {
            return None;
        }
        let indices = by_slot.into_iter().map(|(_, index)| index).collect();
        Some(Units { val, axis: line.axis, block, indices })
    }
}

#[cfg(test)]
mod tests;
