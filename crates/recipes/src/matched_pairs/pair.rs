//! The experiment on a pair: train two networks from different seeds, match the second to the first, and measure the
//! loss along the segment between them: naive, aligned, and with a random permutation as the control.

use std::path::{Path, PathBuf};

use data::Splits as DataSplits;
use graph::Executor;
use models::{Model, Params};
use symmetry::matching::learned::Unfinished;
use tensor::Key;
use train::Config;

use super::{
    compare::Comparison,
    method::{self, Problem},
    result::{PairPlan, PairResult},
};
use crate::{Progress, RecipeError, certified, setting::Setting, store, training};

impl PairPlan {
    /// The configuration of one of the two trainings. Weights are kept wherever the networks are compared.
    #[must_use]
    pub fn config(&self, seed: u64) -> Config {
        let epochs = self.last_epoch();
        Config {
            snapshots: self.epochs.iter().copied().filter(|&epoch| epoch < epochs).collect(),
            ..self.training.config(&self.data, seed, epochs)
        }
    }

    /// The key of everything random but the trainings.
    pub(crate) fn key(&self) -> Key {
        Key::new(self.seeds[0]).fold(self.seeds[1])
    }

    /// The run folder of one of the two trainings in the experiment's.
    pub(crate) fn run_folder(&self, folder: &Path, seed: u64) -> PathBuf {
        folder.join(format!("seed-{seed}"))
    }

    fn result_file(&self, folder: &Path, epoch: usize) -> PathBuf {
        let [a, b] = self.seeds;
        folder.join(format!("pair-{a}-{b}-epoch-{epoch}.json"))
    }

    /// Where a matching that takes long is kept.
    pub(crate) fn unfinished_file(&self, folder: &Path, epoch: usize) -> PathBuf {
        self.result_file(folder, epoch).with_extension("unfinished.safetensors")
    }
}

/// The results in `folder` for each of the plan's epochs, as far as they stand there.
///
/// # Errors
/// Where one cannot be read or is of another experiment.
pub fn stored(plan: &PairPlan, folder: &Path) -> Result<Vec<Option<PairResult>>, RecipeError> {
    let one = |&epoch: &usize| {
        store::read_of(&plan.result_file(folder, epoch), |result: &PairResult| result.plan == *plan)
    };
    plan.epochs.iter().map(one).collect()
}

/// Runs the experiment in `folder`, one result for each of the plan's epochs; those that stand there are returned, and
/// networks already trained in it are used.
///
/// # Errors
/// Where training, matching or evaluation fails, a stop is asked for, a certificate fails, or the folder holds another
/// experiment.
pub fn run(
    setting: Setting<'_>,
    plan: &PairPlan,
    data: &DataSplits,
    folder: &Path,
    progress: &mut dyn Progress,
) -> Result<Vec<PairResult>, RecipeError> {
    let stored = stored(plan, folder)?;
    if let Some(results) = stored.iter().cloned().collect() {
        return Ok(results);
    }
    let mut trained = |seed| {
        progress.stage(&format!("training, seed {seed}"), None);
        training::train(setting, &plan.config(seed), data, &plan.run_folder(folder, seed), progress)
    };
    let outcomes = [trained(plan.seeds[0])?, trained(plan.seeds[1])?];
    let mut comparison = Comparison::new(setting, plan, data, folder, progress)?;
    let compare = |(&epoch, stored): (&usize, Option<PairResult>)| match stored {
        Some(result) => Ok(result),
        None => {
            let file = plan.unfinished_file(folder, epoch);
            let unfinished = Unfinished { file: &file, stop: setting.stop };
            let result = comparison.after(epoch, &outcomes, unfinished, progress)?;
            store::write(&plan.result_file(folder, epoch), &result)?;
            unfinished.remove().map_err(|source| RecipeError::Unremovable { path: file.clone(), source })?;
            Ok(result)
        }
    };
    plan.epochs.iter().zip(stored).map(compare).collect()
}

/// The average of a plan's first network and its second, matched by the plan's first method.
///
/// # Errors
/// Where the certificate fails or the matching does.
pub fn merged(
    executor: &dyn Executor,
    plan: &PairPlan,
    model: &Model,
    data: &DataSplits,
    [a, b]: [&Params; 2],
) -> Result<Params, RecipeError> {
    let group = certified::group(executor, model, plan.key())?.group;
    let key = plan.key().child("matching");
    let problem = Problem {
        executor,
        group: &group,
        model,
        data: &data.train,
        training: &data.train,
        descent: plan.learned.unwrap_or_default(),
        unfinished: None,
        restarts: plan.restarts,
        key,
    };
    let (moved, _) = method::align(problem, plan.methods[0], [a, b], &mut ())?;
    Ok(merge::average(&[a, &moved])?)
}
