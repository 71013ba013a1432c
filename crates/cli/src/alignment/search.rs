//! The search for the best arrangement, by each method.

use std::{cell::OnceCell, time::Instant};

use isoloss::{
    symmetry::{
        Element, Group,
        matching::{
            self, Improvement, Matching,
            activation::{self, ActivationMatching},
            joint::Joint,
            sinkhorn::{self, Distance, Objective, SoftMatching},
            straight_through::{self, StraightThrough},
        },
    },
    tensor::Key,
};
use serde_json::{Value, json};

use super::{
    Method, Plan,
    circuit::Circuits,
    joint,
    transport::{self, Planned},
};
use crate::{failure::Failure, json::number, networks::Network, progress::Task, session::Session};

/// How a search went.
#[derive(Clone, Debug)]
pub(crate) enum Search {
    /// By weights.
    Weight(Matching),
    /// By activations.
    Activation(ActivationMatching),
    /// By the loss halfway.
    Ste(StraightThrough),
    /// By soft permutations, and what was made small.
    Sinkhorn(SoftMatching, &'static str),
    /// By weights, of all networks at once.
    Joint(Joint),
    /// By weights and circuits, modulo matrices and rotations.
    Circuit(Circuits),
    /// Layer by layer, with a plan for each class.
    Transport(Vec<Planned>),
}

/// What was found for one network.
pub(super) struct Found {
    pub(super) element: Element,
    pub(super) search: Search,
    /// Seconds of the search; of a joint one, of all of it.
    pub(super) seconds: f64,
}

/// Looks for the elements of the group that bring `others` nearest to `a`, and for the joint method to each other.
pub(super) fn search(
    session: &Session,
    group: &Group,
    a: &Network,
    others: &[&Network],
    plan: Plan<'_>,
) -> Result<Vec<Found>, Failure> {
    let start = Instant::now();
    if plan.method == Method::Joint {
        let found = joint::all_at_once(session, group, a, others, plan)?;
        let seconds = start.elapsed().as_secs_f64();
        return Ok(found.into_iter().map(|(element, search)| Found { element, search, seconds }).collect());
    }
    let one = |b: &&Network| {
        let start = Instant::now();
        let (element, search) = one_by_one(session, group, a, b, plan)?;
        Ok(Found { element, search, seconds: start.elapsed().as_secs_f64() })
    };
    others.iter().map(one).collect()
}

/// Looks for the element of the group that brings `b` nearest to `a`.
fn one_by_one(
    session: &Session,
    group: &Group,
    a: &Network,
    b: &Network,
    plan: Plan<'_>,
) -> Result<(Element, Search), Failure> {
    match plan.method {
        Method::Weight => by_weight(session, group, a, b, plan),
        Method::Activation => by_activation(session, group, a, b, plan),
        Method::Ste => by_loss(session, group, a, b, plan),
        Method::Sinkhorn => softly(session, group, a, b, plan),
        Method::Transport => transport::by_layer(session, group, a, b),
        Method::Circuit | Method::Learned => unreachable!("matching modulo matrices has a group of its own"),
        Method::Joint => Ok(joint::all_at_once(session, group, a, &[b], plan)?.swap_remove(0)),
    }
}

/// Draws what a search leaves to chance.
pub(super) fn key(session: &Session) -> Key {
    session.key().child("matching")
}

fn by_weight(
    session: &Session,
    group: &Group,
    a: &Network,
    b: &Network,
    plan: Plan<'_>,
) -> Result<(Element, Search), Failure> {
    let options = matching::Options { restarts: plan.restarts, key: key(session), ..Default::default() };
    let found = matching::weight_matching(session.executor(), group, &a.params, &b.params, &options)?;
    Ok((found.element.clone(), Search::Weight(found)))
}

fn by_activation(
    session: &Session,
    group: &Group,
    a: &Network,
    b: &Network,
    plan: Plan<'_>,
) -> Result<(Element, Search), Failure> {
    let data = plan.examples()?;
    let task = session.progress.task("activations", data.len() as u64, "examples");
    let found = activation::activation_matching(
        session.executor(),
        group,
        &a.model,
        [&a.params, &b.params],
        data,
        &activation::Options::default(),
        &mut |done, _| task.at(done as u64, ""),
    )?;
    Ok((found.element.clone(), Search::Activation(found)))
}

fn by_loss(
    session: &Session,
    group: &Group,
    a: &Network,
    b: &Network,
    plan: Plan<'_>,
) -> Result<(Element, Search), Failure> {
    let published = straight_through::Options::default();
    let Descent { rounds: epochs, batch, key } =
        Descent::new(session, plan, published.epochs, published.batch);
    let options = straight_through::Options { epochs, batch, key, ..published };
    let progress = Steps::new(session);
    let found = straight_through::straight_through(
        session.executor(),
        group,
        &a.model,
        [&a.params, &b.params],
        plan.examples()?,
        &options,
        &mut |done, total, best| progress.at(done, total, best),
    )?;
    Ok((found.element.clone(), Search::Ste(found)))
}

fn softly(
    session: &Session,
    group: &Group,
    a: &Network,
    b: &Network,
    plan: Plan<'_>,
) -> Result<(Element, Search), Failure> {
    let (objective, name) = match plan.data {
        Some(data) => (Objective::AnyPlace(data), "loss halfway"),
        None => (Objective::Weights(Distance::Squared), "mean squared difference of the weights"),
    };
    let published = sinkhorn::Options::new(objective);
    let Descent { rounds, batch, key } = Descent::new(session, plan, published.rounds, published.batch);
    let options = sinkhorn::Options { rounds, batch, key, ..published };
    let progress = Steps::new(session);
    let found = sinkhorn::sinkhorn(
        session.executor(),
        group,
        &a.model,
        [&a.params, &b.params],
        objective,
        &options,
        &mut |done, total, best| progress.at(done, total, best),
    )?;
    Ok((found.element.clone(), Search::Sinkhorn(found, name)))
}

/// What all descents are told.
pub(super) struct Descent {
    pub(super) rounds: usize,
    pub(super) batch: usize,
    pub(super) key: Key,
}

impl Descent {
    /// What the plan says, and where it says nothing what was published.
    pub(super) fn new(session: &Session, plan: Plan<'_>, rounds: usize, batch: usize) -> Self {
        Self { rounds: plan.rounds.unwrap_or(rounds), batch: plan.batch.unwrap_or(batch), key: key(session) }
    }
}

/// Progress of a descent, whose number of steps is known with the first.
pub(super) struct Steps<'a> {
    session: &'a Session,
    task: OnceCell<Task>,
}

impl<'a> Steps<'a> {
    pub(super) const fn new(session: &'a Session) -> Self {
        Self { session, task: OnceCell::new() }
    }

    pub(super) fn at(&self, done: usize, total: usize, best: f64) {
        let task = self.task.get_or_init(|| self.session.progress.task("matching", total as u64, "steps"));
        task.at(done as u64, format_args!("best {best:.5}"));
    }
}

impl Search {
    /// The method.
    pub(crate) const fn method(&self) -> Method {
        match self {
            Self::Weight(_) => Method::Weight,
            Self::Activation(_) => Method::Activation,
            Self::Ste(_) => Method::Ste,
            Self::Sinkhorn(..) => Method::Sinkhorn,
            Self::Joint(_) => Method::Joint,
            Self::Circuit(circuits) => circuits.method(),
            Self::Transport(_) => Method::Transport,
        }
    }

    /// What there is to say of it in a few words.
    pub(crate) fn short(&self) -> String {
        match self {
            Self::Weight(matching) => format!("{} sweeps", matching.sweeps()),
            Self::Activation(matching) => {
                let [before, after] = mean_similarity(matching);
                format!("mean correlation of matched units {before:.4} → {after:.4}")
            }
            Self::Ste(found) => {
                let by_weight = found.improvements.first().map_or(f64::NAN, |first| first.objective);
                let (before, after, steps) = (found.identity_loss, found.loss(), found.steps);
                format!("loss halfway {before:.4} → {after:.4} (by weight {by_weight:.4}), {steps} steps")
            }
            Self::Sinkhorn(found, name) => {
                let [before, after] = soft_ends(found);
                format!("{name} {before:.6} → {after:.6}, {} steps", found.steps)
            }
            Self::Joint(found) => joint::short(found),
            Self::Circuit(found) => found.short(),
            Self::Transport(plans) => transport::short(plans),
        }
    }

    /// Further lines, one for each class that has something to say.
    pub(crate) fn lines(&self) -> String {
        match self {
            Self::Weight(_) | Self::Ste(_) | Self::Sinkhorn(..) | Self::Joint(_) | Self::Transport(_) => {
                String::new()
            }
            Self::Activation(matching) => matching.classes.iter().filter_map(remark).collect(),
            Self::Circuit(found) => found.lines(),
        }
    }

    /// What is particular to the method, by name.
    pub(crate) fn json(&self) -> Vec<(&'static str, Value)> {
        match self {
            Self::Weight(matching) => vec![("sweeps", json!(matching.sweeps()))],
            Self::Activation(matching) => {
                vec![("classes", matching.classes.iter().map(class_json).collect())]
            }
            Self::Ste(found) => {
                let improvements = found.improvements.iter();
                vec![
                    ("loss_before", number(found.identity_loss)),
                    ("loss", number(found.loss())),
                    ("steps", json!(found.steps)),
                    ("changes", json!(found.changes)),
                    ("improvements", improvements.map(improvement).collect()),
                ]
            }
            Self::Sinkhorn(found, name) => {
                let improvements = found.improvements.iter();
                vec![
                    ("criterion", json!(name)),
                    ("steps", json!(found.steps)),
                    ("improvements", improvements.map(improvement).collect()),
                    ("soft", number(found.soft_objective)),
                    ("deviation", number(found.deviation)),
                ]
            }
            Self::Joint(found) => joint::json(found),
            Self::Circuit(found) => found.json(),
            Self::Transport(plans) => vec![("plans", transport::json(plans))],
        }
    }
}

/// The objective at the identity and at the result.
fn soft_ends(found: &SoftMatching) -> [f64; 2] {
    let [first, last] = [found.improvements.first(), found.improvements.last()];
    [first, last].map(|end| end.map_or(f64::NAN, |end| end.objective))
}

pub(super) fn improvement(found: &Improvement) -> Value {
    json!({ "step": found.step, "value": number(found.objective) })
}

/// The similarity of a unit to the one that it is matched to, over all classes, before and after.
fn mean_similarity(matching: &ActivationMatching) -> [f64; 2] {
    let compared = || matching.classes.iter().filter(|class| class.values > 0);
    let units = compared().map(|class| class.units).sum::<usize>().max(1) as f64;
    // The sum of nothing is minus zero.
    let mean = |of: fn(&activation::Class) -> f64| (0.0 + compared().map(of).sum::<f64>()) / units;
    [mean(|class| class.identity_objective), mean(|class| class.objective)]
}

/// What is unusual about a class.
fn remark(class: &activation::Class) -> Option<String> {
    let name = &class.generator;
    match (class.values, class.dead) {
        (0, _) => Some(format!("not compared, as no product reads them alone: {name}\n")),
        (_, [0, 0]) => None,
        (_, [a, b]) => Some(format!("dead units, {a} in A and {b} in B: {name}\n")),
    }
}

fn class_json(class: &activation::Class) -> Value {
    json!({
        "name": class.generator,
        "size": class.units,
        "values": class.values,
        "samples": number(class.samples),
        "dead": { "a": class.dead[0], "b": class.dead[1] },
        "correlation_before": number(class.identity_objective),
        "correlation": number(class.objective),
        "gap": class.certificate.map(|certificate| number(certificate.suboptimality())),
    })
}
