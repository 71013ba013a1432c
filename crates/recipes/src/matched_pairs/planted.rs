//! The control of the matching itself: planted permutations.

use std::path::Path;

use models::Params;
use symmetry::{
    Group,
    matching::{self, RELATIVE_PROGRESS, objective, planted},
};
use tensor::Key;

use super::result::PlantedResult;
use crate::{Progress, RecipeError, setting::Setting, store};

/// The noise levels, in standard deviations of each parameter.
pub const NOISES: [f64; 3] = [0.0, 0.1, 0.3];

const RESULT_FILE: &str = "planted.json";

/// Matches `params` to `trials` randomly permuted copies of itself plus noise, at each of [`NOISES`], or returns the
/// result that stands in `folder`.
///
/// # Errors
/// Where a matching fails, a stop is asked for, or `folder` holds the result of another number of trials.
pub fn run(
    setting: Setting<'_>,
    group: &Group,
    params: &Params,
    trials: usize,
    key: Key,
    folder: &Path,
    progress: &mut dyn Progress,
) -> Result<Vec<PlantedResult>, RecipeError> {
    let path = folder.join(RESULT_FILE);
    match store::read::<Vec<PlantedResult>>(&path)? {
        Some(results) if results.iter().all(|result| result.trials == trials) => return Ok(results),
        Some(_) => return Err(RecipeError::OtherResult { path }),
        None => {}
    }
    let mut results = Vec::new();
    for (level, noise) in NOISES.into_iter().enumerate() {
        progress.stage(&format!("planted permutations, noise {noise}"), Some(trials as u64));
        let mut result = PlantedResult {
            noise,
            trials,
            recovered: 0,
            recovered_by_chance: 0,
            worst_excess: f64::INFINITY,
        };
        for trial in 0..trials {
            setting.check_stop(folder)?;
            one(setting, group, params, key.fold(level as u64).fold(trial as u64), &mut result)?;
            progress.tick();
        }
        results.push(result);
    }
    store::write(&path, &results)?;
    Ok(results)
}

fn one(
    setting: Setting<'_>,
    group: &Group,
    params: &Params,
    key: Key,
    result: &mut PlantedResult,
) -> Result<(), RecipeError> {
    let options = matching::Options { key: key.child("matching"), ..Default::default() };
    let found = planted::trial(setting.executor, group, params, result.noise, key, &options)?;
    result.recovered += usize::from(found.is_recovered());
    let (copy, _) = planted::plant(group, params, result.noise, key)?;
    let chance = objective(group, params, &copy, &group.random_permutation(key.child("control")))?;
    result.recovered_by_chance += usize::from(chance >= found.planted_objective - found.resolution);
    let excess = (found.objective - found.planted_objective) * RELATIVE_PROGRESS / found.resolution;
    result.worst_excess = result.worst_excess.min(excess);
    Ok(())
}
