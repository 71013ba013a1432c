//! The moments of the networks that are merged.

use evaluate::{Goal, Moments, Spread};
use symmetry::{matching::partial::United, sites::Site};

use crate::MergeError;

/// The moments of some networks at each site.
#[derive(Clone, Debug, PartialEq)]
pub struct Ends {
    /// By network and site.
    networks: Vec<Vec<Spread>>,
}

/// The moments of some networks at each site, and how the units of each two networks vary together.
#[derive(Clone, Debug, PartialEq)]
pub struct JointEnds {
    ends: Ends,
    /// By pair of networks, `(0, 1)`, `(0, 2)`, …, `(1, 2)`, …, site and unit.
    covariances: Vec<Vec<Vec<f64>>>,
}

/// What is asked for the moments between two networks.
type Pairs<'a> = dyn FnMut(usize, usize) -> Result<Vec<Moments>, MergeError> + 'a;

impl Ends {
    /// From the moments of two networks at a time; the last of an odd number is asked for with itself.
    pub(super) fn new(count: usize, between: &mut Pairs<'_>) -> Result<Self, MergeError> {
        if count == 0 {
            return Err(MergeError::Empty);
        }
        let mut networks = Vec::with_capacity(count);
        for first in (0..count).step_by(2) {
            let pair = first..count.min(first + 2);
            let moments = between(first, pair.end - 1)?;
            networks.extend((0..pair.len()).map(|side| spreads(&moments, side)));
        }
        Ok(Self { networks })
    }

    /// As [`super::Repair::united`]: of two networks with the sites `from`.
    pub(super) fn united(&self, from: &[Site], to: &[Site], united: &United) -> Result<Self, MergeError> {
        let [a, b] = &self.networks[..] else {
            return Err(MergeError::Two { found: self.networks.len() });
        };
        let spread = |((old, new), networks): ((&Site, &Site), [&Spread; 2])| {
            let merged = |of: &dyn Fn(&Spread) -> Vec<f64>| {
                let all = united.numbers(old.made_by(), networks.map(of).each_ref().map(|own| &own[..]));
                new.made_by().2.iter().map(|&index| all[index]).collect::<Vec<f64>>()
            };
            let deviation = merged(&|own| own.variance.iter().map(|variance| variance.sqrt()).collect());
            Spread {
                mean: merged(&|own| own.mean.clone()),
                variance: deviation.into_iter().map(|deviation| deviation.powi(2)).collect(),
            }
        };
        let sites = from.iter().zip(to).zip(a.iter().zip(b).map(|(a, b)| [a, b]));
        Ok(Self { networks: vec![sites.map(spread).collect()] })
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

    fn mixed(&self, site: usize, weights: &[f64], of: impl Fn(&Spread, usize) -> f64) -> Vec<f64> {
        let units = self.networks[0][site].mean.len();
        let mix =
            |unit| self.networks.iter().zip(weights).map(|(own, weight)| weight * of(&own[site], unit)).sum();
        (0..units).map(mix).collect()
    }
}

impl JointEnds {
    /// From the moments between each two networks.
    pub(super) fn new(count: usize, between: &mut Pairs<'_>) -> Result<Self, MergeError> {
        if count < 2 {
            return Ok(Self { ends: Ends::new(count, between)?, covariances: Vec::new() });
        }
        let (mut networks, mut covariances) = (vec![Vec::new(); count], Vec::new());
        for a in 0..count {
            for b in a + 1..count {
                let moments = between(a, b)?;
                covariances.push(moments.iter().map(Moments::covariance).collect());
                for (side, network) in [a, b].into_iter().enumerate() {
                    if networks[network].is_empty() {
                        networks[network] = spreads(&moments, side);
                    }
                }
            }
        }
        Ok(Self { ends: Ends { networks }, covariances })
    }

    /// The moments of each network.
    #[must_use]
    pub const fn ends(&self) -> &Ends {
        &self.ends
    }

    /// The moments of the weighted mean of the networks' units, at each site.
    pub(super) fn of_mean(&self, weights: &[f64]) -> Vec<Spread> {
        let squares: Vec<f64> = weights.iter().map(|weight| weight * weight).collect();
        let spread = |site: usize| {
            let mut variance = self.ends.mixed(site, &squares, |spread, unit| spread.variance[unit]);
            let pairs = (0..weights.len()).flat_map(|a| (a + 1..weights.len()).map(move |b| (a, b)));
            for ((a, b), covariances) in pairs.zip(&self.covariances) {
                let factor = 2.0 * weights[a] * weights[b];
                variance.iter_mut().zip(&covariances[site]).for_each(|(sum, own)| *sum += factor * own);
            }
            Spread { mean: self.ends.mixed(site, weights, |spread, unit| spread.mean[unit]), variance }
        };
        (0..self.ends.networks[0].len()).map(spread).collect()
    }
}

fn spreads(moments: &[Moments], side: usize) -> Vec<Spread> {
    let spread = |own: &Moments| Spread { mean: own.means(side).to_vec(), variance: own.variances(side) };
    moments.iter().map(spread).collect()
}
