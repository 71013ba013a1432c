//! All ways of scaling, or of changing signs, that leave the outputs unchanged.

use std::collections::BTreeMap;

use super::{
    equations::{Epsilon, Ground},
    field::Field,
    law::Law,
    system::{Sum, System, add},
    unknowns::Subject,
};
use crate::orbits::Orbit;

/// A way of scaling: the exponent of each unknown of parameters and states.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Solution<F> {
    pub(crate) exponents: Sum<F>,
    /// Whether it holds only as far as epsilons do not matter.
    pub(crate) is_approximate: bool,
}

/// All ways, as bases of vector spaces.
pub(crate) struct Solutions<F> {
    /// By set: each class of it may be scaled alone.
    pub(crate) alone: BTreeMap<usize, Vec<Solution<F>>>,
    /// What does not follow from those, each class of a set like the others. Exponents of the first class stand for all.
    pub(crate) joint: Vec<Solution<F>>,
}

/// The systems of one kind of factor.
struct Systems<F> {
    alone: BTreeMap<usize, System<F>>,
    joint: System<F>,
}

impl Ground<'_> {
    /// Solves for factors of this kind.
    pub(crate) fn solve<F: Law>(&self) -> Solutions<F> {
        let [exact, ignoring] = [Epsilon::Exact, Epsilon::Ignored].map(|epsilon| self.systems::<F>(epsilon));
        let mut seen = System::default();
        let mut alone = BTreeMap::new();
        for set in 0..self.orbits.sets().len() {
            let of_set: Vec<usize> = self.inputs(|orbit| orbit.set == set);
            let solve = |systems: &Systems<F>| {
                systems.alone.get(&set).map_or_else(|| free(&of_set), |system| system.solutions(&of_set))
            };
            let found = new_ones(&mut System::default(), solve(&exact), solve(&ignoring), Sum::clone);
            for solution in &found {
                seen.push(self.normal(&solution.exponents));
            }
            if !found.is_empty() {
                alone.insert(set, found);
            }
        }
        let mut unknowns = self.inputs(|orbit| orbit.is_first);
        unknowns.extend(self.wholes());
        unknowns.sort_unstable();
        let [exact, ignoring] = [exact, ignoring].map(|systems| systems.joint.solutions(&unknowns));
        let joint = new_ones(&mut seen, exact, ignoring, |sum| self.normal(sum));
        Solutions { alone, joint }
    }

    fn systems<F: Law>(&self, epsilon: Epsilon) -> Systems<F> {
        let mut systems = Systems { alone: BTreeMap::new(), joint: System::default() };
        self.equations(epsilon, |sum: Sum<F>| {
            let mut by_set: BTreeMap<usize, Sum<F>> = BTreeMap::new();
            let mut joint = Sum::new();
            for (unknown, factor) in sum {
                match self.unknowns.subject(unknown) {
                    Subject::Whole(_) => add(&mut joint, unknown, factor),
                    Subject::Along(line, orbit) => {
                        if orbit.is_first {
                            by_set.entry(orbit.set).or_default().insert(unknown, factor);
                        }
                        add(&mut joint, self.first(line, orbit), factor);
                    }
                }
            }
            for (set, sum) in by_set {
                systems.alone.entry(set).or_default().push(sum);
            }
            systems.joint.push(joint);
        });
        systems
    }

    /// The unknown of the first class of the set, which has members wherever the others have.
    fn first(&self, line: usize, orbit: Orbit) -> usize {
        self.unknowns.along(line, Orbit { is_first: true, ..orbit })
    }

    /// The unknowns of parameters and states along axes, of the first class of each set, for orbits that are wanted.
    fn inputs(&self, is_wanted: impl Fn(Orbit) -> bool) -> Vec<usize> {
        let along = |unknown: &usize| match self.unknowns.subject(*unknown) {
            Subject::Along(_, orbit) => orbit.is_first && is_wanted(orbit),
            Subject::Whole(_) => false,
        };
        self.unknowns.of_inputs().filter(along).collect()
    }

    fn wholes(&self) -> Vec<usize> {
        let is_whole = |unknown: &usize| matches!(self.unknowns.subject(*unknown), Subject::Whole(_));
        self.unknowns.of_inputs().filter(is_whole).collect()
    }

    /// The same factors in a form that only they decide: along each axis, the first index has none.
    pub(crate) fn normal<F: Field>(&self, exponents: &Sum<F>) -> Sum<F> {
        let mut normal = exponents.clone();
        for unknown in self.wholes() {
            let Subject::Whole(val) = self.unknowns.subject(unknown) else { continue };
            for line in self.lines.of(val) {
                if self.lines.get(line).size == 0 {
                    continue;
                }
                let first = self.first(line, self.orbits.orbit(self.lines.get(line).start));
                let Some(&factor) = normal.get(&first) else { continue };
                add(&mut normal, unknown, factor);
                for &index in self.unknowns.places(line) {
                    let orbit = self.orbits.orbit(self.lines.get(line).start + index);
                    if orbit.is_first {
                        add(&mut normal, self.first(line, orbit), factor.negative());
                    }
                }
            }
        }
        normal
    }
}

/// Each unknown alone.
fn free<F: Field>(unknowns: &[usize]) -> Vec<Sum<F>> {
    unknowns.iter().map(|&unknown| Sum::from([(unknown, F::ONE)])).collect()
}

/// Those that do not follow from what was seen, exact ones first.
fn new_ones<F: Field>(
    seen: &mut System<F>,
    exact: Vec<Sum<F>>,
    ignoring: Vec<Sum<F>>,
    normal: impl Fn(&Sum<F>) -> Sum<F>,
) -> Vec<Solution<F>> {
    let tagged = |sums: Vec<Sum<F>>, is_approximate| {
        sums.into_iter().map(move |exponents| Solution { exponents, is_approximate })
    };
    tagged(exact, false)
        .chain(tagged(ignoring, true))
        .filter(|solution| seen.push(normal(&solution.exponents)))
        .collect()
}
