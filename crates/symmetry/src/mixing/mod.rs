//! Which sets of like classes can be mixed by matrices.
//!
//! A set whose indices pass only maps that are linear in them can be multiplied by any invertible matrix, if where it is summed
//! over with another, that is multiplied by the transposed inverse. Along each axis where the set is, it is thus a vector or a
//! covector: two that are added or follow from each other are alike, two that are summed over together are not. Where
//! this cannot be satisfied, as for the squares that a normalisation sums up, it can be for matrices that are their own
//! transposed inverses, the orthogonal ones. What is the same along the set, a bias of ones or the weights of a mean, asks that
//! the vector of ones stays. Everything else, an activation above all, allows no matrix but permutations.

mod commutant;
mod kinds;
mod positions;
mod search;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use graph::{Prim, Val};

use crate::{
    Exponents, Family, Generator, LinearGroup, Mixing,
    view::{View, applications},
};
use positions::Solved;
use search::{Constants, Search};

/// The applications that touch each set of a graph.
pub(crate) struct Touching<'a> {
    view: &'a View<'a>,
    /// The sets that are on each line.
    on_line: Vec<BTreeSet<usize>>,
    applications: BTreeMap<usize, Vec<Application<'a>>>,
    /// The matrices that commute with what depends on positions, for each such dependence that was met.
    solved: RefCell<Vec<Solved>>,
}

#[derive(Clone)]
struct Application<'a> {
    val: Val,
    op: &'a Prim,
    operands: &'a [Val],
}

impl<'a> Touching<'a> {
    pub(crate) fn new(view: &'a View<'a>) -> Self {
        let lines = &view.lines;
        let sets = |number: usize| lines.get(number).elements().map(|element| view.orbits.orbit(element).set);
        let on_line: Vec<BTreeSet<usize>> =
            (0..lines.iter().count()).map(|number| sets(number).collect()).collect();
        let mut touching: BTreeMap<usize, Vec<Application<'a>>> = BTreeMap::new();
        for (val, op, operands, _) in applications(lines) {
            let numbers = operands.iter().chain([&val]).flat_map(|&val| lines.of(val));
            let touched: BTreeSet<usize> =
                numbers.flat_map(|number| on_line[number].iter().copied()).collect();
            for set in touched {
                touching.entry(set).or_default().push(Application { val, op, operands });
            }
        }
        Self { view, on_line, applications: touching, solved: RefCell::default() }
    }

    /// How the classes of a set can be mixed, where `lines` are those of the actions of its generator.
    pub(crate) fn mixing(&self, set: usize, lines: &[usize]) -> Option<Mixing> {
        let search = Search::run(self, set, Constants::Refused)?;
        let group = match (search.is_contradicted(), search.keeps_ones) {
            (_, true) => LinearGroup::OrthogonalAroundOnes,
            (true, false) => LinearGroup::Orthogonal,
            (false, false) => LinearGroup::General,
        };
        let powers: Option<Vec<Vec<i32>>> = lines.iter().map(|&line| search.powers(lines[0], line)).collect();
        let of_line = |powers: Vec<i32>| {
            let is_general = group == LinearGroup::General;
            Exponents::new(if is_general { powers } else { vec![1; powers.len()] })
        };
        Some(Mixing { powers: powers?.into_iter().map(of_line).collect(), group })
    }

    /// The generator of a set of classes that are fixed by what depends on positions, as planes are that these rotate, as one that
    /// mixes their members by the matrices that commute with all of it. It is left as it is where there are none, or it
    /// has factors that are none of the matrices.
    pub(crate) fn with_commutant(&self, set: usize, lines: &[usize], generator: Generator) -> Generator {
        self.commuting(set, lines, &generator).unwrap_or(generator)
    }

    fn commuting(&self, set: usize, lines: &[usize], generator: &Generator) -> Option<Generator> {
        let search = Search::run(self, set, Constants::Taken)?;
        (!search.is_contradicted() && !search.keeps_ones && !search.mixed.is_empty()).then_some(())?;
        let found = self.commutant(&search)?;
        let (mut actions, mut all) = (Vec::new(), Vec::new());
        for (action, &line) in generator.actions.iter().zip(lines) {
            let powers = search.powers(lines[0], line)?;
            let (slots, power) = found.spread(&action.slots, &powers)?;
            actions.push(crate::ParameterAxis { slots, ..action.clone() });
            all.push(power);
        }
        let is_inside = |family: &Family| {
            let of = |(exponents, &line): (&Exponents, &usize)| {
                let powers = search.powers(lines[0], line)?;
                let sign = exponents.of(0) * powers[0];
                let ranks = powers.iter().enumerate();
                ranks.into_iter().all(|(rank, power)| exponents.of(rank) == sign * power).then_some(sign)
            };
            let signs: Option<BTreeSet<i32>> = family.exponents.iter().zip(lines).map(of).collect();
            signs.is_some_and(|signs| signs.len() == 1)
        };
        let is_turned = |family: &Family| family.exponents.iter().all(|own| own.common() == Some(1));
        (generator.scales.iter().all(is_inside) && generator.signs.iter().all(is_turned)).then(|| Generator {
            size: found.size(),
            is_exchangeable: false,
            scales: Vec::new(),
            signs: Vec::new(),
            mixing: Some(Mixing { group: LinearGroup::Units(found.basis.clone()), powers: all }),
            actions,
            ..generator.clone()
        })
    }
}

impl Mixing {
    /// Whether scales with these exponents are matrices of the group.
    pub(crate) fn has_scales(&self, family: &Family) -> bool {
        let is_negative = |(own, other): (&Exponents, &Exponents)| {
            let ranks = own.numbers().len().max(other.numbers().len());
            (0..ranks).all(|rank| own.of(rank) == -other.of(rank))
        };
        let is_opposite = || family.exponents.iter().zip(&self.powers).all(is_negative);
        self.group == LinearGroup::General && (family.exponents == self.powers || is_opposite())
    }

    /// Whether signs with these exponents are matrices of the group.
    pub(crate) fn has_signs(&self, family: &Family) -> bool {
        self.group != LinearGroup::OrthogonalAroundOnes
            && family.exponents.iter().all(|exponents| exponents.common() == Some(1))
    }
}
