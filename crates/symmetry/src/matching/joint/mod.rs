//! Matching any number of networks to each other at once.
//!
//! [`joint_matching`] gives every network an element `g_i` that carries it into an arrangement common to all, the
//! universe, and maximises `Σ_{i<j} ⟨vec(g_i · θ_i), vec(g_j · θ_j)⟩`, the method C²M³ of Crisostomi, Fumero, Baieri,
//! Bernard and Rodolà (*C²M³: Cycle-Consistent Multi-Model Merging*, NeurIPS 2024). The map from network `j` to network `i` is
//! `g_i⁻¹ g_j` ([`Joint::between`]), so that going round any cycle leads back exactly.
//!
//! Permutations are relaxed to doubly stochastic matrices, for all generators of all networks together, and the
//! Frank-Wolfe method (Frank and Wolfe, 1956) climbs: the best vertex for the gradient is an assignment for each generator and
//! network, and one step leads towards all of them. No generator is visited before another, so the result has no
//! order to depend on. For two networks and one generator it is the FAQ method for quadratic assignment (Vogelstein et al.,
//! *Fast Approximate Quadratic Programming for Graph Matching*, PLoS ONE 2015). At the end an assignment makes every matrix the
//! permutation with which it overlaps most.
//!
//! Ours differs in three ways. The length of a step is exact: along a segment the objective is a polynomial, whose
//! coefficients and maximum are computed. One network, the anchor, keeps its arrangement, which loses nothing, because a
//! permutation of the universe changes no inner product; without that, the barycentre, and the midpoint of two networks that
//! each move to where the other was, are stationary for reasons of symmetry alone. And of more than two networks every one is the anchor
//! once, so that their order does not matter either; the best result counts. Where all are worse than the networks as they are, further runs
//! begin there, and the result is at least as good as that: clients of federated learning that begin alike are such networks.

mod carried;
mod line;
mod piece;
mod relaxation;
mod search;

use std::ops::Range;

use graph::{Executor, Role};
use models::Params;
use tensor::Key;

use crate::{Element, Group, SymmetryError, matching::problem::elements};
use relaxation::{Relaxation, dot};
use search::Search;

/// Where a run begins; the anchor always begins at the identity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Begin {
    /// At the mean of all permutations, from which none is preferred.
    #[default]
    Barycentre,
    /// As the networks are.
    Identity,
    /// Halfway from the barycentre to uniformly random permutations.
    Random,
}

/// How to search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Where the first run of every anchor begins.
    pub begin: Begin,
    /// The number of further runs of every anchor, which begin at [`Begin::Random`].
    pub restarts: usize,
    /// Draws what is random.
    pub key: Key,
    /// A run ends after this many iterations; at least 1.
    pub max_iterations: usize,
}

/// From the barycentre, no further runs, seed 0, and at most 200 iterations as in the published code.
impl Default for Options {
    fn default() -> Self {
        Self { begin: Begin::default(), restarts: 0, key: Key::new(0), max_iterations: 200 }
    }
}

/// A point whose gap is at most this fraction of `Σ_{i<j} ‖θ_i‖‖θ_j‖`, which bounds the objective, counts as stationary:
/// 1e-6. Ours: the gap is a sum of products in f32, and below that it is rounding.
pub const RELATIVE_GAP: f64 = 1e-6;

/// One iteration of Frank-Wolfe.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Iteration {
    /// The relaxed objective before the step.
    pub objective: f64,
    /// The duality gap before the step: by how much the best vertices are better than the point in the linearised
    /// objective. 0 at a stationary point, and never less but for rounding.
    pub gap: f64,
    /// The fraction of the way to those vertices that was gone; 0 where the point is stationary.
    pub step: f64,
}

/// What one run reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RunSummary {
    /// The network that kept its arrangement.
    pub anchor: usize,
    /// Where the run began.
    pub begin: Begin,
    /// The number of iterations, the last one without a step included.
    pub iterations: usize,
    /// Whether the last point was stationary; if not, `max_iterations` ended the run.
    pub converged: bool,
    /// The last duality gap.
    pub gap: f64,
    /// The relaxed objective at the last gradient.
    pub relaxed_objective: f64,
    /// The objective of the permutations.
    pub objective: f64,
}

/// The result of a joint matching.
#[derive(Clone, Debug, PartialEq)]
pub struct Joint {
    /// For each network the element that carries it into the universe.
    pub elements: Vec<Element>,
    /// `Σ_{i<j} ⟨vec(g_i · θ_i), vec(g_j · θ_j)⟩` over trained parameters, in f64.
    pub objective: f64,
    /// The same at the identity.
    pub identity_objective: f64,
    /// `‖θ_i‖` over trained parameters.
    pub norms: Vec<f64>,
    /// All runs: for each anchor in turn the first, then the further ones; and those from the identity, where that was better than all.
    pub runs: Vec<RunSummary>,
    /// Which run was best.
    pub best_run: usize,
    /// The iterations of the best run.
    pub iterations: Vec<Iteration>,
}

impl Joint {
    /// The element that arranges network `from` as network `to` is.
    ///
    /// # Errors
    /// Where `group` is not the one of the matching.
    ///
    /// # Panics
    /// Where there is no such network.
    pub fn between(&self, group: &Group, to: usize, from: usize) -> Result<Element, SymmetryError> {
        group.compose(&group.invert(&self.elements[to])?, &self.elements[from])
    }
}

/// Matches `networks` to each other; see the module's documentation. Elements have no factors. States (running statistics)
/// move with them but do not count in the objective.
///
/// Equal inputs give equal bits, whatever the number of threads, if the executor's do. Other orders of the networks give the
/// same maps between them as far as rounding, and with it the choice among equals, is the same; at [`Begin::Random`] what is
/// drawn belongs to positions.
///
/// # Errors
/// Where there are fewer than two networks, one is not of the group's architecture, not `f32` or not finite,
/// `options.max_iterations` is 0, the executor refuses a matrix product, or products overflow.
pub fn joint_matching(
    executor: &dyn Executor,
    group: &Group,
    networks: &[&Params],
    options: &Options,
) -> Result<Joint, SymmetryError> {
    if options.max_iterations == 0 {
        return Err(SymmetryError::Zero { what: "iterations of a matching" });
    }
    if networks.len() < 2 {
        return Err(SymmetryError::TooFew {
            what: "networks to be matched",
            least: 2,
            found: networks.len(),
        });
    }
    networks.iter().try_for_each(|network| group.check_params(network))?;
    let permuting = group.permutations();
    let relaxation = Relaxation::new(executor, &permuting, networks)?;
    let norms: Vec<f64> =
        networks.iter().map(|network| inner_product(group, network, network).sqrt()).collect();
    let bound: f64 = pairs(norms.len()).map(|(i, j)| norms[i] * norms[j]).sum();
    let (least_gap, max_iterations) = (RELATIVE_GAP * bound, options.max_iterations);
    let mut search =
        Search { group: &permuting, relaxation, models: networks.len(), least_gap, max_iterations };
    let identity_objective = objective(group, networks, &vec![group.identity(); networks.len()])?;
    let mut climb = |anchor: usize, begin: Begin, start: usize| {
        let key = options.key.fold(anchor as u64).fold(start as u64);
        let run = search.run(anchor, begin, key)?;
        let elements = run.permutations.into_iter().map(|own| group.element(group.with_idle(own)));
        let elements: Vec<Element> = elements.collect::<Result<_, _>>()?;
        let objective = objective(group, networks, &elements)?;
        Ok::<_, SymmetryError>((summary(anchor, begin, &run.iterations, objective), elements, run.iterations))
    };
    let mut found = Vec::new();
    for anchor in anchors(networks.len()) {
        for start in 0..=options.restarts {
            let begin = if start == 0 { options.begin } else { Begin::Random };
            found.push(climb(anchor, begin, start)?);
        }
    }
    if found.iter().all(|(run, ..)| run.objective < identity_objective) {
        // Networks that have much in common are near a maximum as they are, which the barycentre may not lead to.
        for anchor in anchors(networks.len()) {
            let (mut run, mut elements, iterations) = climb(anchor, Begin::Identity, 0)?;
            if run.objective < identity_objective {
                (run.objective, elements) = (identity_objective, vec![group.identity(); networks.len()]);
            }
            found.push((run, elements, iterations));
        }
    }
    let runs: Vec<RunSummary> = found.iter().map(|(summary, ..)| *summary).collect();
    let best_run = best(&runs);
    let (_, elements, iterations) = found.swap_remove(best_run);
    let objective = runs[best_run].objective;
    Ok(Joint { elements, objective, identity_objective, norms, runs, best_run, iterations })
}

fn summary(anchor: usize, begin: Begin, iterations: &[Iteration], objective: f64) -> RunSummary {
    let last = iterations.last().expect("a run has at least one iteration");
    RunSummary {
        anchor,
        begin,
        iterations: iterations.len(),
        converged: last.step == 0.0,
        gap: last.gap,
        relaxed_objective: last.objective,
        objective,
    }
}

/// The networks that are anchors. Of two it makes no difference which one is: the matrices of one problem are the
/// transposed ones of the other.
fn anchors(networks: usize) -> Range<usize> {
    0..if networks == 2 { 1 } else { networks }
}

/// The first of the best runs.
fn best(runs: &[RunSummary]) -> usize {
    (1..runs.len()).fold(0, |best, run| if runs[run].objective > runs[best].objective { run } else { best })
}

/// The objective of one element for each network.
fn objective(group: &Group, networks: &[&Params], elements: &[Element]) -> Result<f64, SymmetryError> {
    let moved = networks.iter().zip(elements).map(|(network, element)| group.act(element, network));
    let moved: Vec<Params> = moved.collect::<Result<_, _>>()?;
    Ok(pairs(moved.len()).map(|(i, j)| inner_product(group, &moved[i], &moved[j])).sum())
}

/// The inner product over trained parameters.
fn inner_product(group: &Group, left: &Params, right: &Params) -> f64 {
    let trained = group.subjects().iter().filter(|subject| subject.role == Role::Parameter);
    let terms = trained.filter_map(|subject| Some((left.get(&subject.name)?, right.get(&subject.name)?)));
    terms.map(|(left, right)| dot(elements(left), elements(right))).sum()
}

fn pairs(count: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..count).flat_map(move |right| (0..right).map(move |left| (left, right)))
}
