//! The search for the best arrangement, by each method.

use isoloss::symmetry::{
    Element, Group,
    matching::{
        self, Matching,
        activation::{self, ActivationMatching},
    },
};
use serde_json::{Value, json};

use super::{Method, Plan};
use crate::{failure::Failure, json::number, networks::Network, session::Session};

/// How a search went.
#[derive(Clone, Debug)]
pub(crate) enum Search {
    /// By weights.
    Weight(Matching),
    /// By activations.
    Activation(ActivationMatching),
}

/// Looks for the element of the group that brings `b` nearest to `a`.
pub(super) fn search(
    session: &Session,
    group: &Group,
    a: &Network,
    b: &Network,
    plan: Plan<'_>,
) -> Result<(Element, Search), Failure> {
    let (executor, key) = (session.executor(), session.key().child("matching"));
    let params = [&a.params, &b.params];
    match plan.method {
        Method::Weight => {
            let options = matching::Options { restarts: plan.restarts, key, ..Default::default() };
            let found = matching::weight_matching(executor, group, params[0], params[1], &options)?;
            Ok((found.element.clone(), Search::Weight(found)))
        }
        Method::Activation => {
            let data = plan.examples()?;
            let task = session.progress.task("activations", data.len() as u64, "examples");
            let mut progress = |done, _| task.at(done as u64, "");
            let options = activation::Options::default();
            let found = activation::activation_matching(
                executor,
                group,
                &a.model,
                params,
                data,
                &options,
                &mut progress,
            )?;
            Ok((found.element.clone(), Search::Activation(found)))
        }
    }
}

impl Search {
    /// The method.
    pub(crate) const fn method(&self) -> Method {
        match self {
            Self::Weight(_) => Method::Weight,
            Self::Activation(_) => Method::Activation,
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
        }
    }

    /// Further lines, one for each class that has something to say.
    pub(crate) fn lines(&self) -> String {
        match self {
            Self::Weight(_) => String::new(),
            Self::Activation(matching) => matching.classes.iter().filter_map(remark).collect(),
        }
    }

    /// What is particular to the method, by name.
    pub(crate) fn json(&self) -> Vec<(&'static str, Value)> {
        match self {
            Self::Weight(matching) => vec![("sweeps", json!(matching.sweeps()))],
            Self::Activation(matching) => {
                vec![("classes", matching.classes.iter().map(class_json).collect())]
            }
        }
    }
}

/// The similarity of a unit to the one that it is matched to, over all classes, before and after.
fn mean_similarity(matching: &ActivationMatching) -> [f64; 2] {
    let compared = || matching.classes.iter().filter(|class| class.values > 0);
    let units = compared().map(|class| class.units).sum::<usize>().max(1) as f64;
    let mean = |of: fn(&activation::Class) -> f64| compared().map(of).sum::<f64>() / units;
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
