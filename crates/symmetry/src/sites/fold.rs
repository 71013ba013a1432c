//! Scaling and shifting values by changing parameters.

use std::collections::BTreeMap;

use models::Params;
use tensor::{Shape, Tensor};

use super::{Place, Scaled, Site};

/// What a site's units are to become: unit `u` of value `v` becomes `scale[u] · v + shift[u]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Correction {
    /// By unit; positive at junctures.
    pub scale: Vec<f64>,
    /// By unit; without influence where nothing shifts the site.
    pub shift: Vec<f64>,
}

impl Correction {
    /// Nothing for so many units.
    #[must_use]
    pub fn none(units: usize) -> Self {
        Self { scale: vec![1.0; units], shift: vec![0.0; units] }
    }
}

/// A network with corrections in its parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Folded {
    /// The parameters.
    pub params: Params,
    /// By site and unit: by how much what varies there is larger in this network than where values are corrected themselves. It is not 1
    /// where a sum is scaled by what stands behind it, or the parts of a sum are scaled with it.
    pub gauges: Vec<Vec<f64>>,
}

/// The network with each site's value replaced by its correction, one for each of `sites`, where each sees what those before it have
/// made. Parameters are changed in `f64` and rounded to their type once.
///
/// # Panics
/// Where the corrections are not as many as the sites, or one has not as many numbers as units.
#[must_use]
pub fn fold(sites: &[Site], params: &Params, corrections: &[Correction]) -> Folded {
    assert_eq!(sites.len(), corrections.len(), "one correction for each site");
    let mut work = Work { params, changed: BTreeMap::new() };
    let mut gauges = Vec::with_capacity(sites.len());
    for (site, correction) in sites.iter().zip(corrections) {
        let units = [correction.scale.len(), correction.shift.len()];
        assert_eq!(units, [site.units(); 2], "one number for each unit");
        work.correct(site, correction);
        gauges.push(work.gauges(site, |changed| &changed.gauge));
    }
    for (site, (correction, gauges)) in sites.iter().zip(corrections.iter().zip(&mut gauges)) {
        let factors = if site.is_behind {
            correction.scale.iter().map(|scale| scale.recip()).collect()
        } else if site.is_juncture {
            vec![1.0; site.units()]
        } else {
            work.gauges(site, |changed| &changed.with_sum)
        };
        gauges.iter_mut().zip(factors).for_each(|(gauge, factor)| *gauge *= factor);
    }
    Folded { params: work.finish(), gauges }
}

/// The values of a parameter.
struct Changed {
    shape: Shape,
    own: Vec<f64>,
    /// By how much what a parameter makes is larger than what it stands for, as sums before it were scaled by scaling what is behind them.
    gauge: Vec<f64>,
    /// By how much it was scaled as part of a sum.
    with_sum: Vec<f64>,
}

struct Work<'a> {
    params: &'a Params,
    changed: BTreeMap<String, Changed>,
}

impl Work<'_> {
    fn correct(&mut self, site: &Site, correction: &Correction) {
        for Scaled { place, exponent } in &site.scaled {
            self.each(place, |changed, at, unit| {
                let factor = correction.scale[unit].powi(*exponent);
                changed.own[at] *= factor;
                if site.is_behind {
                    changed.gauge[at] *= factor;
                } else if site.is_juncture {
                    changed.with_sum[at] *= factor;
                }
            });
        }
        if let Some(place) = &site.shift {
            self.each(place, |changed, at, unit| {
                // What is added to a part of a sum that is scaled behind it is scaled there.
                let scale = if site.is_behind { correction.scale[unit] } else { 1.0 };
                changed.own[at] += correction.shift[unit] / scale * changed.gauge[at];
            });
        }
    }

    /// Changes all elements of a place, each with the number of the unit that it belongs to.
    fn each(&mut self, place: &Place, change: impl Fn(&mut Changed, usize, usize)) {
        let Some(changed) = self.changed(&place.parameter) else { return };
        let (size, inner) =
            (changed.shape[place.axis], changed.shape[place.axis + 1..].iter().product::<usize>());
        let mut units = vec![None; size];
        for (rank, &index) in place.slots.indices.iter().enumerate() {
            units[index] = Some(rank / place.slots.block);
        }
        for at in 0..changed.own.len() {
            if let Some(unit) = units[at / inner % size] {
                change(changed, at, unit);
            }
        }
    }

    /// Numbers that are kept for each element, at one element of each unit of a site.
    fn gauges(&mut self, site: &Site, of: impl Fn(&Changed) -> &Vec<f64>) -> Vec<f64> {
        let Some(changed) = self.changed(&site.own.parameter) else { return vec![1.0; site.units()] };
        let inner: usize = changed.shape[site.own.axis + 1..].iter().product();
        site.own.slots.indices.iter().map(|index| of(changed)[index * inner]).collect()
    }

    fn changed(&mut self, name: &str) -> Option<&mut Changed> {
        if !self.changed.contains_key(name) {
            let tensor = self.params.get(name)?;
            let own = tensor.to_f64_vec();
            let ones = vec![1.0; own.len()];
            let (shape, gauge) = (tensor.shape().clone(), ones.clone());
            self.changed.insert(name.to_owned(), Changed { shape, own, gauge, with_sum: ones });
        }
        self.changed.get_mut(name)
    }

    fn finish(self) -> Params {
        let mut params = self.params.clone();
        for (name, Changed { shape, own, .. }) in self.changed {
            if let Some(tensor) = params.get_mut(&name) {
                let dtype = tensor.dtype();
                *tensor = Tensor::from_fn(shape, |at| own[at]).converted(dtype);
            }
        }
        params
    }
}
