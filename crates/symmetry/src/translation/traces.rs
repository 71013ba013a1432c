//! Where each amount got to.

use std::collections::{BTreeMap, BTreeSet};

use graph::Val;
use num_rational::Ratio;

use super::{
    candidates::Solution,
    form::{Change, Form},
    walk::Walk,
};
use crate::scaling::Sum;

/// A form that an amount has a part in.
struct Trace<'a> {
    val: Val,
    kind: Kind,
    form: &'a Form,
    sum: &'a Sum<Ratio<i64>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Of the change of a value.
    Passed,
    /// Of what a bias takes over.
    Absorbed,
    /// Of what arrives at a bias that takes something over, but not this.
    Rest,
}

/// A walk by amounts.
pub(super) struct Traces<'a> {
    pub(super) walk: &'a Walk<'a>,
    by_amount: BTreeMap<usize, Vec<Trace<'a>>>,
}

/// What solutions change.
#[derive(Default)]
pub(super) struct Touched<'a> {
    /// The forms of each value's change.
    forms: BTreeMap<Val, BTreeSet<&'a Form>>,
    /// The sums whose biases take something over.
    pub(super) absorbed: BTreeSet<Val>,
    /// The sums at whose biases something else arrives.
    pub(super) rest: BTreeSet<Val>,
}

impl<'a> Touched<'a> {
    /// The forms that a value's change has.
    pub(super) fn forms(&self, val: Val) -> impl Iterator<Item = &'a Form> + '_ {
        self.forms.get(&val).into_iter().flatten().copied()
    }

    pub(super) fn is_changed(&self, val: Val) -> bool {
        self.forms.contains_key(&val)
    }
}

impl<'a> Traces<'a> {
    pub(super) fn new(walk: &'a Walk<'a>) -> Self {
        let mut traces = Self { walk, by_amount: BTreeMap::new() };
        for val in walk.known.view.lines.vals() {
            traces.add(val, Kind::Passed, &walk.changes[val.position()]);
        }
        for (&val, arrived) in &walk.arrived {
            traces.add(val, Kind::Absorbed, &arrived.absorbed);
            traces.add(val, Kind::Rest, &arrived.rest);
        }
        traces
    }

    fn add(&mut self, val: Val, kind: Kind, change: &'a Change) {
        for (form, sum) in change {
            for &amount in sum.keys() {
                self.by_amount.entry(amount).or_default().push(Trace { val, kind, form, sum });
            }
        }
    }

    /// What solutions change, each on its own.
    pub(super) fn of(&self, solutions: &[&Solution]) -> Touched<'a> {
        let mut touched = Touched::default();
        for solution in solutions {
            let traces = solution.amounts.keys().filter_map(|amount| self.by_amount.get(amount)).flatten();
            let is_there = |trace: &&Trace<'a>| {
                let terms = trace.sum.iter();
                let terms = terms.filter_map(|(amount, factor)| Some(factor * solution.amounts.get(amount)?));
                terms.fold(Ratio::ZERO, |sum: Ratio<i64>, term| sum + term) != Ratio::ZERO
            };
            for trace in traces.filter(is_there) {
                match trace.kind {
                    Kind::Passed => _ = touched.forms.entry(trace.val).or_default().insert(trace.form),
                    Kind::Absorbed => _ = touched.absorbed.insert(trace.val),
                    Kind::Rest => _ = touched.rest.insert(trace.val),
                }
            }
        }
        touched
    }
}
