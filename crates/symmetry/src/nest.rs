//! What moves inside of blocks, and the blocks that move.

use std::collections::BTreeMap;

use crate::{Family, Generator, Mixing, ParameterAxis, Slots};

/// An axis of a parameter.
type Place = (String, usize);

/// The slot and the rank within it of each index of a generator on each axis on which it acts.
struct Index {
    generator: usize,
    places: BTreeMap<Place, BTreeMap<usize, (usize, usize)>>,
}

impl Index {
    fn new(generator: usize, own: &Generator) -> Self {
        let mut places: BTreeMap<Place, BTreeMap<usize, (usize, usize)>> = BTreeMap::new();
        for ParameterAxis { parameter, axis, slots } in &own.actions {
            let at = slots.indices.iter().enumerate();
            let at = at.map(|(at, &index)| (index, (at / slots.block, at % slots.block)));
            places.entry((parameter.clone(), *axis)).or_default().extend(at);
        }
        Self { generator, places }
    }

    /// The slot in which all of another generator is.
    fn slot_around(&self, other: &Generator) -> Option<usize> {
        let mut slots = other.actions.iter().flat_map(|action| {
            let place = self.places.get(&(action.parameter.clone(), action.axis));
            action.slots.indices.iter().map(move |index| Some(place?.get(index)?.0))
        });
        let first = slots.next()??;
        slots.all(|slot| slot == Some(first)).then_some(first)
    }

    /// Whether another generator touches what this one moves, but not alike in each slot.
    fn disturbs(&self, other: &Generator) -> bool {
        let touched = other.actions.iter().enumerate().filter_map(|(position, action)| {
            let own = self.places.get(&(action.parameter.clone(), action.axis))?;
            Some((position, action, own))
        });
        touched.into_iter().any(|(position, action, own)| {
            let slots = own.values().map(|(slot, _)| slot + 1).max().unwrap_or(0);
            // What each slot of the other does in each slot of this one.
            let mut done: BTreeMap<usize, BTreeMap<usize, Deeds>> = BTreeMap::new();
            for (at, index) in action.slots.indices.iter().enumerate() {
                let Some(&(slot, rank)) = own.get(index) else { continue };
                let (other_slot, other_rank) = (at / action.slots.block, at % action.slots.block);
                let here = done.entry(other_slot).or_default().entry(slot).or_default();
                here.push((rank, exponents(other, position, other_rank)));
            }
            let is_alike = |by_slot: &BTreeMap<usize, Deeds>| {
                let mut each = by_slot.values();
                let first = each.next();
                by_slot.len() == slots && each.all(|own| Some(own) == first)
            };
            !done.values().all(is_alike)
        })
    }
}

/// What is done to the ranks of a slot: the exponents of all families.
type Deeds = Vec<(usize, Vec<i32>)>;

/// The exponents of all families for a rank of an action.
fn exponents(generator: &Generator, action: usize, rank: usize) -> Vec<i32> {
    let families = generator.scales.iter().chain(&generator.signs);
    families.map(|family| family.exponents[action].of(rank)).collect()
}

/// A generator as it looks from inside of a slot around it: for each action the parameter, the axis, the size of its blocks, and
/// the ranks of its indices.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Pattern(Vec<(String, usize, usize, Vec<usize>)>);

impl Pattern {
    fn new(index: &Index, generator: &Generator) -> Self {
        let of = |action: &ParameterAxis| {
            let place = &index.places[&(action.parameter.clone(), action.axis)];
            let ranks = action.slots.indices.iter().map(|index| place[index].1).collect();
            (action.parameter.clone(), action.axis, action.slots.block, ranks)
        };
        Self(generator.actions.iter().map(of).collect())
    }
}

/// All generators, those around others before them: of each level those that move blocks, which the next level looks into, and
/// what was found when nothing was left to look into. What is alike inside of each slot of a generator becomes one
/// generator with a copy for each.
///
/// What acts on blocks but not alike on each does not make one group with their exchanges and is left out; the levels find
/// none unless it is hidden from them which blocks are alike.
pub(crate) fn nested(levels: Vec<Vec<Generator>>) -> Vec<Generator> {
    let mut all: Vec<Generator> = Vec::new();
    let mut indices: Vec<Index> = Vec::new();
    for level in levels {
        let mut inside: BTreeMap<(usize, Pattern), BTreeMap<usize, Generator>> = BTreeMap::new();
        let mut found = Vec::new();
        for generator in level {
            let around = indices.iter().rev().find_map(|index| Some((index, index.slot_around(&generator)?)));
            match around {
                Some((index, slot)) => {
                    let pattern = Pattern::new(index, &generator);
                    inside.entry((index.generator, pattern)).or_default().insert(slot, generator);
                }
                None if indices.iter().any(|index| index.disturbs(&generator)) => {}
                None => found.push(generator),
            }
        }
        for ((parent, _), copies) in inside {
            if copies.len() == all[parent].slots() {
                found.extend(copied(parent, &all[parent].name, &copies.into_values().collect::<Vec<_>>()));
            }
        }
        indices.extend(found.iter().enumerate().map(|(at, generator)| Index::new(all.len() + at, generator)));
        all.extend(found);
    }
    all
}

/// One generator with a copy for each slot of its parent, of one for each; `None` where they are not alike.
fn copied(parent: usize, name: &str, copies: &[Generator]) -> Option<Generator> {
    let first = copies.first()?.clone();
    let kind = |generator: &Generator| -> (bool, usize, Vec<Family>, Vec<Family>, Option<Mixing>) {
        let Generator { is_exchangeable, size, scales, signs, mixing, .. } = generator.clone();
        (is_exchangeable, size, scales, signs, mixing)
    };
    copies.iter().all(|copy| kind(copy) == kind(&first)).then_some(())?;
    let joined = |(position, action): (usize, &ParameterAxis)| {
        let indices = copies.iter().flat_map(|copy| copy.actions[position].slots.indices.iter().copied());
        let slots = Slots { block: action.slots.block, indices: indices.collect() };
        ParameterAxis { slots, ..action.clone() }
    };
    let actions = first.actions.iter().enumerate().map(joined).collect();
    let last = first.actions.last()?;
    let name = format!("{} and {}[{}] within {name}", first.name, last.parameter, last.axis);
    Some(Generator { name, actions, copies: copies.len(), parent: Some(parent), ..first })
}

/// The generators in the order of what they move first, those that are inside of others after these, and those that scale or
/// turn everything at once last. `place` says where a parameter is among all.
pub(crate) fn ordered(generators: &[Generator], place: impl Fn(&str) -> usize) -> Vec<Generator> {
    let key = |generator: &Generator| {
        let first = generator
            .actions
            .iter()
            .map(|action| (place(&action.parameter), action.axis, action.slots.indices.first().copied()));
        (generator.parent.is_none() && !generator.is_exchangeable && generator.size == 1, first.min())
    };
    let mut order: Vec<usize> = Vec::new();
    let mut open: Vec<Option<usize>> = vec![None];
    while let Some(parent) = open.pop() {
        order.extend(parent);
        let mut inside: Vec<usize> =
            (0..generators.len()).filter(|&own| generators[own].parent == parent).collect();
        inside.sort_by_key(|&own| std::cmp::Reverse((key(&generators[own]), own)));
        open.extend(inside.into_iter().map(Some));
    }
    let position = |old: usize| order.iter().position(|&own| own == old);
    let moved = |&old: &usize| {
        let generator = generators[old].clone();
        Generator { parent: generator.parent.and_then(position), ..generator }
    };
    order.iter().map(moved).collect()
}
