//! What the applications of a graph ask of the factors of its values.

use std::collections::BTreeSet;

use graph::{Def, Graph, Prim, Role, Val};

use super::{
    facts::{Fact, Facts},
    law::{Law, Rule, has_factor},
    sites::{Application, Place, Site},
    system::{Sum, add},
    unknowns::Unknowns,
};
use crate::{lines::Lines, orbits::Orbits};

/// When an equation holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    Always,
    /// Not where epsilons are taken to be zero.
    Exactly,
}

/// What is known of a graph before factors are looked at.
pub(crate) struct Ground<'a> {
    pub(crate) lines: &'a Lines<'a>,
    pub(crate) orbits: &'a Orbits,
    pub(crate) facts: &'a Facts,
    pub(crate) unknowns: &'a Unknowns,
    /// For each index, whether an output depends on it.
    pub(crate) read: &'a [bool],
}

impl Ground<'_> {
    /// Gives each equation of either law to what takes it.
    pub(crate) fn equations<F: Law, G: Law>(
        &self,
        mut take: impl FnMut(Sum<F>, Holds),
        mut take_other: impl FnMut(Sum<G>, Holds),
    ) {
        for val in self.lines.vals() {
            let Def::Apply { op, operands } = self.lines.graph.def(val) else { continue };
            let types: Vec<_> = operands.iter().map(|&operand| self.lines.graph.ty(operand)).collect();
            let map = op.axes(&types, self.lines.graph.ty(val));
            let application = Application::new(self.lines.graph, val, operands, map);
            let sites = self.sites(op, &application);
            self.application(&application, &sites, &F::rule(op, operands, self.facts), &mut take);
            self.application(&application, &sites, &G::rule(op, operands, self.facts), &mut take_other);
        }
        self.seen_from_outside(&mut take);
        self.seen_from_outside(&mut take_other);
    }

    /// The factor of an element, which is 1 (a sum without terms) where the value has none.
    fn factor<F: Law>(&self, val: Val, indices: &[usize]) -> Sum<F> {
        if !self.facts.is_variable(val) {
            return Sum::new();
        }
        let mut sum = Sum::from([(self.unknowns.whole(val), F::ONE)]);
        for (number, &index) in self.lines.of(val).zip(indices) {
            let orbit = self.orbits.orbit(self.lines.get(number).start + index);
            add(&mut sum, self.unknowns.along(number, orbit), F::ONE);
        }
        sum
    }

    /// The first site, and those where one axis of one value has another index: one of each orbit. As an operand of a
    /// concatenation is read at some indices of the result only, this is done for each of them.
    fn sites(&self, op: &Prim, application: &Application<'_>) -> BTreeSet<Site> {
        let mut starts: Vec<Vec<Place>> = vec![Vec::new()];
        if let Prim::Concatenate(op) = op {
            starts.extend((1..application.vals.len()).map(|operand| vec![(operand - 1, op.axis, 0)]));
        }
        let mut sites = BTreeSet::new();
        for start in starts {
            sites.extend(application.site(&start));
            let is_free = |axis: usize| start.iter().all(|place| place.1 != axis);
            for (slot, &val) in application.vals.iter().enumerate() {
                for (axis, number) in self.lines.of(val).enumerate().filter(|(axis, _)| is_free(*axis)) {
                    let places = self.unknowns.places(number).iter();
                    let moved = places.map(|&index| [&start[..], &[(slot, axis, index)]].concat());
                    sites.extend(moved.filter_map(|moved| application.site(&moved)));
                }
            }
        }
        sites
    }

    fn application<F: Law>(
        &self,
        application: &Application<'_>,
        sites: &BTreeSet<Site>,
        rule: &Rule<F>,
        take: &mut impl FnMut(Sum<F>, Holds),
    ) {
        for site in sites {
            self.at_site(application, site, rule, take);
        }
        for (slot, axis, run) in application.fixed() {
            let val = application.vals[slot];
            if self.has_factor(val) && self.facts.is_variable(val) {
                self.even(self.lines.of(val).start + axis, run.indices(), take);
            }
        }
    }

    fn at_site<F: Law>(
        &self,
        application: &Application<'_>,
        site: &Site,
        rule: &Rule<F>,
        take: &mut impl FnMut(Sum<F>, Holds),
    ) {
        let (result, vals) = (application.vals.len() - 1, &application.vals);
        let factor = |slot: usize| -> Option<Sum<F>> {
            let indices = site[slot].as_ref().filter(|_| self.has_factor(vals[slot]))?;
            Some(self.factor(vals[slot], indices))
        };
        let holds = |slot: usize| {
            let is_constant = matches!(self.facts.of(vals[slot]), Fact::Uniform(_));
            if is_constant && self.facts.has_epsilon(vals[result]) { Holds::Exactly } else { Holds::Always }
        };
        let operands = || (0..result).filter_map(|slot| Some((factor(slot)?, holds(slot))));
        let own = || factor(result).map(|sum| (sum, Holds::Always));
        match rule {
            Rule::Product(exponents) => {
                let Some(mut sum) = factor(result) else { return };
                for (operand, exponent) in exponents.iter().enumerate() {
                    for (x, f) in factor(operand).into_iter().flatten() {
                        add(&mut sum, x, f.times(*exponent).negative());
                    }
                }
                take(sum, Holds::Always);
            }
            Rule::Same => equal(own().into_iter().chain(operands()), take),
            Rule::Compare => equal(operands(), take),
            Rule::Still => operands().chain(own()).for_each(|(sum, holds)| take(sum, holds)),
            Rule::Blind => own().into_iter().for_each(|(sum, holds)| take(sum, holds)),
        }
    }

    fn has_factor(&self, val: Val) -> bool {
        has_factor(self.lines.graph, self.facts, val)
    }

    /// All indices have one factor.
    fn even<F: Law>(
        &self,
        number: usize,
        indices: impl Iterator<Item = usize>,
        take: &mut impl FnMut(Sum<F>, Holds),
    ) {
        let start = self.lines.get(number).start;
        let along = |index| self.unknowns.along(number, self.orbits.orbit(start + index));
        let unknowns: BTreeSet<usize> = indices.map(along).collect();
        equal(unknowns.into_iter().map(|unknown| (Sum::from([(unknown, F::ONE)]), Holds::Always)), take);
    }

    /// Outputs have no factors; a new state has that of the old one.
    fn seen_from_outside<F: Law>(&self, take: &mut impl FnMut(Sum<F>, Holds)) {
        let graph = self.lines.graph;
        let outputs =
            graph.outputs().iter().map(|output| (output.val, old_state(graph, &output.name, output.val)));
        for (val, old) in outputs.filter(|(val, _)| self.has_factor(*val)) {
            for indices in self.corners(val) {
                let mut sum = self.factor(val, &indices);
                for (x, f) in old.map(|old| self.factor::<F>(old, &indices)).into_iter().flatten() {
                    add(&mut sum, x, f.negative());
                }
                take(sum, Holds::Always);
            }
        }
    }

    /// The first element of a value, and those with one index of another orbit.
    fn corners(&self, val: Val) -> Vec<Vec<usize>> {
        let first = vec![0; self.lines.of(val).len()];
        if self.lines.graph.ty(val).shape.contains(&0) {
            return Vec::new();
        }
        let mut corners = vec![first.clone()];
        for (axis, number) in self.lines.of(val).enumerate() {
            corners.extend(self.unknowns.places(number).iter().map(|&index| {
                let mut corner = first.clone();
                corner[axis] = index;
                corner
            }));
        }
        corners
    }
}

/// The state of which an output is the new value: that of its name and type, if it is not the state itself.
pub(crate) fn old_state(graph: &Graph, name: &str, val: Val) -> Option<Val> {
    let is_old = |input: &&graph::Input| {
        input.role == Role::State && input.name == name && graph.ty(input.val) == graph.ty(val)
    };
    graph.inputs().iter().find(is_old).map(|input| input.val)
}

/// All are equal to the first.
fn equal<F: Law>(mut sums: impl Iterator<Item = (Sum<F>, Holds)>, mut take: impl FnMut(Sum<F>, Holds)) {
    let Some((first, _)) = sums.next() else { return };
    for (mut sum, holds) in sums {
        first.iter().for_each(|(&x, f)| add(&mut sum, x, f.negative()));
        take(sum, holds);
    }
}
