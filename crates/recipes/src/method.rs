//! How a network is matched to another.

use std::time::Instant;

use data::Dataset;
use graph::Executor;
use models::{Model, Params};
use serde::{Deserialize, Serialize};
use symmetry::{
    Element, Group,
    matching::{self, activation, circuit},
};
use tensor::Key;

use crate::{RecipeError, pair, result::Match};

/// A method of matching.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// By weights.
    Weight,
    /// By what units do on training data.
    Activation,
    /// By weights, modulo matrices and rotations as well, with gains folded.
    Circuit,
}

impl Method {
    /// The name in recipes and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Weight => "weight",
            Self::Activation => "activation",
            Self::Circuit => "circuit",
        }
    }
}

/// What a matching starts from.
#[derive(Clone, Copy)]
pub(crate) struct Problem<'a> {
    pub(crate) executor: &'a dyn Executor,
    pub(crate) group: &'a Group,
    pub(crate) model: &'a Model,
    /// The examples that activations are compared on.
    pub(crate) data: &'a Dataset,
    /// Further starts after the first.
    pub(crate) restarts: usize,
    pub(crate) key: Key,
}

/// A network brought near to another, and how.
struct Found {
    moved: Params,
    /// The distance of the networks before and after.
    distances: [f64; 2],
    norms: [f64; 2],
    trajectory: Vec<f64>,
    sweeps: usize,
    /// The largest duality gap of the assignments relative to their objectives.
    worst_gap: Option<f64>,
}

/// What computes the same as `b` and is nearest to `a`, and how it was found.
pub(crate) fn align(
    problem: Problem<'_>,
    method: Method,
    [a, b]: [&Params; 2],
) -> Result<(Params, Match), RecipeError> {
    let start = Instant::now();
    let found = match method {
        Method::Weight => by_weight(problem, a, b)?,
        Method::Activation => by_activation(problem, a, b)?,
        Method::Circuit => by_circuit(problem, a, b)?,
    };
    // The inner products that give these distances: matrices change the second norm.
    let squares: f64 = found.norms.iter().map(|norm| norm * norm).sum();
    let [identity_objective, objective] = found.distances.map(|d| (squares - d * d) / 2.0);
    let description = Match {
        identity_objective,
        objective,
        norms: found.norms,
        trajectory: found.trajectory,
        sweeps: found.sweeps,
        worst_gap: found.worst_gap,
        seconds: start.elapsed().as_secs_f64(),
    };
    Ok((found.moved, description))
}

/// The norms of two networks' weights, and their distance with the second moved and as it is.
fn nearness(
    group: &Group,
    [a, b]: [&Params; 2],
    element: &Element,
) -> Result<([f64; 2], [f64; 2]), RecipeError> {
    let still = group.identity();
    let inner =
        |left: &Params, right: &Params, element: &Element| matching::objective(group, left, right, element);
    let (aa, bb) = (inner(a, a, &still)?, inner(b, b, &still)?);
    let distance = |inner: f64| (aa + bb - 2.0 * inner).max(0.0).sqrt();
    let distances = [distance(inner(a, b, &still)?), distance(inner(a, b, element)?)];
    Ok(([aa.sqrt(), bb.sqrt()], distances))
}

fn by_weight(problem: Problem<'_>, a: &Params, b: &Params) -> Result<Found, RecipeError> {
    let options = matching::Options { restarts: problem.restarts, key: problem.key, ..Default::default() };
    let found = matching::weight_matching(problem.executor, problem.group, a, b, &options)?;
    let gaps = found.proofs.iter().map(|proof| proof.certificate.gap.abs());
    let scale = found.objective.abs().max(f64::MIN_POSITIVE);
    let (norms, distances) = nearness(problem.group, [a, b], &found.element)?;
    Ok(Found {
        norms,
        distances,
        trajectory: found.trajectory.iter().map(|step| step.objective).collect(),
        sweeps: found.sweeps(),
        worst_gap: Some(gaps.map(|gap| gap / scale).fold(0.0, f64::max)),
        moved: problem.group.act(&found.element, b)?,
    })
}

fn by_activation(problem: Problem<'_>, a: &Params, b: &Params) -> Result<Found, RecipeError> {
    let Problem { executor, group, model, data, .. } = problem;
    let options = activation::Options::default();
    let found =
        activation::activation_matching(executor, group, model, [a, b], data, &options, &mut |_, _| {})?;
    let gap = |class: &activation::Class| {
        let gap = class.certificate.map_or(0.0, |certificate| certificate.gap.abs());
        gap / class.objective.abs().max(f64::MIN_POSITIVE)
    };
    let (norms, distances) = nearness(group, [a, b], &found.element)?;
    Ok(Found {
        norms,
        distances,
        trajectory: Vec::new(),
        sweeps: 1,
        worst_gap: Some(found.classes.iter().map(gap).fold(0.0, f64::max)),
        moved: group.act(&found.element, b)?,
    })
}

/// Gains are folded meanwhile; what comes out has those of `a`.
fn by_circuit(problem: Problem<'_>, a: &Params, b: &Params) -> Result<Found, RecipeError> {
    let (folding, certified) = pair::certified_folding(problem.executor, problem.model, problem.key)?;
    let group = &certified.group;
    let (ours, theirs) = (folding.fold(a)?, folding.fold(b)?);
    let options =
        circuit::Options { restarts: problem.restarts, key: problem.key, ..circuit::Options::default() };
    let found = circuit::circuit_matching(group, &ours, &theirs, &options, &mut |_, _| {})?;
    let (norms, _) = nearness(group, [&ours, &theirs], &group.identity())?;
    Ok(Found {
        moved: folding.unfold(&group.act(&found.element, &theirs)?, a)?,
        distances: [found.identity_distance, found.distance()],
        norms,
        trajectory: Vec::new(),
        sweeps: found.rounds(),
        worst_gap: None,
    })
}
