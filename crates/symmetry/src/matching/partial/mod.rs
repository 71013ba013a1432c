//! Merging units of two networks cluster by cluster, also inside of one, and into wider networks.
//!
//! Permutations pair every unit of A with one of B. Here the units of each class are parted into [`Clusters`]: several units of one
//! network may become one, and some may stay apart, so that the merged network is wider ([`widths`]). What makes units is averaged over
//! a cluster, what reads units is added up, and what belongs to no class is averaged between the networks ([`merged`]): with every unit
//! apart, the merged network computes the mean of the two, where nothing normalises over the units.
//!
//! [`zipit()`] finds clusters greedily by correlation (Stoica et al., *ZipIt! Merging Models from Different Tasks without
//! Training*, ICLR 2024); [`pleas()`] pairs units that were matched before and keeps the worst pairs apart, within a budget
//! (Nasery et al., *PLeaS: Merging Models with Permutations and Least Squares*, CVPR 2025), and [`least_squares`] then solves for the
//! weights. Both are judged by the same objective: the share of the variance of all units, each standardised, that is left when
//! every unit is replaced by the mean of its cluster ([`Similarity::kept`]); no clusters keep more than the largest
//! eigenvalues of the correlations ([`Similarity::most`]).

mod budget;
mod clusters;
pub mod least_squares;
mod pleas;
mod similarity;
pub mod widths;
mod zipit;

use models::Params;
use tensor::{Shape, Tensor};

use super::{
    carry::{AxisMap, along, carry, check_alike},
    problem::{elements, trained},
    transport::Side,
};
use crate::{Group, Subject, SymmetryError};
pub use budget::Budget;
pub use clusters::Clusters;
pub use pleas::{Chosen, pleas};
pub use similarity::{Similarity, similarities};
pub use zipit::{Options, zipit};

/// The network of two networks' clusters. Both networks are of the second group; the first is that of the merged
/// network, of the same structure and with as many units as there are clusters. `sides` and `clusters` belong to the permutations of
/// these groups, in order.
///
/// Where several axes of a parameter make units, each place holds the mean of what both networks have there.
///
/// # Errors
/// [`SymmetryError::OtherStructure`] where the groups differ in more than the numbers of units, or the clusters are not as many;
/// where a network is not of its group's architecture, not `f32` or not finite.
pub fn merged(
    groups: [&Group; 2],
    sides: &[Vec<Side>],
    clusters: &[Clusters],
    networks: [&Params; 2],
) -> Result<Params, SymmetryError> {
    let united = United::new(groups, sides, clusters)?;
    for (name, params) in ["A", "B"].into_iter().zip(networks) {
        united.from.check_params(params)?;
        params.iter().try_for_each(|(parameter, _)| trained(name, params, parameter).map(|_| ()))?;
    }
    let there = united.to.subjects().iter().filter(|subject| networks[0].get(&subject.name).is_some());
    Ok(Params::from_pairs(there.map(|subject| (subject.name.as_str(), united.subject(subject, networks)))))
}

fn check_fit([to, from]: [&Group; 2], clusters: &[Clusters]) -> Result<(), SymmetryError> {
    let generators = to.generators().iter().zip(from.generators());
    let fit = |((to, from), own): ((&crate::Generator, &crate::Generator), &Clusters)| {
        (to.size, from.size) == (own.width(), own.units())
    };
    if to.generators().len() == clusters.len() && generators.zip(clusters).all(fit) {
        return Ok(());
    }
    let widths: Vec<usize> = clusters.iter().map(Clusters::width).collect();
    Err(SymmetryError::OtherStructure { found: format!("classes of {widths:?} units after merging") })
}

/// Where the units of two networks stand in that of their clusters.
#[derive(Clone, Debug)]
pub struct United {
    to: Group,
    from: Group,
    sides: Vec<Vec<Side>>,
    clusters: Vec<Clusters>,
}

impl United {
    /// Of groups, sides and clusters as for [`merged`].
    ///
    /// # Errors
    /// [`SymmetryError::OtherStructure`] where the groups differ in more than the numbers of units, or the clusters are not as many.
    pub fn new(
        groups: [&Group; 2],
        sides: &[Vec<Side>],
        clusters: &[Clusters],
    ) -> Result<Self, SymmetryError> {
        let [to, from] = groups.map(Group::permutations);
        check_alike(&to, &from)?;
        check_fit([&to, &from], clusters)?;
        Ok(Self { to, from, sides: sides.to_vec(), clusters: clusters.to_vec() })
    }

    /// Numbers for the units that a parameter makes along an axis, given those of both networks at these indices: the mean over each cluster, and over
    /// the networks where nothing moves; one for each index of the axis.
    ///
    /// # Panics
    /// Where the groups have no such parameter, axis or index.
    #[must_use]
    pub fn numbers(
        &self,
        (parameter, axis, indices): (&str, usize, &[usize]),
        networks: [&[f64]; 2],
    ) -> Vec<f64> {
        let subjects = [&self.to, &self.from].map(|group| {
            let own = group.subjects().iter().find(|subject| subject.name == parameter);
            own.expect("a parameter of the groups")
        });
        let sizes = subjects.map(|subject| subject.shape[axis]);
        let (mut sums, mut counts) = (vec![0.0; sizes[0]], vec![0.0; sizes[0]]);
        for (network, numbers) in networks.into_iter().enumerate() {
            let mut along = vec![0.0; sizes[1]];
            indices.iter().zip(numbers).for_each(|(&index, number)| along[index] = *number);
            let map = self.map(subjects[0], axis, sizes[1], network);
            let own = self.counts(subjects[0], axis, map.as_ref());
            counts.iter_mut().zip(own).for_each(|(count, own)| *count += own);
            match map {
                Some(map) => {
                    map.entries.iter().for_each(|&(to, from, share)| sums[to] += share * along[from]);
                }
                None => sums.iter_mut().zip(along).for_each(|(sum, own)| *sum += own),
            }
        }
        sums.iter().zip(counts).map(|(sum, count)| sum / count).collect()
    }

    fn map(&self, subject: &Subject, axis: usize, size: usize, network: usize) -> Option<AxisMap> {
        let sizes = [subject.shape[axis], size];
        AxisMap::new([&self.to, &self.from], &subject.name, axis, sizes, |generator, action| {
            self.clusters[generator].shares(network, self.sides[generator][action])
        })
    }

    /// A parameter of the merged network.
    fn subject(&self, subject: &Subject, networks: [&Params; 2]) -> Tensor {
        let parts = [0, 1].map(|network| {
            let tensor = networks[network].get(&subject.name).expect("the names were checked");
            self.part(subject, tensor, network)
        });
        let [a, b] = parts.each_ref().map(|(carried, _)| elements(carried));
        let counts = parts.each_ref().map(|(_, counts)| counts);
        let values = a.iter().zip(b).enumerate().map(|(at, (a, b))| {
            let count = counts[0][at] + counts[1][at];
            if count > 0.0 { ((f64::from(*a) + f64::from(*b)) / count) as f32 } else { 0.0 }
        });
        let values: Vec<f32> = values.collect();
        Tensor::from_fn(subject.shape.clone(), |at| values[at])
    }

    /// What a network adds to a parameter, and how much of a network that is in each place.
    fn part(&self, subject: &Subject, tensor: &Tensor, network: usize) -> (Tensor, Vec<f64>) {
        let (mut carried, mut counts) = (tensor.clone(), vec![1.0]);
        for axis in 0..subject.shape.rank() {
            let map = self.map(subject, axis, tensor.shape()[axis], network);
            let along = self.counts(subject, axis, map.as_ref());
            counts = counts.iter().flat_map(|count| along.iter().map(move |own| count * own)).collect();
            if let Some(map) = map {
                carried = carry(&carried, axis, &map);
            }
        }
        (carried, counts)
    }

    /// How much of a network there is at each index of an axis: the shares that it makes, and 1 where units are read or nothing
    /// moves.
    fn counts(&self, subject: &Subject, axis: usize, map: Option<&AxisMap>) -> Vec<f64> {
        let Some(map) = map else { return vec![1.0; subject.shape[axis]] };
        let mut counts = vec![0.0; subject.shape[axis]];
        map.entries.iter().for_each(|&(to, _, share)| counts[to] += share);
        for (generator, action) in along(&self.to, &subject.name, axis) {
            if self.sides[generator][action] == Side::Reads {
                let slots = &self.to.generators()[generator].actions[action].slots;
                slots.indices.iter().for_each(|&index| counts[index] = 1.0);
            }
        }
        counts
    }
}

/// The shapes of the parameters when so many units are added to each class of a group of permutations.
pub(super) fn shapes(group: &Group, extra: &[usize]) -> Vec<(String, Shape)> {
    let shape = |subject: &Subject| {
        let mut sizes = subject.shape.to_vec();
        for (generator, action) in group.actions_on(&subject.name) {
            sizes[action.axis] += extra[generator] * action.slots.block;
        }
        (subject.name.clone(), Shape::from(sizes))
    };
    group.subjects().iter().map(shape).collect()
}
