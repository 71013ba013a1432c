//! Whether two networks of one architecture should be aligned at all.
//!
//! [`examine`] asks two questions, each by a permutation test, so that no threshold depends on an architecture or a task:
//!
//! 1. *Are they arranged alike?* If two networks were trained apart, no arrangement of B's slots is more likely than another, so the
//!    cosine of the weights as they are is as large as at random arrangements. Where it is larger than at all but a fraction
//!    [`LEVEL`] of these, and has at least [`SHARE`] of the rise that a matching finds above their mean, the networks have a
//!    common ancestor.
//! 2. *Is there anything to match?* Any two networks come nearer to each other by a search over so many arrangements. What the search
//!    finds by chance is what it finds in surrogates of B whose ties to the data are cut: along every axis that no generator
//!    moves (inputs, outputs, positions of a kernel) the indices of each parameter are shuffled, which keeps norms, hidden
//!    structure and the distribution of the weights. Where the matching of B itself is better than that of all but
//!    a fraction [`LEVEL`] of the surrogates, the networks are related.

mod null;

use graph::{Executor, Role};
use models::Params;
use tensor::{Key, Shape, Tensor};

use super::{
    Options as Search,
    problem::{Pair, Problem, elements, square},
    weight_matching,
};
use crate::{Element, Group, ParameterAxis, Subject, SymmetryError, gather::Gather};
pub use null::Null;

/// A statistic counts as more than chance if at most this fraction of draws, itself counted as one, reach it: 0.05, the customary level.
pub const LEVEL: f64 = 0.05;

/// Networks of a common ancestor have at least this part of what a matching finds as they are: one half. Ours: of a copy
/// it is near 1 and of independent networks near 0, and up to a half the matching finds more than is there.
pub const SHARE: f64 = 0.5;

/// Networks whose relative distance is at most this are the same: 1e-6, a few roundings of f32; ours.
pub const SAME: f64 = 1e-6;

/// How to examine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Random arrangements to which B's own is compared; at least 1.
    pub arrangements: usize,
    /// Surrogates of B that are matched for comparison; at least 1.
    pub surrogates: usize,
    /// Sweeps of each matching; at least 1.
    pub max_sweeps: usize,
    /// Draws what is random.
    pub key: Key,
}

/// 99 arrangements; 19 surrogates, the fewest that can reach [`LEVEL`]; 10 sweeps, because a comparison needs no more; seed 0. All ours.
impl Default for Options {
    fn default() -> Self {
        Self { arrangements: 99, surrogates: 19, max_sweeps: 10, key: Key::new(0) }
    }
}

/// How two networks are related.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// They are arranged alike: average them as they are.
    SameAncestor,
    /// B is A in another arrangement: a matching undoes it exactly.
    Rearranged,
    /// They were trained apart but have something in common: align them.
    Independent,
    /// There is nothing to match.
    Unrelated,
}

impl Relation {
    /// A stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SameAncestor => "same ancestor",
            Self::Rearranged => "rearranged",
            Self::Independent => "independent",
            Self::Unrelated => "unrelated",
        }
    }
}

/// The cosines of one trained parameter; `None` where it is zero in a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Cosine {
    /// The parameter's name.
    pub parameter: String,
    /// As the networks are.
    pub before: Option<f64>,
    /// After the matching.
    pub after: Option<f64>,
}

/// What [`examine`] found. Cosines are those of all trained parameters, between −1 and 1; 0 where a network is zero.
#[derive(Clone, Debug, PartialEq)]
pub struct Kinship {
    /// The answer.
    pub relation: Relation,
    /// The cosine as the networks are.
    pub cosine: f64,
    /// The cosines at random arrangements of B; none where nothing can be rearranged.
    pub arrangements: Null,
    /// The cosine after a matching.
    pub matched_cosine: f64,
    /// The cosines after matchings of surrogates; none where the first question was answered with yes.
    pub surrogates: Null,
    /// The element of the matching.
    pub element: Element,
    /// Parameter by parameter.
    pub parameters: Vec<Cosine>,
}

impl Kinship {
    /// What part of the rise that the matching finds above the mean of random arrangements is there already.
    #[must_use]
    pub fn share(&self) -> f64 {
        let mean = self.arrangements.mean();
        (self.cosine - mean) / (self.matched_cosine - mean)
    }

    /// The answer, where the relative distances before and after the matching and the first question give one.
    fn without_surrogates(&self, [before, after]: [f64; 2]) -> Option<Relation> {
        let is_arranged_alike = || self.arrangements.chance(self.cosine) <= LEVEL && self.share() >= SHARE;
        if before <= SAME {
            Some(Relation::SameAncestor)
        } else if after <= SAME {
            Some(Relation::Rearranged)
        } else {
            is_arranged_alike().then_some(Relation::SameAncestor)
        }
    }
}

/// Examines how `b` is related to `a`; see the module's documentation. Parameters with equal distributions under shuffles of
/// unmoved axes are [`Relation::Independent`] by chance in a fraction [`LEVEL`] of cases; where nothing can be rearranged
/// the second question alone decides between [`Relation::SameAncestor`] and [`Relation::Unrelated`].
///
/// # Errors
/// Where a count in `options` is 0, and as [`weight_matching`].
pub fn examine(
    executor: &dyn Executor,
    group: &Group,
    a: &Params,
    b: &Params,
    options: &Options,
) -> Result<Kinship, SymmetryError> {
    options.check()?;
    let search =
        Search { max_sweeps: options.max_sweeps, key: options.key.child("matching"), ..Search::default() };
    let matching = weight_matching(executor, group, a, b, &search)?;
    let permuting = group.permutations();
    let problem = Problem::new(&permuting, a, b)?;
    let can_move = !permuting.generators().is_empty();
    let draws = if can_move { options.arrangements } else { 0 };
    let mut found = Kinship {
        relation: Relation::Unrelated,
        cosine: cosine(matching.identity_objective, matching.norms),
        arrangements: arrangements(&problem, draws, options.key.child("arrangements")),
        matched_cosine: cosine(matching.objective, matching.norms),
        surrogates: Null::default(),
        parameters: parameters(&problem, &permuting.element(moving(group, &matching.element))?),
        element: matching.element,
    };
    if let Some(relation) = found.without_surrogates(
        [matching.identity_objective, matching.objective]
            .map(|objective| distance(objective, matching.norms)),
    ) {
        return Ok(Kinship { relation, ..found });
    }
    let key = options.key.child("surrogates");
    let matched = (0..options.surrogates).map(|draw| {
        let surrogate = surrogate(group, b, key.fold(draw as u64));
        let matching = weight_matching(executor, group, a, &surrogate, &search)?;
        Ok(cosine(matching.objective, matching.norms))
    });
    found.surrogates = Null::new(matched.collect::<Result<_, SymmetryError>>()?);
    found.relation = match (found.surrogates.chance(found.matched_cosine) <= LEVEL, can_move) {
        (true, true) => Relation::Independent,
        (true, false) => Relation::SameAncestor,
        (false, _) => Relation::Unrelated,
    };
    Ok(found)
}

impl Options {
    fn check(&self) -> Result<(), SymmetryError> {
        let counts =
            [("random arrangements", self.arrangements), ("surrogates of a network", self.surrogates)];
        match counts.into_iter().find(|(_, count)| *count == 0) {
            Some((what, _)) => Err(SymmetryError::Zero { what }),
            None => Ok(()),
        }
    }
}

/// The distance of two networks with these norms and this inner product, relative to both.
fn distance(objective: f64, [left, right]: [f64; 2]) -> f64 {
    (left * left + right * right - 2.0 * objective).max(0.0).sqrt() / left.hypot(right).max(f64::MIN_POSITIVE)
}

fn cosine(objective: f64, [left, right]: [f64; 2]) -> f64 {
    if left * right > 0.0 { objective / (left * right) } else { 0.0 }
}

/// The element's permutations of those generators that can be exchanged.
fn moving(group: &Group, element: &Element) -> Vec<Vec<u32>> {
    let generators = group.generators().iter().zip(element.permutations());
    let moving = generators.filter(|(generator, _)| generator.is_matched());
    moving.map(|(_, permutation)| permutation.clone()).collect()
}

fn arrangements(problem: &Problem<'_>, draws: usize, key: Key) -> Null {
    let at_random = |draw: usize| {
        let element = problem.group.random_permutation(key.fold(draw as u64));
        cosine(problem.objective(element.permutations()).total(), problem.norms)
    };
    Null::new((0..draws).map(at_random).collect())
}

fn parameters(problem: &Problem<'_>, found: &Element) -> Vec<Cosine> {
    let identity = problem.group.identity();
    let of_pair = |(position, pair): (usize, &Pair<'_>)| {
        let product = |element: &Element| problem.inner_product(position, element.permutations());
        let scale = (square(pair.a) * square(pair.b)).sqrt();
        let cosine = |element| (scale > 0.0).then(|| product(element) / scale);
        Cosine { parameter: pair.name.to_owned(), before: cosine(&identity), after: cosine(found) }
    };
    problem.pairs.iter().enumerate().map(of_pair).collect()
}

/// A network with the ties to its data cut: along each axis of each trained parameter, the indices that no
/// generator moves are shuffled.
fn surrogate(group: &Group, network: &Params, key: Key) -> Params {
    let shuffled = |(name, tensor): (&str, &Tensor)| {
        let is_trained = |subject: &Subject| subject.name == name && subject.role == Role::Parameter;
        if !group.subjects().iter().any(is_trained) {
            return tensor.clone();
        }
        let maps: Vec<Vec<usize>> =
            (0..tensor.shape().rank()).map(|axis| shuffle(group, name, tensor.shape(), axis, key)).collect();
        let maps: Vec<Option<&[usize]>> = maps.iter().map(|map| Some(map.as_slice())).collect();
        let mut target = tensor.clone();
        let room = target.as_mut_slice().expect("trained parameters were checked to be f32");
        Gather::new(tensor.shape(), &maps).run(elements(tensor), room);
        target
    };
    network.with_values(network.iter().map(shuffled).collect())
}

/// A map of an axis that shuffles what no generator moves.
fn shuffle(group: &Group, name: &str, shape: &Shape, axis: usize, key: Key) -> Vec<usize> {
    let exchangeable = |(generator, action): &(usize, &ParameterAxis)| {
        action.axis == axis && group.generators()[*generator].is_matched()
    };
    let mut map: Vec<usize> = (0..shape[axis]).collect();
    let mut stays = vec![true; map.len()];
    let moving = group.actions_on(name).filter(exchangeable);
    moving.flat_map(|(_, action)| &action.slots.indices).for_each(|&index| stays[index] = false);
    let fixed: Vec<usize> = (0..map.len()).filter(|&index| stays[index]).collect();
    let order = key.child(name).fold(axis as u64).permutation(fixed.len());
    fixed.iter().zip(order).for_each(|(&to, from)| map[to] = fixed[from]);
    map
}
