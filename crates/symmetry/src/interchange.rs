//! Which index classes are interchangeable, and the generators that exchange them.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Generator, ParameterAxis, Slots, lines::Lines};

/// Two indices that a tie unites: the tie's number and the numbers of the indices.
#[derive(Clone, Copy)]
pub(crate) struct Tied {
    pub(crate) tie: usize,
    pub(crate) left: usize,
    pub(crate) right: usize,
}

/// Where the members of a class are, and how they are tied.
#[derive(PartialEq, Eq, PartialOrd, Ord, Default)]
struct Signature {
    /// The line of each member, in order.
    lines: Vec<usize>,
    /// For each tied pair: the tie, and the ranks of the two members among those of their class on the same line.
    ties: Vec<(usize, u32, u32)>,
}

/// The generators of the free classes `free` (see [`crate::classes::Classes::into_free`]): one for each set of at least
/// two classes of one signature that reach a parameter or a state, in the order of what they move first.
pub(crate) fn generators(lines: &Lines<'_>, free: &[Option<usize>], tied: &[Tied]) -> Vec<Generator> {
    let reaching: BTreeSet<usize> =
        lines.movable().flat_map(|(_, line)| line.elements()).filter_map(|element| free[element]).collect();
    let mut sets: BTreeMap<Signature, Vec<usize>> = BTreeMap::new();
    for (class, signature) in signatures(lines, free, tied) {
        if reaching.contains(&class) {
            sets.entry(signature).or_default().push(class);
        }
    }
    let sets = sets.into_values().filter(|classes| classes.len() > 1);
    let mut placed: Vec<_> = sets.map(|classes| generator(lines, free, &classes)).collect();
    placed.sort_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, generator)| generator).collect()
}

/// The signature of every free class.
fn signatures(lines: &Lines<'_>, free: &[Option<usize>], tied: &[Tied]) -> BTreeMap<usize, Signature> {
    let mut signatures: BTreeMap<usize, Signature> = BTreeMap::new();
    let mut ranks = vec![0; free.len()];
    for (position, line) in lines.iter().enumerate() {
        let mut counts: BTreeMap<usize, u32> = BTreeMap::new();
        for element in line.elements() {
            let Some(class) = free[element] else { continue };
            signatures.entry(class).or_default().lines.push(position);
            let count = counts.entry(class).or_default();
            ranks[element] = *count;
            *count += 1;
        }
    }
    for &Tied { tie, left, right } in tied {
        if let Some(signature) = free[left].and_then(|class| signatures.get_mut(&class)) {
            signature.ties.push((tie, ranks[left], ranks[right]));
        }
    }
    signatures.values_mut().for_each(|signature| signature.ties.sort_unstable());
    signatures
}

/// The generator that exchanges these classes, with the place of the first index that it moves. The classes are slots
/// in the order of their first indices there.
fn generator(lines: &Lines<'_>, free: &[Option<usize>], classes: &[usize]) -> ([usize; 2], Generator) {
    let mut slot_of: BTreeMap<usize, usize> = BTreeMap::new();
    let mut actions = Vec::new();
    let mut first = None;
    for (position, (input, line)) in lines.movable().enumerate() {
        let member =
            |index: usize| free[line.start + index].filter(|class| classes.binary_search(class).is_ok());
        let members: Vec<(usize, usize)> =
            (0..line.size).filter_map(|index| member(index).map(|class| (class, index))).collect();
        if members.is_empty() {
            continue;
        }
        for (class, _) in &members {
            let next = slot_of.len();
            slot_of.entry(*class).or_insert(next);
        }
        let slots = slots(&members, &slot_of);
        first.get_or_insert_with(|| {
            ([position, slots.indices[0]], name(&input.name, line.axis, line.size, &slots))
        });
        actions.push(ParameterAxis { parameter: input.name.clone(), axis: line.axis, slots });
    }
    let (place, name) = first.expect("only classes that reach a parameter are exchanged");
    (place, Generator { name, size: classes.len(), actions })
}

/// The indices of one line by slot; within a slot they keep their order.
fn slots(members: &[(usize, usize)], slot_of: &BTreeMap<usize, usize>) -> Slots {
    let mut by_slot: Vec<(usize, usize)> =
        members.iter().map(|(class, index)| (slot_of[class], *index)).collect();
    by_slot.sort_unstable();
    let block = members.len() / slot_of.len();
    Slots { block, indices: by_slot.into_iter().map(|(_, index)| index).collect() }
}

/// A name after the first axis that a generator moves.
fn name(parameter: &str, axis: usize, size: usize, slots: &Slots) -> String {
    let kind = if slots.block > 1 { "blocks" } else { "units" };
    let first = slots.indices[0];
    if slots.indices.len() == size {
        return format!("hidden {kind} of {parameter}[{axis}]");
    }
    format!("hidden {kind} of {parameter}[{axis}] from index {first}")
}

#[cfg(test)]
mod tests {
    use graph::{Builder, Graph, Ty};

    use super::*;
    use crate::classes::Classes;

    /// The parameters `u` and `v` of four indices each, numbered 0..4 and 4..8, and a product numbered 8..12.
    fn two_vectors() -> Graph {
        let mut b = Builder::new("two vectors");
        let [u, v] = ["u", "v"].map(|name| b.parameter(name, Ty::f64([4])));
        let product = b.multiply(u, v);
        b.output("product", product);
        b.finish()
    }

    /// The generators that follow from these ties alone.
    fn from_ties(ties: &[(usize, usize, usize)]) -> Vec<Generator> {
        let graph = two_vectors();
        let lines = Lines::new(&graph);
        let mut classes = Classes::new(lines.elements());
        ties.iter().for_each(|&(_, left, right)| classes.unite(left, right));
        let tied: Vec<Tied> = ties.iter().map(|&(tie, left, right)| Tied { tie, left, right }).collect();
        generators(&lines, &classes.into_free(), &tied)
    }

    #[test]
    fn blocks_tied_in_the_same_order_are_exchanged() {
        let generators = from_ties(&[(0, 0, 1), (0, 2, 3), (1, 0, 4), (1, 1, 5), (1, 2, 6), (1, 3, 7)]);
        let [generator] = &generators[..] else { panic!("{generators:?}") };
        assert_eq!((generator.name.as_str(), generator.size), ("hidden blocks of u[0]", 2));
        assert_eq!(generator.actions[1].slots, Slots { block: 2, indices: vec![0, 1, 2, 3] });
    }

    #[test]
    fn blocks_tied_in_different_orders_are_not() {
        assert!(from_ties(&[(0, 0, 1), (0, 2, 3), (1, 0, 4), (1, 1, 5), (1, 2, 7), (1, 3, 6)]).is_empty());
    }

    #[test]
    fn slots_need_not_follow_the_order_of_every_axis() {
        let generators = from_ties(&[(0, 0, 6), (0, 1, 7), (0, 2, 4), (0, 3, 5)]);
        assert_eq!(generators[0].actions[0].slots.indices, [0, 1, 2, 3]);
        assert_eq!(generators[0].actions[1].slots.indices, [2, 3, 0, 1]);
    }

    #[test]
    fn indices_that_reach_another_axis_are_not_exchanged_with_those_that_do_not() {
        let generators = from_ties(&[(0, 0, 8), (0, 2, 9)]);
        let described: Vec<_> = generators
            .iter()
            .map(|generator| (generator.name.as_str(), &generator.actions[0].slots.indices))
            .collect();
        assert_eq!(
            described,
            [
                ("hidden units of u[0] from index 0", &vec![0, 2]),
                ("hidden units of u[0] from index 1", &vec![1, 3]),
                ("hidden units of v[0]", &vec![0, 1, 2, 3]),
            ]
        );
    }
}
