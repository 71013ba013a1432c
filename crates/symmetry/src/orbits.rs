//! Which index classes look alike.

use std::collections::HashMap;

use crate::{classes::Partition, lines::Lines};

/// Two indices that a tie unites: the tie's number and the numbers of the indices.
#[derive(Clone, Copy)]
pub(crate) struct Tied {
    pub(crate) tie: usize,
    pub(crate) left: usize,
    pub(crate) right: usize,
}

/// Where the members of a class are, and how they are tied.
#[derive(PartialEq, Eq, Hash, Default)]
struct Signature {
    /// Whether the class may not move.
    is_fixed: bool,
    /// The line of each member, in order.
    lines: Vec<usize>,
    /// For each tied pair: the tie, and the ranks of the two members among those of their class on the same line.
    ties: Vec<(usize, u32, u32)>,
}

/// Classes of one signature.
#[derive(Clone, Debug)]
pub(crate) struct Set {
    /// Their smallest members, in order.
    pub(crate) classes: Vec<usize>,
    pub(crate) is_fixed: bool,
}

/// What an index is to a linear equation: all indices alike in this have alike equations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Orbit {
    pub(crate) set: usize,
    /// The index' rank among those of its class on its line.
    pub(crate) rank: u32,
    /// Whether the index is of the first class of the set, which stands for each alone; the others stand for the rest.
    pub(crate) is_first: bool,
}

/// The classes of a graph's indices by their signature.
pub(crate) struct Orbits {
    partition: Partition,
    ranks: Vec<u32>,
    sets: Vec<Set>,
    /// By index: the set of its class.
    set_of: Vec<u32>,
}

impl Orbits {
    pub(crate) fn new(lines: &Lines<'_>, partition: Partition, tied: &[Tied]) -> Self {
        // The classes in the order of their smallest members.
        let mut classes: Vec<usize> = Vec::new();
        let mut number_of = vec![0_u32; lines.elements()];
        for element in 0..lines.elements() {
            let class = partition.class(element);
            if class == element {
                number_of[element] = classes.len() as u32;
                classes.push(class);
            }
            number_of[element] = number_of[class];
        }
        let mut signatures: Vec<Signature> = Vec::new();
        signatures.resize_with(classes.len(), Signature::default);
        let ranks = ranks(lines, &number_of, &mut signatures);
        for &Tied { tie, left, right } in tied {
            signatures[number_of[left] as usize].ties.push((tie, ranks[left], ranks[right]));
        }
        let (mut sets, mut set_of_class): (Vec<Set>, Vec<u32>) = (Vec::new(), Vec::new());
        let mut known: HashMap<Signature, usize> = HashMap::new();
        for (&class, mut signature) in classes.iter().zip(signatures) {
            signature.is_fixed = partition.is_fixed(class);
            signature.ties.sort_unstable();
            let is_fixed = signature.is_fixed;
            let set = *known.entry(signature).or_insert(sets.len());
            if set == sets.len() {
                sets.push(Set { classes: Vec::new(), is_fixed });
            }
            sets[set].classes.push(class);
            set_of_class.push(set as u32);
        }
        let set_of = number_of.iter().map(|&number| set_of_class[number as usize]).collect();
        Self { partition, ranks, sets, set_of }
    }

    /// The sets, in the order of their first members.
    pub(crate) fn sets(&self) -> &[Set] {
        &self.sets
    }

    /// The smallest member of the class of an index.
    pub(crate) fn class(&self, element: usize) -> usize {
        self.partition.class(element)
    }

    pub(crate) fn orbit(&self, element: usize) -> Orbit {
        let set = self.set_of[element] as usize;
        Orbit { set, rank: self.ranks[element], is_first: self.sets[set].classes[0] == self.class(element) }
    }
}

/// For each index its rank among those of its class on its line; notes the lines of each class.
fn ranks(lines: &Lines<'_>, number_of: &[u32], signatures: &mut [Signature]) -> Vec<u32> {
    // The line that a class was last met on, and how many of its members are there.
    let mut last = vec![(usize::MAX, 0_u32); signatures.len()];
    let mut ranks = vec![0; number_of.len()];
    for (position, line) in lines.iter().enumerate() {
        for element in line.elements() {
            let number = number_of[element] as usize;
            let rank = if last[number].0 == position { last[number].1 } else { 0 };
            last[number] = (position, rank + 1);
            ranks[element] = rank;
            signatures[number].lines.push(position);
        }
    }
    ranks
}
