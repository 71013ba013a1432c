//! Translations as they are told: like ones together.

use std::collections::BTreeMap;

use super::{
    candidates::{Place, Solution, sets},
    compensation::{Compensation, compensation},
    traces::Traces,
};
use crate::{lines::Line, view::View};

/// Numbers that can be added to parameters: one amount for each combination of coordinates.
#[derive(Clone, Debug, PartialEq)]
pub struct Translation {
    /// A name after the first parameter, unique among those of a network.
    pub name: String,
    /// How many values each coordinate has. Amounts are numbered by coordinates, the last the fastest.
    pub sizes: Vec<usize>,
    /// What is added where.
    pub terms: Vec<Term>,
    /// What is added besides, and depends on other parameters; `None` where nothing does.
    pub compensation: Option<Compensation>,
}

/// What a translation adds to one parameter or state: the factor times the amount of the coordinates that an element's indices
/// have, or the sum of those of all values of a coordinate that no axis has.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// The name of the parameter or state.
    pub parameter: String,
    /// The factor.
    pub factor: f64,
    /// For each axis, where something is added.
    pub axes: Vec<Reach>,
}

/// Where something is added along an axis.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// At every index, the same.
    Every,
    /// At these indices, one for each value of a coordinate.
    Each {
        /// The number of the coordinate.
        coordinate: usize,
        /// The index of each value.
        indices: Vec<usize>,
    },
    /// At every index, in proportion to the weights of this number in [`Compensation::weights`].
    Weighed(usize),
}

impl Translation {
    /// The number of amounts.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.sizes.iter().product()
    }
}

/// A translation, with the numbers of the solutions that it tells of.
struct Told {
    own: Translation,
    solutions: Vec<usize>,
}

/// The families of solutions.
pub(super) fn families(traces: &Traces<'_>, found: &[Solution]) -> Vec<Translation> {
    let view = traces.walk.known.view;
    let told = |(number, solution)| Some(Told { own: family(traces, solution)?, solutions: vec![number] });
    let mut all: Vec<Told> = found.iter().enumerate().filter_map(told).collect();
    let most = all.iter().map(|told| told.own.sizes.len()).max().unwrap_or(0);
    for coordinate in 0..most {
        all = merged(all, coordinate);
    }
    let whole = |told: Told| {
        let solutions: Vec<&Solution> = told.solutions.iter().map(|&number| &found[number]).collect();
        let compensation = compensation(traces, &solutions)?;
        Some(Translation { compensation, ..told.own })
    };
    let mut all: Vec<Translation> = all.into_iter().filter_map(whole).collect();
    let place = |own: &Translation| {
        let first = own.terms.first().map(|term| term.parameter.as_str());
        view.lines.graph.inputs().iter().position(|input| Some(input.name.as_str()) == first)
    };
    all.sort_by_key(place);
    name(&mut all);
    all
}

/// Names that are unique.
fn name(all: &mut [Translation]) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for own in all {
        let names: Vec<&str> = own.terms.iter().map(|term| term.parameter.as_str()).collect();
        own.name = format!("translation of {}", crate::interchange::listed(&names));
        let count = seen.entry(own.name.clone()).or_default();
        *count += 1;
        if *count > 1 {
            own.name = format!("{} ({count})", own.name);
        }
    }
}

/// One solution, with all that are like it.
fn family(traces: &Traces<'_>, solution: &Solution) -> Option<Translation> {
    let view = traces.walk.known.view;
    let compensation = compensation(traces, &[solution])?;
    let numbers = super::compensation::weights(&[solution]);
    let sets: Vec<usize> = sets(solution).into_iter().collect();
    let terms = solution.terms.iter().map(|(candidate, factor)| {
        let lines = view.lines.of(candidate.input);
        let reach = |(number, place): (usize, &Place)| match *place {
            Place::Every => Reach::Every,
            Place::At(orbit, _) => Reach::Each {
                coordinate: sets.iter().position(|&set| set == orbit.set).unwrap_or(0),
                indices: of_each_class(view, view.lines.get(number), orbit.set, orbit.rank),
            },
            Place::Weighed(number) => {
                Reach::Weighed(numbers.iter().position(|own| *own == number).unwrap_or(0))
            }
        };
        let mut axes: Vec<Reach> = lines.zip(&candidate.places).map(reach).collect();
        axes.truncate(candidate.places.len());
        let input = view.lines.graph.inputs().iter().find(|input| input.val == candidate.input);
        let parameter = input.map_or_else(String::new, |input| input.name.clone());
        Term { parameter, factor: *factor.numer() as f64 / *factor.denom() as f64, axes }
    });
    let sizes = sets.iter().map(|&set| view.orbits.sets()[set].classes.len()).collect();
    Some(Translation { name: String::new(), sizes, terms: terms.collect(), compensation })
}

/// The index of a rank on a line of each class of a set, in the order of the classes.
fn of_each_class(view: &View<'_>, line: &Line, set: usize, rank: u32) -> Vec<usize> {
    let own = |element: &usize| {
        let orbit = view.orbits.orbit(*element);
        (orbit.set, orbit.rank) == (set, rank)
    };
    let by_class: BTreeMap<usize, usize> = line
        .elements()
        .filter(own)
        .map(|element| (view.orbits.class(element), element - line.start))
        .collect();
    by_class.into_values().collect()
}

/// Those that differ in the indices of one coordinate only, put together along it.
fn merged(all: Vec<Told>, coordinate: usize) -> Vec<Told> {
    let mut kept: Vec<Told> = Vec::new();
    let mut places: BTreeMap<Shape, usize> = BTreeMap::new();
    for told in all {
        if told.own.sizes.len() <= coordinate {
            kept.push(told);
            continue;
        }
        let next = kept.len();
        match *places.entry(shape(&told.own, coordinate)).or_insert(next) {
            place if place == next => kept.push(told),
            place => {
                extend(&mut kept[place].own, &told.own, coordinate);
                kept[place].solutions.extend(told.solutions);
            }
        }
    }
    kept
}

/// All of a translation but the indices of a coordinate: the sizes, of each term the parameter, the bits of the factor and what is
/// along each axis, and what biases and which weights take part.
type Shape = (Vec<usize>, Vec<(String, u64, Vec<Reach>)>, [Vec<String>; 2]);

fn shape(own: &Translation, coordinate: usize) -> Shape {
    let mut sizes = own.sizes.clone();
    sizes[coordinate] = 0;
    let without = |reach: &Reach| match reach {
        Reach::Each { coordinate: other, .. } if *other == coordinate => {
            Reach::Each { coordinate, indices: Vec::new() }
        }
        other => other.clone(),
    };
    let terms = own
        .terms
        .iter()
        .map(|term| (term.parameter.clone(), term.factor.to_bits(), term.axes.iter().map(without).collect()));
    let compensation = own.compensation.as_ref();
    let names = compensation.map(|own| [own.parameters.clone(), own.weights.clone()]);
    (sizes, terms.collect(), names.unwrap_or_default())
}

fn extend(all: &mut Translation, own: &Translation, coordinate: usize) {
    all.sizes[coordinate] += own.sizes[coordinate];
    let axes = all.terms.iter_mut().zip(&own.terms).flat_map(|(all, own)| all.axes.iter_mut().zip(&own.axes));
    for (all, own) in axes {
        if let (Reach::Each { coordinate: place, indices }, Reach::Each { indices: more, .. }) = (all, own)
            && *place == coordinate
        {
            indices.extend(more);
        }
    }
}
