//! What the applications of a graph ask of the factors of its values.

use std::collections::BTreeSet;

use graph::{Def, Graph, Role, Val};

use super::{
    facts::Facts,
    law::{Law, Rule, has_factor},
    sites::{Application, Site},
    system::{Sum, add},
    unknowns::Unknowns,
};
use crate::{lines::Lines, orbits::Orbits};

/// Whether sums with an epsilon scale as if it were zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Epsilon {
    /// It counts.
    Exact,
    /// It is taken to be zero.
    Ignored,
}

/// What is known of a graph before factors are looked at.
pub(crate) struct Ground<'a> {
    pub(crate) lines: &'a Lines<'a>,
    pub(crate) orbits: &'a Orbits,
    pub(crate) facts: &'a Facts,
    pub(crate) unknowns: &'a Unknowns,
}

impl Ground<'_> {
    /// Gives each equation to `take`.
    pub(crate) fn equations<F: Law>(&self, epsilon: Epsilon, mut take: impl FnMut(Sum<F>)) {
        for val in self.lines.vals() {
            if let Def::Apply { op, operands } = self.lines.graph.def(val) {
                let rule = F::rule(op, operands, self.facts);
                let types: Vec<_> = operands.iter().map(|&operand| self.lines.graph.ty(operand)).collect();
                let map = op.axes(&types, self.lines.graph.ty(val));
                let application = Application::new(self.lines.graph, val, operands, map);
                self.application(&application, &rule, epsilon, &mut take);
            }
        }
        self.seen_from_outside(&mut take);
    }

    /// The factor of an element.
    fn factor<F: Law>(&self, val: Val, indices: &[usize]) -> Sum<F> {
        let mut sum = Sum::from([(self.unknowns.whole(val), F::ONE)]);
        for (number, &index) in self.lines.of(val).zip(indices) {
            let orbit = self.orbits.orbit(self.lines.get(number).start + index);
            add(&mut sum, self.unknowns.along(number, orbit), F::ONE);
        }
        sum
    }

    fn application<F: Law>(
        &self,
        application: &Application<'_>,
        rule: &Rule<F>,
        epsilon: Epsilon,
        take: &mut impl FnMut(Sum<F>),
    ) {
        for site in self.sites(application) {
            self.at_site(application, &site, rule, epsilon, take);
        }
        for (slot, axis, run) in application.fixed() {
            let val = application.vals[slot];
            if self.has_factor(val) {
                self.even(self.lines.of(val).start + axis, run.indices(), take);
            }
        }
    }

    /// The first site, and those where one axis of one value has another index: one of each orbit.
    fn sites(&self, application: &Application<'_>) -> BTreeSet<Site> {
        let mut sites: BTreeSet<Site> = application.site(None).into_iter().collect();
        for (slot, &val) in application.vals.iter().enumerate() {
            for (axis, number) in self.lines.of(val).enumerate() {
                let places = self.unknowns.places(number).iter();
                sites.extend(places.filter_map(|&index| application.site(Some((slot, axis, index)))));
            }
        }
        sites
    }

    fn at_site<F: Law>(
        &self,
        application: &Application<'_>,
        site: &Site,
        rule: &Rule<F>,
        epsilon: Epsilon,
        take: &mut impl FnMut(Sum<F>),
    ) {
        let (result, vals) = (application.vals.len() - 1, &application.vals);
        let is_ignored = |operand: usize| {
            epsilon == Epsilon::Ignored
                && self.facts.has_epsilon(vals[result])
                && self.facts.of(vals[operand]) != super::facts::Fact::Variable
        };
        let factor = |slot: usize| -> Option<Sum<F>> {
            let indices = site[slot].as_ref().filter(|_| self.has_factor(vals[slot]))?;
            Some(self.factor(vals[slot], indices))
        };
        let operands = || (0..result).filter(|&operand| !is_ignored(operand)).filter_map(factor);
        match rule {
            Rule::Product(exponents) => {
                let Some(mut sum) = factor(result) else { return };
                for (operand, exponent) in exponents.iter().enumerate() {
                    for (x, f) in factor(operand).into_iter().flatten() {
                        add(&mut sum, x, f.times(*exponent).negative());
                    }
                }
                take(sum);
            }
            Rule::Same => equal(operands().chain(factor(result)), take),
            Rule::Compare => equal(operands(), take),
            Rule::Still => operands().chain(factor(result)).for_each(take),
            Rule::Blind => factor(result).into_iter().for_each(take),
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
        take: &mut impl FnMut(Sum<F>),
    ) {
        let start = self.lines.get(number).start;
        let unknowns: BTreeSet<usize> =
            indices.map(|index| self.unknowns.along(number, self.orbits.orbit(start + index))).collect();
        equal(unknowns.into_iter().map(|unknown| Sum::from([(unknown, F::ONE)])), take);
    }

    /// Data and outputs keep their factors; a new state has that of the old one.
    fn seen_from_outside<F: Law>(&self, take: &mut impl FnMut(Sum<F>)) {
        let graph = self.lines.graph;
        let data =
            graph.inputs().iter().filter(|input| input.role == Role::Data).map(|input| (input.val, None));
        let outputs =
            graph.outputs().iter().map(|output| (output.val, old_state(graph, &output.name, output.val)));
        for (val, old) in data.chain(outputs) {
            if !self.lines.is_live(val) || !self.has_factor(val) {
                continue;
            }
            for indices in self.corners(val) {
                let mut sum = self.factor(val, &indices);
                for (x, f) in old.map(|old| self.factor::<F>(old, &indices)).into_iter().flatten() {
                    add(&mut sum, x, f.negative());
                }
                take(sum);
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

/// All are equal.
fn equal<F: Law>(sums: impl Iterator<Item = Sum<F>>, mut take: impl FnMut(Sum<F>)) {
    let mut sums = sums;
    let Some(first) = sums.next() else { return };
    for mut sum in sums {
        first.iter().for_each(|(&x, f)| add(&mut sum, x, f.negative()));
        take(sum);
    }
}
