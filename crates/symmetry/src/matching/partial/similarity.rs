//! How alike the units of two networks are, those of one network among each other too.

use data::Dataset;
use evaluate::{Features, Units, feature_moments};
use faer::{Mat, Side as Triangle};
use graph::{Builder, Executor, Graph, Val};
use models::{Model, Params};
use tensor::DType;

use super::Clusters;
use crate::{Group, Stage, SymmetryError, activations::activations};

/// The correlations of the units of a class, those of A and then those of B.
#[derive(Clone, Debug, PartialEq)]
pub struct Similarity {
    /// The generator's name.
    pub generator: String,
    /// The units of each network.
    pub units: usize,
    /// The values of the network on which its units were compared. Where there are none, units in the same places count as
    /// equal, and all others as unlike.
    pub values: usize,
    /// Pearson's correlations, `2 units × 2 units`, row-major, as means over the values; 0 for a unit without variance, also
    /// with itself.
    pub correlations: Vec<f64>,
}

/// The similarity of the units of each class of `group` that can be exchanged, in order, by their activations on `data`; see
/// [`crate::matching::activation`] for where these are. Both networks run in evaluation. `progress` is told how
/// many of how many examples are done.
///
/// # Errors
/// Where `group` is not of the model, the parameters are not the model's, the data do not suit it, the executor refuses a graph,
/// or activations are not finite.
pub fn similarities(
    executor: &dyn Executor,
    group: &Group,
    model: &Model,
    networks: [&Params; 2],
    data: &Dataset,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Vec<Similarity>, SymmetryError> {
    networks.iter().try_for_each(|params| group.check_params(params))?;
    let permuting = group.permutations();
    let of_graph = |graph: &Graph| activations(graph, &permuting, Stage::Read);
    let counts: Vec<usize> = of_graph(&model.forward(2, DType::F32)).iter().map(Vec::len).collect();
    let compared = |b: &mut Builder, forward: &Graph, values: [&[Val]; 2]| {
        let units = of_graph(forward).concat();
        units.iter().map(|units| [side_by_side(b, units, values); 2]).collect()
    };
    let moments = feature_moments(executor, model, networks, data, &compared, progress)?;
    let mut rest = &moments[..];
    let generators = permuting.generators().iter().zip(counts).map(|(generator, count)| {
        let own;
        (own, rest) = rest.split_at(count);
        let matrices: Vec<Vec<f64>> = own.iter().map(evaluate::Moments::correlation).collect();
        let correlations = mean(&matrices).unwrap_or_else(|| by_place(generator.size));
        let (generator, units) = (generator.name.clone(), generator.size);
        if correlations.iter().all(|entry| entry.is_finite()) {
            Ok(Similarity { generator, units, values: count, correlations })
        } else {
            Err(SymmetryError::Activations { of: generator })
        }
    });
    generators.collect()
}

/// The units of both networks on their values, those of the first before those of the second.
fn side_by_side(b: &mut Builder, units: &Units, values: [&[Val]; 2]) -> Features {
    let parts = values.map(|of| units.features(b, of[units.val.position()]).val);
    Features { val: b.concatenate(&parts, units.axis), axis: units.axis }
}

fn mean(matrices: &[Vec<f64>]) -> Option<Vec<f64>> {
    let mut sum = matrices.first()?.clone();
    for further in &matrices[1..] {
        sum.iter_mut().zip(further).for_each(|(sum, own)| *sum += own);
    }
    sum.iter_mut().for_each(|entry| *entry /= matrices.len() as f64);
    Some(sum)
}

/// Units in the same places are equal.
fn by_place(units: usize) -> Vec<f64> {
    let size = 2 * units;
    (0..size * size).map(|at| f64::from(u8::from(at / size % units == at % size % units))).collect()
}

impl Similarity {
    /// The correlation of two units, numbered as in [`Clusters`].
    pub(super) fn of(&self, left: usize, right: usize) -> f64 {
        self.correlations[left * 2 * self.units + right]
    }

    /// How readily two units are merged: their correlation, but 1 for two without variance, of which nothing is lost.
    pub(super) fn likeness(&self, left: usize, right: usize) -> f64 {
        if self.of(left, left) + self.of(right, right) > 0.0 { self.of(left, right) } else { 1.0 }
    }

    /// The variance that is lost where the units in a place of both networks become one, in units of a unit's variance.
    pub(super) fn lost(&self, place: usize) -> f64 {
        let (a, b) = (place, self.units + place);
        (f64::midpoint(self.of(a, a), self.of(b, b)) - self.of(a, b)).max(0.0)
    }

    fn variance(&self) -> f64 {
        (0..2 * self.units).map(|unit| self.of(unit, unit)).sum()
    }

    /// The share of the variance of all units, each standardised, that is left when each is replaced by the mean of its cluster; 1
    /// where no unit has any variance.
    #[must_use]
    pub fn kept(&self, clusters: &Clusters) -> f64 {
        let of_cluster = |members: &Vec<usize>| {
            let pairs = members.iter().flat_map(|left| members.iter().map(|right| self.of(*left, *right)));
            pairs.sum::<f64>() / members.len() as f64
        };
        let variance = self.variance();
        if variance > 0.0 { clusters.members().iter().map(of_cluster).sum::<f64>() / variance } else { 1.0 }
    }

    /// What so many clusters can keep at most: the share of as many largest eigenvalues of the correlations, as replacing units by the
    /// means of clusters is a projection of that rank (Ding and He, *K-means clustering via principal component analysis*, ICML
    /// 2004).
    ///
    /// # Errors
    /// [`SymmetryError::Decomposition`] where there are no eigenvalues.
    pub fn most(&self, width: usize) -> Result<f64, SymmetryError> {
        let (size, variance) = (2 * self.units, self.variance());
        if variance <= 0.0 || width >= size {
            return Ok(1.0);
        }
        let matrix = Mat::from_fn(size, size, |row, column| self.of(row, column));
        let failed = |_| SymmetryError::Decomposition { generator: self.generator.clone() };
        let mut eigenvalues = matrix.self_adjoint_eigenvalues(Triangle::Lower).map_err(failed)?;
        eigenvalues.sort_unstable_by(|a, b| b.total_cmp(a));
        Ok((eigenvalues[..width].iter().map(|own| own.max(0.0)).sum::<f64>() / variance).min(1.0))
    }
}
