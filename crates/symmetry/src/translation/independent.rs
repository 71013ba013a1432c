//! Which solutions others make up, and how many are independent.

use std::collections::{BTreeMap, BTreeSet};

use graph::Val;
use num_rational::Ratio;

use super::candidates::{Candidate, Place, Solution, sets};
use crate::{
    scaling::{Sum, System, add},
    view::View,
};

/// Which of its classes a term of a solution moves along an axis.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// One class, against the others.
    One(usize, u32),
    /// All classes alike.
    All(usize, u32),
}

/// A change with its amount.
type Term = (Candidate, Ratio<i64>);

/// Solutions as far as they go in one component; see [`Components`].
#[derive(Default)]
struct Component {
    numbers: BTreeMap<(Val, Vec<Part>), usize>,
    system: System<Ratio<i64>>,
}

/// The number of some weights, and what of a solution has the weight of indices of this set and rank; `None` for what has none.
type Block = Option<(usize, usize, u32)>;

/// Solutions with weights, in one component: what is left of each index without those that have none.
#[derive(Default)]
struct Weighed {
    numbers: BTreeMap<(Block, BTreeSet<usize>, usize), usize>,
    system: System<Ratio<i64>>,
}

/// A change at one index of those that weights are of, with its amount and the axis of that index.
type At = (Term, Option<usize>);

/// Which part of terms is looked at.
#[derive(Clone, Copy)]
struct Kind<'a> {
    /// The sets along whose axes it adds up to zero.
    own: &'a BTreeSet<usize>,
    /// Whether it does so along the axis of weights, too, which may be of one of these sets or of another.
    by_weight: bool,
}

/// What solutions span. The amounts of a solution at one class each of several sets, and of those that are like it, are a tensor with
/// an axis for each set. It is the sum of parts that add up to zero along the axes of some sets and are the same along the others;
/// parts for different sets are independent of each other, and all of one kind are so if one is.
///
/// A solution with weights is the sum of one for each index times its weight. As weights are any numbers, constant amounts make it up only if
/// they make up each of these. So solutions with weights come last, and count for what is left of each index.
struct Components<'a> {
    view: &'a View<'a>,
    components: BTreeMap<BTreeSet<usize>, Component>,
    weighed: BTreeMap<BTreeSet<usize>, Weighed>,
    dimension: usize,
}

/// The solutions that others do not make up, those without weights and at single classes of more sets first, and the dimension of what all
/// span.
pub(super) fn independent(view: &View<'_>, mut found: Vec<Solution>) -> (Vec<Solution>, usize) {
    found.sort_by_key(|solution| (has_weights(solution), std::cmp::Reverse(sets(solution).len())));
    let mut components =
        Components { view, components: BTreeMap::new(), weighed: BTreeMap::new(), dimension: 0 };
    found.retain(|solution| components.take(solution));
    (found, components.dimension)
}

fn weight(candidate: &Candidate) -> Option<(usize, usize)> {
    candidate.places.iter().enumerate().find_map(|(axis, place)| match place {
        Place::Weighed(number) => Some((axis, *number)),
        Place::Every | Place::At(..) => None,
    })
}

fn has_weights(solution: &Solution) -> bool {
    solution.terms.iter().any(|(candidate, _)| weight(candidate).is_some())
}

impl Components<'_> {
    fn classes(&self, set: usize) -> usize {
        self.view.orbits.sets()[set].classes.len()
    }

    /// Adds a solution; whether it brings anything.
    fn take(&mut self, solution: &Solution) -> bool {
        let all = sets(solution);
        let sets: Vec<usize> = all.iter().copied().filter(|&set| self.classes(set) > 1).collect();
        let blocks = has_weights(solution).then(|| self.blocks(solution));
        let mut is_new = false;
        for chosen in 0..1_usize << sets.len() {
            let bits = sets.iter().enumerate().filter(|(bit, _)| chosen >> bit & 1 == 1);
            let own: BTreeSet<usize> = bits.map(|(_, &set)| set).collect();
            let brings = match &blocks {
                None => self.push(&solution.terms, &all, &own),
                Some(blocks) => self.push_weighed(blocks, &all, &own),
            };
            if brings {
                is_new = true;
                self.dimension += own.iter().map(|&set| self.classes(set) - 1).product::<usize>();
            }
        }
        is_new
    }

    fn push(&mut self, terms: &[Term], sets: &BTreeSet<usize>, own: &BTreeSet<usize>) -> bool {
        let mut component = self.components.remove(own).unwrap_or_default();
        let terms: Vec<At> = terms.iter().map(|term| (term.clone(), None)).collect();
        let parts = self.parts(&terms, sets, Kind { own, by_weight: false }, &mut component.numbers);
        let is_new = component.system.push(parts);
        self.components.insert(own.clone(), component);
        is_new
    }

    /// The terms of a solution for each index that weights are of, by what the indices are.
    fn blocks(&self, solution: &Solution) -> BTreeMap<Block, Vec<At>> {
        let mut blocks: BTreeMap<Block, Vec<At>> = BTreeMap::new();
        for (candidate, factor) in &solution.terms {
            let Some((axis, number)) = weight(candidate) else {
                blocks.entry(None).or_default().push(((candidate.clone(), *factor), None));
                continue;
            };
            let line = self.view.lines.line(candidate.input, axis);
            for (index, element) in line.elements().enumerate() {
                let orbit = self.view.orbits.orbit(element);
                if orbit.is_first {
                    let mut at = candidate.clone();
                    at.places[axis] = Place::At(orbit, index);
                    let block = blocks.entry(Some((number, orbit.set, orbit.rank))).or_default();
                    block.push(((at, *factor), Some(axis)));
                }
            }
        }
        blocks
    }

    fn push_weighed(
        &mut self,
        blocks: &BTreeMap<Block, Vec<At>>,
        sets: &BTreeSet<usize>,
        own: &BTreeSet<usize>,
    ) -> bool {
        let mut weighed = self.weighed.remove(own).unwrap_or_default();
        let mut left = Sum::new();
        for (block, terms) in blocks {
            // One index is a part that adds up to zero over the classes, and one that is the same for all.
            let set = block.map(|(_, set, _)| set).filter(|&set| self.classes(set) > 1);
            for by_weight in [false, true].into_iter().take(1 + usize::from(set.is_some())) {
                let key: BTreeSet<usize> = own.iter().copied().chain(set.filter(|_| by_weight)).collect();
                let mut component = self.components.remove(&key).unwrap_or_default();
                let parts = self.parts(terms, sets, Kind { own, by_weight }, &mut component.numbers);
                for (part, factor) in component.system.reduced(parts) {
                    let next = weighed.numbers.len();
                    let number = *weighed.numbers.entry((*block, key.clone(), part)).or_insert(next);
                    add(&mut left, number, factor);
                }
                self.components.insert(key, component);
            }
        }
        let is_new = weighed.system.push(left);
        self.weighed.insert(own.clone(), weighed);
        is_new
    }

    /// A part of terms in terms of orbits. `sets` are those of all terms, apart from weights: what has no axis for one of them gets the
    /// sum over its classes.
    fn parts(
        &self,
        terms: &[At],
        sets: &BTreeSet<usize>,
        kind: Kind<'_>,
        numbers: &mut BTreeMap<(Val, Vec<Part>), usize>,
    ) -> Sum<Ratio<i64>> {
        let mut sum = Sum::new();
        for ((candidate, factor), weight) in terms {
            let places = candidate.places.iter().enumerate().filter(|(axis, _)| Some(*axis) != *weight);
            let has: BTreeSet<usize> = places.filter_map(|(_, place)| place.set()).collect();
            // What is the same for all classes of a set adds up to zero only if it is zero.
            if !has.is_superset(kind.own) {
                continue;
            }
            let missing: usize = sets.difference(&has).map(|&set| self.classes(set)).product();
            let mut all: Vec<Vec<Part>> = vec![Vec::new()];
            let lines = self.view.lines.of(candidate.input);
            for ((axis, place), number) in candidate.places.iter().enumerate().zip(lines) {
                let is_one =
                    |set| if Some(axis) == *weight { kind.by_weight } else { kind.own.contains(&set) };
                let options = self.options(number, *place, is_one);
                let longer = |before: &Vec<Part>| {
                    let longer = options.iter().map(|part| [&before[..], &[*part]].concat());
                    longer.collect::<Vec<_>>()
                };
                all = all.iter().flat_map(longer).collect();
            }
            for parts in all {
                let next = numbers.len();
                let number = *numbers.entry((candidate.input, parts)).or_insert(next);
                add(&mut sum, number, *factor * Ratio::from_integer(missing as i64));
            }
        }
        sum
    }

    /// What a place is on its line, class by class.
    fn options(&self, number: usize, place: Place, is_one: impl Fn(usize) -> bool) -> Vec<Part> {
        match place {
            Place::At(orbit, _) if is_one(orbit.set) => vec![Part::One(orbit.set, orbit.rank)],
            Place::At(orbit, _) => vec![Part::All(orbit.set, orbit.rank)],
            Place::Every | Place::Weighed(_) => {
                let elements = self.view.lines.get(number).elements();
                let orbits = elements.map(|element| self.view.orbits.orbit(element));
                let orbits: BTreeSet<(usize, u32)> = orbits.map(|orbit| (orbit.set, orbit.rank)).collect();
                orbits.into_iter().map(|(set, rank)| Part::All(set, rank)).collect()
            }
        }
    }
}
