//! The moments of the networks that are merged.

use evaluate::{Goal, Moments, Spread};

use crate::MergeError;

/// The moments of some networks at each site, and how the units of each pair of networks vary together.
#[derive(Clone, Debug, PartialEq)]
pub struct Ends {
    /// By network and site.
    networks: Vec<Vec<Spread>>,
    /// By pair of networks, `(0, 1)`, `(0, 2)`, …, `(1, 2)`, …, site and unit.
    covariances: Vec<Vec<Vec<f64>>>,
}

impl Ends {
    /// From the moments between two networks, which are asked for each pair once, or for a network with itself where there is one alone.
    pub(super) fn new(
        count: usize,
        between: &mut dyn FnMut(usize, usize) -> Result<Vec<Moments>, MergeError>,
    ) -> Result<Self, MergeError> {
        if count == 0 {
            return Err(MergeError::Empty);
        }
        let mut ends = Self { networks: vec![Vec::new(); count], covariances: Vec::new() };
        if count == 1 {
            ends.networks[0] = spreads(&between(0, 0)?, 0);
        }
        for a in 0..count {
            for b in a + 1..count {
                let moments = between(a, b)?;
                ends.covariances.push(moments.iter().map(Moments::covariance).collect());
                for (side, network) in [a, b].into_iter().enumerate() {
                    if ends.networks[network].is_empty() {
                        ends.networks[network] = spreads(&moments, side);
                    }
                }
            }
        }
        Ok(ends)
    }

    /// The weighted means of the means and of the standard deviations, at each site.
    pub(super) fn goals(&self, weights: &[f64]) -> Result<Vec<Goal>, MergeError> {
        let sum: f64 = weights.iter().sum();
        if weights.len() != self.networks.len() || (sum - 1.0).abs() > 1e-9 || !sum.is_finite() {
            return Err(MergeError::Weights { networks: self.networks.len(), found: weights.to_vec() });
        }
        let goal = |site: usize| Goal {
            mean: self.mixed(site, weights, |spread, unit| spread.mean[unit]),
            deviation: self.mixed(site, weights, |spread, unit| spread.variance[unit].sqrt()),
        };
        Ok((0..self.networks[0].len()).map(goal).collect())
    }

    /// The moments of the weighted mean of the networks' units, at each site.
    pub(super) fn of_mean(&self, weights: &[f64]) -> Vec<Spread> {
        let squares: Vec<f64> = weights.iter().map(|weight| weight * weight).collect();
        let spread = |site: usize| {
            let mut variance = self.mixed(site, &squares, |spread, unit| spread.variance[unit]);
            let pairs = (0..weights.len()).flat_map(|a| (a + 1..weights.len()).map(move |b| (a, b)));
            for ((a, b), covariances) in pairs.zip(&self.covariances) {
                let factor = 2.0 * weights[a] * weights[b];
                variance.iter_mut().zip(&covariances[site]).for_each(|(sum, own)| *sum += factor * own);
            }
            Spread { mean: self.mixed(site, weights, |spread, unit| spread.mean[unit]), variance }
        };
        (0..self.networks[0].len()).map(spread).collect()
    }

    fn mixed(&self, site: usize, weights: &[f64], of: impl Fn(&Spread, usize) -> f64) -> Vec<f64> {
        let units = self.networks[0][site].mean.len();
        let mix =
            |unit| self.networks.iter().zip(weights).map(|(own, weight)| weight * of(&own[site], unit)).sum();
        (0..units).map(mix).collect()
    }
}

fn spreads(moments: &[Moments], side: usize) -> Vec<Spread> {
    let spread = |own: &Moments| Spread { mean: own.means(side).to_vec(), variance: own.variances(side) };
    moments.iter().map(spread).collect()
}
