//! Which index classes look alike.

use std::collections::BTreeMap;

use crate::{classes::Partition, lines::Lines};

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
    /// By the smallest member of each class.
    set_of: BTreeMap<usize, usize>,
}

impl Orbits {
    pub(crate) fn new(lines: &Lines<'_>, partition: Partition, tied: &[Tied]) -> Self {
        let mut signatures: BTreeMap<usize, Signature> = BTreeMap::new();
        let mut ranks = vec![0; lines.elements()];
        for (position, line) in lines.iter().enumerate() {
            let mut counts: BTreeMap<usize, u32> = BTreeMap::new();
            for element in line.elements() {
                let class = partition.class(element);
                signatures.entry(class).or_default().lines.push(position);
                let count = counts.entry(class).or_default();
                ranks[element] = *count;
                *count += 1;
            }
        }
        for &Tied { tie, left, right } in tied {
            if let Some(signature) = signatures.get_mut(&partition.class(left)) {
                signature.ties.push((tie, ranks[left], ranks[right]));
            }
        }
        let mut by_signature: BTreeMap<Signature, Vec<usize>> = BTreeMap::new();
        for (class, mut signature) in signatures {
            signature.is_fixed = partition.is_fixed(class);
            signature.ties.sort_unstable();
            by_signature.entry(signature).or_default().push(class);
        }
        let set =
            |(signature, classes): (Signature, Vec<usize>)| Set { classes, is_fixed: signature.is_fixed };
        let mut sets: Vec<Set> = by_signature.into_iter().map(set).collect();
        sets.sort_by_key(|set| set.classes[0]);
        let of_set = |(number, set): (usize, &Set)| {
            set.classes.iter().map(move |&class| (class, number)).collect::<Vec<_>>()
        };
        let set_of = sets.iter().enumerate().flat_map(of_set).collect();
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
        let class = self.class(element);
        let set = self.set_of[&class];
        Orbit { set, rank: self.ranks[element], is_first: self.sets[set].classes[0] == class }
    }
}
