//! How a network is matched to another.

use std::time::Instant;

use data::Dataset;
use graph::Executor;
use models::{Model, Params};
use serde::{Deserialize, Serialize};
use symmetry::{
    Element, Folding, Group, SymmetryError,
    matching::{
        self, activation,
        circuit::{self, CircuitMatching},
        learned::{self, Learned, Unfinished},
    },
};
use tensor::Key;

use super::result::{Descended, Match};
use crate::{Progress, RecipeError, certified};

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
    /// As by circuit, and then by the loss between the networks.
    Learned,
}

impl Method {
    /// The name in recipes and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Weight => "weight",
            Self::Activation => "activation",
            Self::Circuit => "circuit",
            Self::Learned => "learned",
        }
    }
}

/// How a learned matching descends; fields that are not given are those of [`learned::Options`], where their defaults have their
/// reasons.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Descent {
    /// Passes over the training data.
    pub epochs: usize,
    /// Examples of a step.
    pub batch: usize,
    /// About how many training examples are held out, for elements to be compared by.
    pub judged: usize,
    /// The rate of Adam.
    pub rate: f64,
}

impl Default for Descent {
    fn default() -> Self {
        let learned::Options { epochs, batch, judged, rate, .. } = learned::Options::default();
        Self { epochs, batch, judged, rate }
    }
}

impl Descent {
    fn options(self, key: Key) -> learned::Options {
        let Self { epochs, batch, judged, rate } = self;
        learned::Options { epochs, batch, judged, rate, key }
    }

    /// What is impossible about it, if anything is.
    pub(crate) fn fault(self) -> Option<&'static str> {
        match self {
            Self { epochs: 0, .. } | Self { batch: 0, .. } | Self { judged: 0, .. } => {
                Some("needs epochs, a batch and examples to judge by that are above zero")
            }
            Self { rate, .. } if !(rate.is_finite() && rate > 0.0) => Some("needs a rate above zero"),
            _ => None,
        }
    }

    /// The work in examples that pass forward and backward, and in those that pass forward alone, with so many to learn from.
    pub(crate) fn work(self, examples: usize) -> [f64; 2] {
        let judged = self.judged.clamp(1, (examples / 2).max(1));
        let descended = (self.epochs * examples.saturating_sub(judged)) as f64;
        let judgements = descended / self.batch.max(1) as f64 / learned::JUDGED_EVERY as f64;
        [descended, judgements * judged as f64]
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
    /// The examples to learn from.
    pub(crate) training: &'a Dataset,
    /// How to learn.
    pub(crate) descent: Descent,
    /// Where a descent is kept.
    pub(crate) unfinished: Option<Unfinished<'a>>,
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
    descended: Option<Descended>,
}

/// What computes the same as `b` and is nearest to `a`, and how it was found.
pub(crate) fn align(
    problem: Problem<'_>,
    method: Method,
    [a, b]: [&Params; 2],
    progress: &mut dyn Progress,
) -> Result<(Params, Match), RecipeError> {
    let start = Instant::now();
    let found = match method {
        Method::Weight => by_weight(problem, a, b)?,
        Method::Activation => by_activation(problem, a, b)?,
        Method::Circuit => by_circuit(problem, a, b)?,
        Method::Learned => by_loss(problem, a, b, progress)?,
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
        descended: found.descended,
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
        descended: None,
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
        descended: None,
    })
}

/// Two networks with gains folded, and the group that they then have.
struct Folded {
    folding: Folding,
    group: Group,
    pair: [Params; 2],
}

impl Folded {
    fn new(problem: Problem<'_>, a: &Params, b: &Params) -> Result<Self, RecipeError> {
        let (folding, certified) = certified::folding(problem.executor, problem.model, problem.key)?;
        let pair = [folding.fold(a)?, folding.fold(b)?];
        Ok(Self { folding, group: certified.group, pair })
    }

    fn by_circuit(&self, problem: Problem<'_>) -> Result<CircuitMatching, RecipeError> {
        let options =
            circuit::Options { restarts: problem.restarts, key: problem.key, ..circuit::Options::default() };
        let [a, b] = &self.pair;
        Ok(circuit::circuit_matching(&self.group, a, b, &options, &mut |_, _| {})?)
    }

    /// What came of it, with the gains of `a`.
    fn found(&self, a: &Params, element: &Element, sweeps: usize) -> Result<Found, RecipeError> {
        let [ours, theirs] = &self.pair;
        let moved = self.group.act(element, theirs)?;
        let (norms, [before, _]) = nearness(&self.group, [ours, theirs], &self.group.identity())?;
        let (_, [after, _]) = nearness(&self.group, [ours, &moved], &self.group.identity())?;
        Ok(Found {
            moved: self.folding.unfold(&moved, a)?,
            distances: [before, after],
            norms,
            trajectory: Vec::new(),
            sweeps,
            worst_gap: None,
            descended: None,
        })
    }
}

/// Gains are folded meanwhile; what comes out has those of `a`.
fn by_circuit(problem: Problem<'_>, a: &Params, b: &Params) -> Result<Found, RecipeError> {
    let folded = Folded::new(problem, a, b)?;
    let found = folded.by_circuit(problem)?;
    folded.found(a, &found.element, found.rounds())
}

/// As [`by_circuit`], which is where the descent begins.
fn by_loss(
    problem: Problem<'_>,
    a: &Params,
    b: &Params,
    progress: &mut dyn Progress,
) -> Result<Found, RecipeError> {
    let folded = Folded::new(problem, a, b)?;
    let start = folded.by_circuit(problem)?;
    let learned = descend(problem, &folded, &start.element, progress)?;
    let start_loss = learned.improvements.first().map_or(f64::NAN, |first| first.objective);
    let descended = Descended { steps: learned.steps, start_loss, loss: learned.loss() };
    let found = folded.found(a, &learned.element, start.rounds())?;
    Ok(Found { descended: Some(descended), ..found })
}

fn descend(
    problem: Problem<'_>,
    folded: &Folded,
    start: &Element,
    progress: &mut dyn Progress,
) -> Result<Learned, RecipeError> {
    let [a, b] = &folded.pair;
    let task = learned::Task {
        group: &folded.group,
        model: problem.model,
        networks: [a, b],
        start,
        data: problem.training,
    };
    let options = problem.descent.options(problem.key);
    let mut shown = 0;
    let mut watch = |done: usize, total: usize, _: f64| {
        if shown == 0 {
            progress.stage("descending on the loss between the networks", Some(total as u64));
        }
        (shown..done).for_each(|_| progress.tick());
        shown = done;
    };
    learned::learned(problem.executor, &task, &options, problem.unfinished, &mut watch).map_err(|error| {
        match error {
            SymmetryError::Interrupted { file, .. } => {
                let folder = file.parent().unwrap_or(&file).to_owned();
                RecipeError::Interrupted { folder }
            }
            error => error.into(),
        }
    })
}
