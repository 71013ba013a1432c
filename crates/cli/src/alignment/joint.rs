//! Matching all networks at once.

use isoloss::{
    models::Params,
    symmetry::{
        Element, Group,
        matching::joint::{self, Joint},
    },
};
use serde_json::{Value, json};

use super::{Plan, Search};
use crate::{failure::Failure, json::number, networks::Network, session::Session};

/// Looks for the elements of the group that bring `a` and `others` nearest to each other, seen from `a`.
pub(super) fn all_at_once(
    session: &Session,
    group: &Group,
    a: &Network,
    others: &[&Network],
    plan: Plan<'_>,
) -> Result<Vec<(Element, Search)>, Failure> {
    let key = session.key().child("matching");
    let options = joint::Options { restarts: plan.restarts, key, ..Default::default() };
    let networks: Vec<&Params> =
        std::iter::once(&a.params).chain(others.iter().map(|other| &other.params)).collect();
    let found = joint::joint_matching(session.executor(), group, &networks, &options)?;
    let of = |from: usize| Ok((found.between(group, 0, from)?, Search::Joint(found.clone())));
    (1..networks.len()).map(of).collect()
}

/// What there is to say of a matching in a few words.
pub(super) fn short(joint: &Joint) -> String {
    let best = &joint.runs[joint.best_run];
    format!("{} iterations, duality gap {:.1e}", best.iterations, best.gap.max(0.0))
}

/// What is particular to the method, by name.
pub(super) fn json(joint: &Joint) -> Vec<(&'static str, Value)> {
    let best = &joint.runs[joint.best_run];
    vec![
        ("networks", json!(joint.norms.len())),
        ("joint_objective_before", number(joint.identity_objective)),
        ("joint_objective", number(joint.objective)),
        ("relaxed_objective", number(best.relaxed_objective)),
        ("gap", number(best.gap)),
        ("iterations", json!(best.iterations)),
        ("converged", json!(best.converged)),
        ("runs", json!(joint.runs.len())),
    ]
}
