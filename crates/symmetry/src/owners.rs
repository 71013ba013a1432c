//! Which slots the indices of values belong to.

use std::collections::BTreeMap;

use evaluate::Units;
use graph::Val;

use crate::{
    Group,
    lines::{Line, Lines},
    orbits::Orbits,
};

/// To which slots the classes of indices belong.
pub(crate) struct Owners<'a> {
    lines: &'a Lines<'a>,
    orbits: &'a Orbits,
    /// The generator and the slot of a class, by its smallest member.
    slots: BTreeMap<usize, (usize, usize)>,
    /// The number of slots of each generator.
    pub(crate) sizes: Vec<usize>,
}

impl<'a> Owners<'a> {
    pub(crate) fn new(lines: &'a Lines<'a>, orbits: &'a Orbits, group: &Group) -> Self {
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
    pub(crate) fn along(&self, line: &Line) -> Vec<usize> {
        let mut generators: Vec<usize> = self.on(line).map(|(_, (generator, _))| generator).collect();
        generators.sort_unstable();
        generators.dedup();
        generators
    }

    /// The slots of a generator on a value, if they lie along one axis, all alike, and no slots lie along another.
    pub(crate) fn units(&self, val: Val, generator: usize) -> Option<Units> {
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
