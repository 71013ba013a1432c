//! REPAIR: giving the hidden units of a merged network the means and deviations that they have in the networks that were merged.
//!
//! Units of different networks vary together only in part, so their average varies less, and layer upon layer the activations of a merged network
//! collapse (Jordan, Sedghi, Saukh, Entezari, Neyshabur: *REPAIR: REnormalizing Permuted Activations for Interpolation Repair*,
//! ICLR 2023, arXiv:2211.08403). Each unit is scaled and shifted so that its mean and its standard deviation are the weighted means of
//! those in the networks; the changes are folded into weights and biases, and the architecture stays. Where that is possible is read off the
//! graph and tested by running it ([`symmetry::sites`]); sums of residual streams are among the sites.
//!
//! What the merged network has is either measured, from the first layer to the last, each behind corrected ones ([`Repair::measured`]), or
//! follows from how much the units of the networks vary together, without running the merged network ([`Repair::closed`]).

mod ends;

use std::cell::Cell;

use data::Dataset;
use evaluate::{Between, Comparer, Goal, Moments, Place, Renormaliser, Units};
use graph::{Executor, Graph};
use models::{Model, Params};
use symmetry::{
    Group,
    matching::partial::United,
    sites::{self, Correction, Folded, Site},
};
use tensor::{DType, Key};

use crate::MergeError;
pub use ends::{Ends, JointEnds};

/// Training examples on which statistics are taken where nothing else is said: 10,000. Ours: the published code takes the whole set, and
/// deviations over so many examples are within a percent.
pub const EXAMPLES: usize = 10_000;

/// An architecture prepared to be renormalised on a data set.
pub struct Repair {
    /// The number of examples of the data set.
    examples: usize,
    /// The sites in evaluation.
    sites: Vec<Site>,
    refused: Vec<String>,
    renormaliser: Renormaliser,
    comparer: Comparer,
}

/// A network with corrected units.
#[derive(Clone, Debug, PartialEq)]
pub struct Repaired {
    /// Its parameters.
    pub params: Params,
    /// What was done at each site.
    pub corrections: Vec<Correction>,
    /// By site and unit, by how much what varies there is larger in this network than it stands for ([`symmetry::sites::Folded`]).
    gauges: Vec<Vec<f64>>,
}

/// How much of the variance that a site's units should have they do have.
#[derive(Clone, Debug, PartialEq)]
pub struct Collapse {
    /// The site.
    pub site: String,
    /// Whether it is the sum of a residual stream.
    pub is_juncture: bool,
    /// The mean over the units of the variance over the square of the weighted mean of the deviations in the networks that were
    /// merged; units that are constant in these do not count. NaN where all are.
    pub ratio: f64,
}

impl Repair {
    /// Finds the sites, tests them with random numbers of `key`, and compiles the passes over the first `examples` of `data`, which are to be
    /// training examples. `group` is a certified group of the model.
    ///
    /// # Errors
    /// [`MergeError::NoSites`] where nothing can be renormalised; where the data do not suit the model or the executor refuses a graph.
    pub fn new(
        executor: &dyn Executor,
        model: &Model,
        group: &Group,
        data: &Dataset,
        examples: usize,
        key: Key,
    ) -> Result<Self, MergeError> {
        let graph = model.forward(2, DType::F64);
        let found = sites::sites(&graph, group);
        let (sites, refused) = sites::certified(executor, &graph, found, key)?;
        if sites.is_empty() {
            return Err(MergeError::NoSites { model: model.spec(), refused });
        }
        let data = data.take(examples.min(data.len()));
        // A network may be computed in another way for other numbers of examples, as recurrent ones are.
        let is_alike = Cell::new(true);
        let like = |graph: &Graph| {
            let there = like(&sites, graph, group);
            is_alike.set(is_alike.get() && there.len() == sites.len());
            there
        };
        let places = |graph: &Graph| -> Vec<Place> { like(graph).iter().map(place).collect() };
        let renormaliser = Renormaliser::new(executor, model, &data, None, &places)?;
        let units = |graph: &Graph| -> Vec<Units> { like(graph).iter().map(units).collect() };
        let comparer = Comparer::of_units(executor, model, &data, &units, Between::Same)?;
        if !is_alike.get() {
            let refused = sites.into_iter().map(|site| site.name).chain(refused).collect();
            return Err(MergeError::NoSites { model: model.spec(), refused });
        }
        Ok(Self { examples: data.len(), sites, refused, renormaliser, comparer })
    }

    /// The sites, in the order of the network.
    #[must_use]
    pub fn sites(&self) -> &[Site] {
        &self.sites
    }

    /// The names of what looked like sites and failed the test.
    #[must_use]
    pub fn refused(&self) -> &[String] {
        &self.refused
    }

    /// The number of examples that statistics are taken on.
    #[must_use]
    pub const fn examples(&self) -> usize {
        self.examples
    }

    /// The moments of the networks at each site, two networks in a pass. They must be matched to each other. `progress` is told how many of how many
    /// examples of a pass are done.
    ///
    /// # Errors
    /// Where there is no network, or parameters are not the model's.
    pub fn ends(
        &mut self,
        networks: &[&Params],
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Ends, MergeError> {
        Ends::new(networks.len(), &mut |a, b| self.moments([networks[a], networks[b]], progress))
    }

    /// What the units of a network should have in which the units of two others were merged cluster by cluster, as the end of a network alone: of
    /// each cluster the means of its members' means and deviations. This is ours, because the paper pairs units; for pairs it is the same.
    /// `networks` are the moments of the two, measured by `from`.
    ///
    /// # Errors
    /// [`MergeError::OtherSites`] where other values can be renormalised in the merged network than in the two.
    pub fn united(&self, from: &Self, networks: &Ends, united: &United) -> Result<Ends, MergeError> {
        let names = |repair: &Self| repair.sites.iter().map(|site| site.name.clone()).collect::<Vec<_>>();
        if names(self) != names(from) {
            return Err(MergeError::OtherSites { expected: names(from), found: names(self) });
        }
        networks.united(&from.sites, &self.sites, united)
    }

    /// As [`Repair::ends`], and how the units of each two networks vary together, which takes a pass for each two.
    ///
    /// # Errors
    /// As [`Repair::ends`].
    pub fn joint_ends(
        &mut self,
        networks: &[&Params],
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<JointEnds, MergeError> {
        JointEnds::new(networks.len(), &mut |a, b| self.moments([networks[a], networks[b]], progress))
    }

    /// The merged network with all sites brought to the weighted means of the networks' moments, by what is measured on the data.
    /// Running statistics of batch normalisation are left as they are, and to be measured anew.
    ///
    /// # Errors
    /// [`MergeError::Weights`]; where parameters are not the model's.
    pub fn measured(
        &mut self,
        merged: &Params,
        ends: &Ends,
        weights: &[f64],
    ) -> Result<Repaired, MergeError> {
        let goals = ends.goals(weights)?;
        let found = self.renormaliser.measure(merged, &goals)?;
        let corrections = self
            .sites
            .iter()
            .zip(&found)
            .zip(&goals)
            .map(|((site, found), goal)| correction(site, found.factors(goal), &found.mean, goal));
        Ok(self.folded(merged, corrections.collect()))
    }

    /// The same without running the merged network: at sites that are no junctures each unit is taken to be the weighted mean of the networks' units, whose
    /// variance follows from theirs and from how they vary together. Junctures are left as they are: what flows into them is corrected already.
    ///
    /// # Errors
    /// [`MergeError::Weights`].
    pub fn closed(&self, merged: &Params, ends: &JointEnds, weights: &[f64]) -> Result<Repaired, MergeError> {
        let (goals, means) = (ends.ends().goals(weights)?, ends.of_mean(weights));
        let corrections = self.sites.iter().zip(&means).zip(&goals).map(|((site, mean), goal)| {
            if site.is_juncture {
                return Correction::none(site.units());
            }
            correction(site, mean.factors(goal), &mean.mean, goal)
        });
        Ok(self.folded(merged, corrections.collect()))
    }

    /// How much of the variance that it should have a merged network has at each site, before and after.
    ///
    /// # Errors
    /// [`MergeError::Weights`]; where parameters are not the model's.
    pub fn collapse(
        &mut self,
        merged: &Params,
        repaired: &Repaired,
        ends: &Ends,
        weights: &[f64],
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<[Vec<Collapse>; 2], MergeError> {
        let (goals, moments) = (ends.goals(weights)?, self.moments([merged, &repaired.params], progress)?);
        let sites = || self.sites.iter().zip(&moments).zip(&goals);
        let before = sites().map(|((site, moments), goal)| Collapse::new(site, &moments.variances(0), goal));
        let after = sites().zip(&repaired.gauges).map(|(((site, moments), goal), gauges)| {
            let variances = moments.variances(1).into_iter().zip(gauges);
            let true_ones: Vec<f64> = variances.map(|(variance, gauge)| variance / gauge.powi(2)).collect();
            Collapse::new(site, &true_ones, goal)
        });
        Ok([before.collect(), after.collect()])
    }

    fn folded(&self, merged: &Params, corrections: Vec<Correction>) -> Repaired {
        let Folded { params, gauges } = sites::fold(&self.sites, merged, &corrections);
        Repaired { params, corrections, gauges }
    }

    fn moments(
        &mut self,
        networks: [&Params; 2],
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Vec<Moments>, MergeError> {
        Ok(self.comparer.moments(networks, progress)?)
    }
}

impl Collapse {
    fn new(site: &Site, variances: &[f64], goal: &Goal) -> Self {
        let ratios = variances.iter().zip(&goal.deviation).filter(|(_, deviation)| **deviation > 0.0);
        let ratios: Vec<f64> = ratios.map(|(variance, deviation)| variance / deviation.powi(2)).collect();
        let ratio = ratios.iter().sum::<f64>() / ratios.len() as f64;
        Self { site: site.name.clone(), is_juncture: site.is_juncture, ratio }
    }
}

/// The sites of another graph of the network that stand where these do.
fn like(sites: &[Site], graph: &Graph, group: &Group) -> Vec<Site> {
    let mut there = sites::sites(graph, group);
    there.retain(|own| sites.iter().any(|site| site.is_like(own)));
    there
}

fn place(site: &Site) -> Place {
    Place { val: site.val, axis: site.axis, indices: site.indices.clone(), shifts: site.shifts() }
}

fn units(site: &Site) -> Units {
    Units { val: site.val, axis: site.axis, block: 1, indices: site.indices.clone() }
}

/// Scales by the factors, and shifts the mean that a site has to its goal where that can be done.
fn correction(site: &Site, scale: Vec<f64>, mean: &[f64], goal: &Goal) -> Correction {
    let shifts = scale.iter().zip(mean).zip(&goal.mean).map(|((scale, mean), goal)| goal - scale * mean);
    let shift = shifts.map(|shift| if site.shifts() { shift } else { 0.0 }).collect();
    Correction { scale, shift }
}
