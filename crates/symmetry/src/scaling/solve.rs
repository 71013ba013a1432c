//! All ways of scaling, or of changing signs, that leave the outputs unchanged.

use std::collections::BTreeMap;

use num_rational::Ratio;

use super::{
    equations::{Ground, Holds},
    field::{Field, Parity},
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

/// None.
impl<F> Default for Solutions<F> {
    fn default() -> Self {
        Self { alone: BTreeMap::new(), joint: Vec::new() }
    }
}

/// The systems of one kind of factor.
struct Systems<F> {
    alone: BTreeMap<usize, System<F>>,
    joint: System<F>,
}

impl<F> Default for Systems<F> {
    fn default() -> Self {
        Self { alone: BTreeMap::new(), joint: System::default() }
    }
}

impl<F: Field> Systems<F> {
    fn push(&mut self, ground: &Ground<'_>, sum: &Sum<F>) {
        let mut by_set: BTreeMap<usize, Sum<F>> = BTreeMap::new();
        let mut joint = Sum::new();
        for (&unknown, &factor) in sum {
            match ground.unknowns.subject(unknown) {
                Subject::Whole(_) => add(&mut joint, unknown, factor),
                Subject::Along(line, orbit) => {
                    if orbit.is_first {
                        by_set.entry(orbit.set).or_default().insert(unknown, factor);
                    }
                    let unknown = ground.first(line, orbit);
                    if unknown != ground.base(line) {
                        add(&mut joint, unknown, factor);
                    }
                }
            }
        }
        for (set, sum) in by_set {
            self.alone.entry(set).or_default().push(sum);
        }
        self.joint.push(joint);
    }
}

/// The systems as they are, and with epsilons taken to be zero.
struct Both<F> {
    exact: Systems<F>,
    ignoring: Systems<F>,
}

impl<F: Field> Both<F> {
    fn new() -> Self {
        Self { exact: Systems::default(), ignoring: Systems::default() }
    }

    fn push(&mut self, ground: &Ground<'_>, sum: &Sum<F>, holds: Holds) {
        self.exact.push(ground, sum);
        if holds == Holds::Always {
            self.ignoring.push(ground, sum);
        }
    }
}

impl Ground<'_> {
    /// All scales and all signs.
    pub(crate) fn solve(&self) -> (Solutions<Ratio<i64>>, Solutions<Parity>) {
        let (mut scales, mut signs) = (Both::new(), Both::new());
        self.equations(
            |sum, holds| scales.push(self, &sum, holds),
            |sum, holds| signs.push(self, &sum, holds),
        );
        (self.solutions(scales), self.solutions(signs))
    }

    fn solutions<F: Field>(&self, Both { exact, ignoring }: Both<F>) -> Solutions<F> {
        let mut alone = BTreeMap::new();
        for set in 0..self.orbits.sets().len() {
            let of_set: Vec<usize> = self.inputs(|orbit| orbit.set == set);
            let solve = |systems: &Systems<F>| {
                systems.alone.get(&set).map_or_else(|| free(&of_set), |system| system.solutions(&of_set))
            };
            let mut seen = System::default();
            of_set.iter().filter(|unknown| self.is_unread(**unknown)).for_each(|unknown| {
                seen.push(Sum::from([(*unknown, F::ONE)]));
            });
            let all = tagged(solve(&exact), false).chain(tagged(solve(&ignoring), true));
            let found: Vec<_> = all.filter(|each| seen.push(each.exponents.clone())).collect();
            if !found.is_empty() {
                alone.insert(set, found);
            }
        }
        let is_base = |unknown: &usize| match self.unknowns.subject(*unknown) {
            Subject::Along(line, _) => *unknown == self.base(line),
            Subject::Whole(_) => false,
        };
        let mut unknowns = self.inputs(|orbit| orbit.is_first);
        unknowns.retain(|unknown| !is_base(unknown));
        unknowns.extend(self.wholes());
        unknowns.sort_unstable();
        let [exact, ignoring] = [exact, ignoring].map(|systems| systems.joint.solutions(&unknowns));
        // What is exact must not count as seen because approximate ones add up to it.
        let mut seen = System::default();
        let unread =
            self.inputs(|orbit| orbit.is_first).into_iter().filter(|unknown| self.is_unread(*unknown));
        unread.for_each(|unknown| {
            seen.push(self.normal(&Sum::from([(unknown, F::ONE)])));
        });
        let mut joint = Vec::new();
        for (sums, is_approximate) in [(exact, false), (ignoring, true)] {
            for solution in
                alone.values().flatten().filter(|each: &&Solution<F>| each.is_approximate == is_approximate)
            {
                seen.push(self.normal(&solution.exponents));
            }
            joint.extend(tagged(sums, is_approximate).filter(|each| seen.push(self.normal(&each.exponents))));
        }
        Solutions { alone, joint }
    }

    /// Whether no output depends on what an unknown of a parameter scales: to scale it is to change it in any way.
    fn is_unread(&self, unknown: usize) -> bool {
        let Subject::Along(number, orbit) = self.unknowns.subject(unknown) else { return false };
        let start = self.lines.get(number).start;
        let mut own = self.unknowns.places(number).iter().map(|index| start + index);
        own.any(|element| !self.read[element] && self.orbits.orbit(element) == orbit)
    }

    /// The unknown of the first class of the set, which has members wherever the others have.
    fn first(&self, line: usize, orbit: Orbit) -> usize {
        self.unknowns.along(line, Orbit { is_first: true, ..orbit })
    }

    /// The unknown of the first index of a line, which has at least one. Where classes are alike it may count as zero: the
    /// factor of the whole value does the same.
    fn base(&self, line: usize) -> usize {
        self.first(line, self.orbits.orbit(self.lines.get(line).start))
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
                let first = self.base(line);
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

fn tagged<F>(sums: Vec<Sum<F>>, is_approximate: bool) -> impl Iterator<Item = Solution<F>> {
    sums.into_iter().map(move |exponents| Solution { exponents, is_approximate })
}
