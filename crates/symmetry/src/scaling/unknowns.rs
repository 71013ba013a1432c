//! The unknowns: how every value may be scaled.
//!
//! The factor of an element is a product: one for the whole value and one for its index along each axis. In logarithms (or
//! parities) these are sums, and what primitives ask of them are linear equations. Indices that are alike have alike
//! equations, so of each set of classes two stand for all: the first class, and the rest.

use std::{collections::BTreeMap, ops::Range};

use graph::{Def, Role, Val};

use crate::{
    lines::Lines,
    orbits::{Orbit, Orbits},
};

use super::facts::Facts;

/// What an unknown is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// The factor of a whole value.
    Whole(Val),
    /// The factor of indices along an axis, by the number of the line.
    Along(usize, Orbit),
}

/// The numbering of the unknowns of all values that may have factors: those of inputs last, so that a system gives the others by them.
pub(crate) struct Unknowns {
    subjects: Vec<Subject>,
    whole: BTreeMap<Val, usize>,
    along: Vec<BTreeMap<Orbit, usize>>,
    /// An index of each orbit of each line.
    places: Vec<Vec<usize>>,
    first_of_inputs: usize,
}

impl Unknowns {
    pub(crate) fn new(lines: &Lines<'_>, orbits: &Orbits, facts: &Facts) -> Self {
        let graph = lines.graph;
        let is_kept = |val: &Val| match graph.def(*val) {
            Def::Input(position) => graph.inputs()[*position].role != Role::Data,
            Def::Apply { .. } => false,
        };
        let (kept, mut others): (Vec<Val>, Vec<Val>) =
            lines.vals().filter(|&val| facts.is_variable(val)).partition(is_kept);
        others.reverse();
        let mut unknowns = Self {
            subjects: Vec::new(),
            whole: BTreeMap::new(),
            along: vec![BTreeMap::new(); lines.iter().count()],
            places: vec![Vec::new(); lines.iter().count()],
            first_of_inputs: 0,
        };
        others.into_iter().for_each(|val| unknowns.number(lines, orbits, val));
        unknowns.first_of_inputs = unknowns.subjects.len();
        kept.into_iter().for_each(|val| unknowns.number(lines, orbits, val));
        unknowns
    }

    fn number(&mut self, lines: &Lines<'_>, orbits: &Orbits, val: Val) {
        for number in lines.of(val) {
            let mut last = None;
            for (index, element) in lines.get(number).elements().enumerate() {
                let orbit = orbits.orbit(element);
                if last.replace(orbit) != Some(orbit) && !self.along[number].contains_key(&orbit) {
                    self.along[number].insert(orbit, self.subjects.len());
                    self.places[number].push(index);
                    self.subjects.push(Subject::Along(number, orbit));
                }
            }
        }
        self.whole.insert(val, self.subjects.len());
        self.subjects.push(Subject::Whole(val));
    }

    pub(crate) fn subject(&self, unknown: usize) -> Subject {
        self.subjects[unknown]
    }

    pub(crate) fn whole(&self, val: Val) -> usize {
        self.whole[&val]
    }

    pub(crate) fn along(&self, line: usize, orbit: Orbit) -> usize {
        self.along[line][&orbit]
    }

    /// An index of each orbit along a line, the first index among them; none of a value without factors.
    pub(crate) fn places(&self, line: usize) -> &[usize] {
        &self.places[line]
    }

    /// The unknowns of parameters and states.
    pub(crate) fn of_inputs(&self) -> Range<usize> {
        self.first_of_inputs..self.subjects.len()
    }
}
