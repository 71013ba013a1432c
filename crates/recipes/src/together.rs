//! How any number of networks are brought together to be averaged.

use std::time::Instant;

use data::Dataset;
use graph::Executor;
use merge::{
    Together,
    repair::{Repair, Repaired},
};
use models::{Model, Params};
use serde::{Deserialize, Serialize};
use symmetry::{
    Element, Group,
    matching::{self, activation, joint},
};
use tensor::Key;

use crate::RecipeError;

/// A method of bringing networks together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Not at all: they are averaged as they are.
    Naive,
    /// All at once into one arrangement (`isoloss merge --method universe`).
    Universe,
    /// Each in turn to the mean of the others, by weights (`--method merge-many`).
    MergeMany,
    /// Pairs, pairs of pairs and so on, by weights (`--method hierarchical`).
    Hierarchical,
    /// The same by activations (`--method hierarchical --align activation`).
    HierarchicalActivation,
}

impl Method {
    /// The name in recipes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Naive => "naive",
            Self::Universe => "universe",
            Self::MergeMany => "merge-many",
            Self::Hierarchical => "hierarchical",
            Self::HierarchicalActivation => "hierarchical-activation",
        }
    }
}

/// What a method works with.
#[derive(Clone, Copy)]
pub(crate) struct Problem<'a> {
    pub(crate) executor: &'a dyn Executor,
    /// Certified.
    pub(crate) group: &'a Group,
    pub(crate) model: &'a Model,
    /// The examples that activations are compared on.
    pub(crate) data: &'a Dataset,
    pub(crate) key: Key,
}

/// Networks that were brought together, and how.
pub(crate) struct Gathered {
    pub(crate) networks: Vec<Params>,
    /// The root mean square of their distances to their mean, before and after.
    pub(crate) distances: [f64; 2],
    pub(crate) seconds: f64,
}

impl Gathered {
    /// Their average.
    pub(crate) fn average(&self) -> Result<Params, RecipeError> {
        Ok(merge::average(&self.all())?)
    }

    pub(crate) fn all(&self) -> Vec<&Params> {
        self.networks.iter().collect()
    }
}

/// Brings networks together.
pub(crate) fn gather(
    problem: Problem<'_>,
    method: Method,
    networks: &[&Params],
) -> Result<Gathered, RecipeError> {
    let start = Instant::now();
    let moved = match method {
        Method::Naive => networks.iter().map(|&network| network.clone()).collect(),
        Method::Universe => universe(problem, networks)?,
        Method::MergeMany => {
            let key = problem.key.child("merge-many");
            let by_weight = &mut |to: &Params, from: &Params| by_weight(problem, to, from);
            merge::merge_many(problem.group, networks, key, by_weight)?.networks
        }
        Method::Hierarchical => {
            let by_weight = &mut |to: &Params, from: &Params| by_weight(problem, to, from);
            merge::hierarchical(problem.group, networks, by_weight)?.networks
        }
        Method::HierarchicalActivation => {
            let by_activation = &mut |to: &Params, from: &Params| by_activation(problem, to, from);
            merge::hierarchical(problem.group, networks, by_activation)?.networks
        }
    };
    let seconds = start.elapsed().as_secs_f64();
    let after = Together::spread(&moved.iter().collect::<Vec<_>>())?;
    Ok(Gathered { distances: [Together::spread(networks)?, after], networks: moved, seconds })
}

/// The control: the first network as it is, and each of the others moved by a random permutation.
pub(crate) fn scattered(group: &Group, networks: &[&Params], key: Key) -> Result<Gathered, RecipeError> {
    let moved = networks.iter().enumerate().map(|(position, &network)| match position {
        0 => Ok(network.clone()),
        _ => Ok(group.act(&group.random_permutation(key.fold(position as u64)), network)?),
    });
    let moved = moved.collect::<Result<Vec<_>, RecipeError>>()?;
    let after = Together::spread(&moved.iter().collect::<Vec<_>>())?;
    Ok(Gathered { distances: [Together::spread(networks)?, after], networks: moved, seconds: 0.0 })
}

/// The average of networks that were brought together, with the moments of its units renormalised to theirs.
pub(crate) fn repaired(repair: &mut Repair, gathered: &Gathered) -> Result<Params, RecipeError> {
    let networks = gathered.all();
    let ends = repair.ends(&networks, &mut |_, _| {})?;
    let weights = vec![(networks.len() as f64).recip(); networks.len()];
    let Repaired { params, .. } = repair.measured(&gathered.average()?, &ends, &weights)?;
    Ok(params)
}

fn universe(problem: Problem<'_>, networks: &[&Params]) -> Result<Vec<Params>, RecipeError> {
    if let [only] = networks {
        return Ok(vec![(*only).clone()]);
    }
    let Problem { executor, group, key, .. } = problem;
    let options = joint::Options { key, ..joint::Options::default() };
    let found = joint::joint_matching(executor, group, networks, &options)?;
    // Seen from the first, so that it stays as it is.
    let moved = |(position, &network): (usize, &&Params)| {
        Ok(group.act(&found.between(group, 0, position)?, network)?)
    };
    networks.iter().enumerate().map(moved).collect()
}

fn by_weight(problem: Problem<'_>, to: &Params, from: &Params) -> Result<Element, RecipeError> {
    let options = matching::Options { key: problem.key, ..Default::default() };
    Ok(matching::weight_matching(problem.executor, problem.group, to, from, &options)?.element)
}

fn by_activation(problem: Problem<'_>, to: &Params, from: &Params) -> Result<Element, RecipeError> {
    let Problem { executor, group, model, data, .. } = problem;
    let options = activation::Options::default();
    let found =
        activation::activation_matching(executor, group, model, [to, from], data, &options, &mut |_, _| {})?;
    Ok(found.element)
}

#[cfg(test)]
mod tests {
    use cpu::Cpu;
    use models::Init;

    use super::*;
    use crate::certified;

    #[test]
    fn every_method_brings_permuted_copies_back_and_the_control_takes_them_apart() {
        let (executor, key) = (Cpu::new(), Key::new(5));
        let model = Model::parse("mlp:64-12-12-10").unwrap();
        let group = certified::group(&executor, &model, key).unwrap().group;
        let network = model.init(Init::PyTorch, key);
        let copy = |number| group.act(&group.random_permutation(key.fold(number)), &network).unwrap();
        let (a, b) = (copy(1), copy(2));
        let networks = [&network, &a, &b];
        let data = data::load("digits:first=200").unwrap();
        let data = evaluate::fit(&model, &data.train).unwrap();
        let problem = Problem { executor: &executor, group: &group, model: &model, data: &data, key };
        let methods =
            [Method::Universe, Method::MergeMany, Method::Hierarchical, Method::HierarchicalActivation];
        for method in methods {
            let gathered = gather(problem, method, &networks).unwrap();
            assert!(
                gathered.distances[1] < 1e-6 * gathered.distances[0],
                "{method:?}: {:?}",
                gathered.distances
            );
        }
        let naive = gather(problem, Method::Naive, &networks).unwrap();
        assert_eq!(naive.all(), networks);
        let apart = scattered(&group, &naive.all(), key).unwrap();
        assert!(apart.distances[1] > 0.5 * apart.distances[0], "{:?}", apart.distances);
    }
}
