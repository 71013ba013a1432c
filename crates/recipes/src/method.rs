//! How a network is matched to another.

use std::time::Instant;

use data::Dataset;
use graph::Executor;
use models::{Model, Params};
use serde::{Deserialize, Serialize};
use symmetry::{
    Element, Group,
    matching::{self, activation},
};
use tensor::Key;

use crate::{RecipeError, result::Match};

/// A method of matching.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// By weights.
    Weight,
    /// By what units do on training data.
    Activation,
}

impl Method {
    /// The name in recipes and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Weight => "weight",
            Self::Activation => "activation",
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

/// An element that was found, with the duality gap of its assignments relative to their objectives.
struct Found {
    element: Element,
    trajectory: Vec<f64>,
    sweeps: usize,
    worst_gap: f64,
}

/// The element that brings `b` nearest to `a`, and how it was found.
pub(crate) fn align(
    problem: Problem<'_>,
    method: Method,
    [a, b]: [&Params; 2],
) -> Result<(Element, Match), RecipeError> {
    let start = Instant::now();
    let found = match method {
        Method::Weight => by_weight(problem, a, b)?,
        Method::Activation => by_activation(problem, a, b)?,
    };
    let seconds = start.elapsed().as_secs_f64();
    let still = problem.group.identity();
    let inner = |left: &Params, right: &Params, element: &Element| {
        matching::objective(problem.group, left, right, element)
    };
    let description = Match {
        identity_objective: inner(a, b, &still)?,
        objective: inner(a, b, &found.element)?,
        norms: [inner(a, a, &still)?.sqrt(), inner(b, b, &still)?.sqrt()],
        trajectory: found.trajectory,
        sweeps: found.sweeps,
        worst_gap: found.worst_gap,
        seconds,
    };
    Ok((found.element, description))
}

fn by_weight(problem: Problem<'_>, a: &Params, b: &Params) -> Result<Found, RecipeError> {
    let options = matching::Options { restarts: problem.restarts, key: problem.key, ..Default::default() };
    let found = matching::weight_matching(problem.executor, problem.group, a, b, &options)?;
    let gaps = found.proofs.iter().map(|proof| proof.certificate.gap.abs());
    let scale = found.objective.abs().max(f64::MIN_POSITIVE);
    Ok(Found {
        trajectory: found.trajectory.iter().map(|step| step.objective).collect(),
        sweeps: found.sweeps(),
        worst_gap: gaps.map(|gap| gap / scale).fold(0.0, f64::max),
        element: found.element,
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
    Ok(Found {
        trajectory: Vec::new(),
        sweeps: 1,
        worst_gap: found.classes.iter().map(gap).fold(0.0, f64::max),
        element: found.element,
    })
}
