//! The weights with which each layer of a merged network makes what both networks make, by least squares.
//!
//! For each linear layer and each convolution, what the merged layer reads is the mean of what the layers of the two networks read, unit by
//! unit of a cluster, and what it is to make the mean of what they make (PLeaS, section 3.2). So layers do not depend on each other, and the
//! normal equations are moments of activations of the two networks alone. They are solved exactly, in closed form, with
//! a ridge towards the weights that merging gave: what the data leave open stays as it was, and where both networks are
//! represented nothing changes. A bias that is added to the product is solved for as well. The published code descends
//! on the same squares with Adam, and holds the weights between units of different networks at 0, which here are free.

mod features;
mod layers;
mod normal;

use data::Dataset;
use evaluate::{Moments, feature_moments};
use graph::{Builder, Executor, Graph, Role, Val};
use models::{Model, Params};
use tensor::{DType, Shape, Tensor};

use super::Clusters;
use crate::{
    Group, SymmetryError,
    matching::{
        carry::{AxisMap, along, check_alike},
        transport::Side,
    },
};
use features::Means;
use layers::{Layer, layers};

/// A merged network with weights by least squares.
#[derive(Clone, Debug, PartialEq)]
pub struct Refitted {
    /// Its parameters.
    pub params: Params,
    /// The layers that were solved, in order.
    pub layers: Vec<Fit>,
    /// Trained parameters that are as merging made them: those of no layer.
    pub kept: Vec<String>,
}

/// How a layer was solved.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// The parameter.
    pub parameter: String,
    /// The weights of a unit.
    pub inputs: usize,
    /// The samples of a unit.
    pub samples: f64,
    /// The squares that the merged weights leave, as a share of the variance of what is to be made.
    pub error_before: f64,
    /// The same of the weights that were found, as they are written.
    pub error: f64,
    /// The length of the gradient where the weights are, as a share of that where they began: 0 but for rounding, as the
    /// squares have one minimum.
    pub slope: f64,
}

/// Two networks and what was made of them.
#[derive(Clone, Copy, Debug)]
pub struct Merging<'a> {
    /// The group of the merged network, and that of both.
    pub groups: [&'a Group; 2],
    /// The sides of the permutations of these groups.
    pub sides: &'a [Vec<Side>],
    /// The clusters of these classes, each with at most one unit of either network.
    pub clusters: &'a [Clusters],
    /// The architecture of the two networks.
    pub model: &'a Model,
    /// Their parameters.
    pub networks: [&'a Params; 2],
}

/// The merged network with the weights of its layers by least squares on `data`, from `start`, which [`super::merged`] made.
/// `progress` is told how many of how many examples are done.
///
/// Equal inputs give equal bits, whatever the number of threads, if the executor's do.
///
/// # Errors
/// Where the groups are not of one structure, parameters are not a network's, the data do not suit the model, the executor refuses a
/// graph, or activations are not finite.
///
/// # Panics
/// Where a cluster has two units of one network.
pub fn least_squares(
    executor: &dyn Executor,
    merging: &Merging<'_>,
    start: &Params,
    data: &Dataset,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Refitted, SymmetryError> {
    let permuting = merging.groups.map(Group::permutations);
    let joint = Joint { to: &permuting[0], from: &permuting[1], merging };
    check_alike(joint.to, joint.from)?;
    joint.to.check_params(start)?;
    let solvable = joint.solvable(&merging.model.forward(2, DType::F32));
    let compared = |b: &mut Builder, forward: &Graph, values: [&[Val]; 2]| {
        let solvable = joint.solvable(forward);
        let pairs = solvable
            .iter()
            .map(|own| features::pairs(b, forward, values, &own.layer, &own.shape, [&own.makes, &own.reads]));
        pairs.flatten().collect()
    };
    let moments = feature_moments(executor, merging.model, merging.networks, data, &compared, progress)?;
    let mut refitted = Refitted { params: start.clone(), layers: Vec::new(), kept: joint.kept(&solvable) };
    for (own, moments) in solvable.iter().zip(moments.chunks(2)) {
        refitted.solve(&own.layer, &own.shape, [&moments[0], &moments[1]])?;
    }
    Ok(refitted)
}

impl Refitted {
    fn solve(&mut self, layer: &Layer, shape: &Shape, moments: [&Moments; 2]) -> Result<(), SymmetryError> {
        let values = |name: &String| self.params.get(name).map(Tensor::to_f64_vec);
        let start = normal::Start {
            weight: values(&layer.parameter).unwrap_or_default(),
            shape,
            makes: layer.axes[0],
            bias: layer.bias.as_ref().and_then(values),
        };
        let found = normal::solve(&start, moments)
            .ok_or_else(|| SymmetryError::Activations { of: layer.parameter.clone() })?;
        let mut put = |name: &str, values: &[f64]| {
            if let Some(tensor) = self.params.get_mut(name) {
                *tensor = Tensor::from_fn(tensor.shape().clone(), |at| values[at] as f32);
            }
        };
        put(&layer.parameter, &found.weight);
        if let (Some(name), Some(bias)) = (&layer.bias, &found.bias) {
            put(name, bias);
        }
        self.layers.push(Fit {
            parameter: layer.parameter.clone(),
            inputs: shape.elements() / shape[layer.axes[0]],
            samples: moments[0].samples(),
            error_before: found.error_before,
            error: found.error,
            slope: found.slope,
        });
        Ok(())
    }
}

/// A layer whose units are made and read as clusters say.
struct Solvable {
    layer: Layer,
    /// Of the merged parameter.
    shape: Shape,
    makes: Means,
    reads: Means,
}

struct Joint<'a> {
    to: &'a Group,
    from: &'a Group,
    merging: &'a Merging<'a>,
}

impl Joint<'_> {
    fn solvable(&self, graph: &Graph) -> Vec<Solvable> {
        layers(graph).into_iter().filter_map(|layer| self.of_layer(layer)).collect()
    }

    fn of_layer(&self, layer: Layer) -> Option<Solvable> {
        let subject = self.to.subjects().iter().find(|subject| subject.name == layer.parameter)?;
        let [makes, reads] = layer.axes;
        let means = |axis: usize, side: Side| self.means(&layer.parameter, &subject.shape, axis, side);
        let (makes, reads) = (means(makes, Side::Makes)?, means(reads, Side::Reads)?);
        Some(Solvable { shape: subject.shape.clone(), makes, reads, layer })
    }

    /// The means of units along an axis of a parameter; `None` where something acts there from the other side.
    fn means(&self, parameter: &str, shape: &Shape, axis: usize, side: Side) -> Option<Means> {
        let acting = along(self.to, parameter, axis);
        if acting.iter().any(|&(generator, action)| self.merging.sides[generator][action] != side) {
            return None;
        }
        let own = self.from.subjects().iter().find(|subject| subject.name == parameter)?;
        let sizes = [shape[axis], own.shape[axis]];
        let maps = [0, 1].map(|network| {
            AxisMap::new([self.to, self.from], parameter, axis, sizes, |generator, _| {
                self.merging.clusters[generator].shares(network, Side::Reads)
            })
        });
        let [Some(a), Some(b)] = maps else { return Some(Means::same(shape[axis])) };
        let mut parts = [&a, &b].map(|_| vec![(0, 0.0); shape[axis]]);
        for (part, map) in parts.iter_mut().zip([&a, &b]) {
            for &(to, from, _) in &map.entries {
                assert!(part[to].1 == 0.0, "a cluster has one unit of a network at most");
                part[to] = (from, 1.0);
            }
        }
        for index in 0..shape[axis] {
            let count: f64 = parts.iter().map(|part| part[index].1).sum();
            parts.iter_mut().for_each(|part| part[index].1 /= count);
        }
        Some(Means { parts })
    }

    /// The trained parameters that belong to no layer.
    fn kept(&self, solvable: &[Solvable]) -> Vec<String> {
        let solved: Vec<&String> = solvable
            .iter()
            .flat_map(|own| [Some(&own.layer.parameter), own.layer.bias.as_ref()])
            .flatten()
            .collect();
        let trained = self.to.subjects().iter().filter(|subject| subject.role == Role::Parameter);
        trained.map(|subject| subject.name.clone()).filter(|name| !solved.contains(&name)).collect()
    }
}
