//! Planted symmetries: the control that tests a matching on a problem whose answer is known.

use graph::Executor;
use models::Params;
use tensor::{Key, Tensor};

use super::{Options, RELATIVE_PROGRESS, objective, weight_matching};
use crate::{Element, Group, SymmetryError};

/// What a matching made of a planted element.
#[derive(Clone, Debug, PartialEq)]
pub struct Recovered {
    /// The objective at the planted answer: the inverse of the element that was applied to the copy.
    pub planted_objective: f64,
    /// The objective that the matching reached.
    pub objective: f64,
    /// Whether the matching found exactly the planted answer.
    pub is_exact: bool,
    /// The number of sweeps of the best start.
    pub sweeps: usize,
    /// What tells objectives apart: [`RELATIVE_PROGRESS`] of the product of the norms.
    pub resolution: f64,
}

impl Recovered {
    /// Whether what was found is as good as the planted answer, or better.
    #[must_use]
    pub fn is_recovered(&self) -> bool {
        self.objective >= self.planted_objective - self.resolution
    }
}

/// A noisy, moved copy of `params`: `g · (params + noise)` and `g`, a uniformly random permutation. The noise on each
/// parameter is normal with `noise` times that parameter's own standard deviation, so it vanishes on a constant one.
///
/// # Errors
/// Where `noise` is negative or not finite, or `params` are not of the group's architecture.
pub fn plant(
    group: &Group,
    params: &Params,
    noise: f64,
    key: Key,
) -> Result<(Params, Element), SymmetryError> {
    if !(noise.is_finite() && noise >= 0.0) {
        return Err(SymmetryError::OutOfRange { what: "noise of a planted copy", found: noise });
    }
    let noisy = params.iter().map(|(name, tensor)| disturb(tensor, noise, key.child("noise").child(name)));
    let noisy = params.with_values(noisy.collect());
    let element = group.random_permutation(key.child("element"));
    Ok((group.act(&element, &noisy)?, element))
}

/// Plants an element (see [`plant`]) and lets [`weight_matching`] with `options` look for it.
///
/// # Errors
/// As [`plant`] and [`weight_matching`].
pub fn trial(
    executor: &dyn Executor,
    group: &Group,
    params: &Params,
    noise: f64,
    key: Key,
    options: &Options,
) -> Result<Recovered, SymmetryError> {
    let (copy, element) = plant(group, params, noise, key)?;
    let answer = group.invert(&element)?;
    let found = weight_matching(executor, group, params, &copy, options)?;
    Ok(Recovered {
        planted_objective: objective(group, params, &copy, &answer)?,
        objective: found.objective,
        is_exact: found.element == answer,
        sweeps: found.sweeps(),
        resolution: RELATIVE_PROGRESS * found.norms[0] * found.norms[1],
    })
}

/// A tensor plus normal noise of `noise` times its standard deviation, in its own element type.
fn disturb(tensor: &Tensor, noise: f64, key: Key) -> Tensor {
    let values = tensor.to_f64_vec();
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    let deviation = (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count).sqrt();
    let disturbed = Tensor::from_fn(tensor.shape().clone(), |index| {
        values[index] + noise * deviation * key.normal(index as u64)
    });
    disturbed.convert(tensor.dtype())
}
