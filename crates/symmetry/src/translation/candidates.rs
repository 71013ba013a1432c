//! Which changes of parameters are tried, and which of them together change nothing.

use std::collections::{BTreeMap, BTreeSet};

use graph::Val;
use num_rational::Ratio;

use super::{
    compensation::compensation,
    form::{Along, Change, Form},
    independent::independent,
    known::Known,
    traces::Traces,
    walk::Walk,
};
use crate::{lines::Line, orbits::Orbit, scaling::Sum, view::View};

/// The most changes of one parameter that are tried. Ours: a kernel of 7 × 7 positions has a few hundred; of a parameter with more, those
/// at one index of one axis only.
const MOST: usize = 4096;

/// What a change of an input is along one of its axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// The same at every index.
    Every,
    /// At the index of the first class of an orbit, which stands for those of all classes.
    At(Orbit, usize),
    /// In proportion to the weights of that number; see [`super::sums`].
    Weighed(usize),
}

impl Place {
    /// The set of classes that it is at one of.
    pub(super) fn set(self) -> Option<usize> {
        match self {
            Self::Every | Self::Weighed(_) => None,
            Self::At(orbit, _) => Some(orbit.set),
        }
    }
}

/// A change of an input by an amount.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Candidate {
    pub(super) input: Val,
    pub(super) places: Vec<Place>,
}

/// Changes that together, and with what biases make up for, change nothing.
#[derive(Clone, Debug)]
pub(super) struct Solution {
    /// The changes with their amounts.
    pub(super) terms: Vec<(Candidate, Ratio<i64>)>,
    /// The same by the number of the change.
    pub(super) amounts: Sum<Ratio<i64>>,
}

/// The sets of classes that a solution is at one of.
pub(super) fn sets(solution: &Solution) -> BTreeSet<usize> {
    solution
        .terms
        .iter()
        .flat_map(|(candidate, _)| candidate.places.iter().filter_map(|place| place.set()))
        .collect()
}

/// The walk on which each change has an amount, in their order.
pub(super) fn followed<'a>(known: &'a Known<'a>, candidates: &[Candidate]) -> Walk<'a> {
    let mut inputs: BTreeMap<Val, Change> = BTreeMap::new();
    for (amount, candidate) in candidates.iter().enumerate() {
        let along = candidate.places.iter().map(|place| match *place {
            Place::Every => Along::Every,
            Place::At(_, index) => Along::Index(index),
            Place::Weighed(number) => Along::Weighed(number),
        });
        let form = Form::plain(along.collect(), known.shape(candidate.input));
        inputs.entry(candidate.input).or_default().insert(form, Sum::from([(amount, Ratio::ONE)]));
    }
    Walk::run(known, inputs, candidates.len())
}

/// What changes nothing, and the dimension of it with all that is like it.
pub(super) fn solutions(traces: &Traces<'_>, candidates: &[Candidate]) -> (Vec<Solution>, usize) {
    let walk = traces.walk;
    let all: Vec<usize> = (0..candidates.len()).collect();
    let solution = |amounts: Sum<Ratio<i64>>| Solution {
        terms: amounts.iter().map(|(&amount, &factor)| (candidates[amount].clone(), factor)).collect(),
        amounts,
    };
    let mut found: Vec<Solution> = walk.system.solutions(&all).into_iter().map(solution).collect();
    found.retain(|solution| compensation(traces, &[solution]).is_some());
    independent(walk.known.view, found)
}

/// All changes that are tried.
pub(super) fn candidates(known: &Known<'_>) -> Vec<Candidate> {
    let mut axes: BTreeMap<Val, Vec<Vec<Place>>> = BTreeMap::new();
    for (input, line) in known.view.lines.movable() {
        let weighed = known.sums.of_input(input.val, line.axis).map(Place::Weighed);
        let places = places(known.view, line).into_iter().chain(weighed);
        axes.entry(input.val).or_default().push(places.collect());
    }
    let of_input = |(input, axes): (Val, Vec<Vec<Place>>)| {
        let places = combinations(&axes);
        places.into_iter().map(move |places| Candidate { input, places })
    };
    axes.into_iter().flat_map(of_input).collect()
}

/// What a change can be along an axis.
fn places(view: &View<'_>, line: &Line) -> Vec<Place> {
    let mut places = vec![Place::Every];
    let mut seen = BTreeSet::new();
    for (index, element) in line.elements().enumerate().filter(|_| line.size > 1) {
        let orbit = view.orbits.orbit(element);
        if orbit.is_first && seen.insert(orbit) {
            places.push(Place::At(orbit, index));
        }
    }
    places
}

/// One place for each axis, of different sets.
fn combinations(axes: &[Vec<Place>]) -> Vec<Vec<Place>> {
    let count: usize = axes.iter().map(Vec::len).product();
    let mut all: Vec<Vec<Place>> = vec![Vec::new()];
    for places in axes {
        let longer = |before: &Vec<Place>| {
            let is_alone = before.iter().all(|place| *place == Place::Every);
            let sets: Vec<usize> = before.iter().filter_map(|place| place.set()).collect();
            let is_new = move |place: &&Place| match place {
                Place::Every => true,
                Place::At(orbit, _) => !sets.contains(&orbit.set) && (count <= MOST || is_alone),
                Place::Weighed(_) => count <= MOST || is_alone,
            };
            let before = before.clone();
            places.iter().filter(is_new).map(|place| [&before[..], &[*place]].concat()).collect::<Vec<_>>()
        };
        all = all.iter().flat_map(longer).collect();
    }
    all
}
