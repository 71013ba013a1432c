//! The experiment on a pair: train two networks from different seeds, match the second to the first, and measure the
//! loss along the segment between them: naive, aligned, and with a random permutation as the control.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

use data::Splits as DataSplits;
use graph::Executor;
use models::{Model, Params};
use symmetry::{Certified, Certifier, Folding, matching::learned::Unfinished};
use tensor::Key;
use train::{Config, Job, Outcome, Start, Status};

use crate::{
    Progress, RecipeError,
    compare::Comparison,
    method::{self, Problem},
    result::{PairPlan, PairResult, Symmetry},
    store,
};

/// Examples in the batch on which a certificate compares outputs. Ours: enough that no unit is inactive on all.
const CERTIFICATE_BATCH: usize = 16;
/// Random elements per generator in a certificate. Ours.
const CERTIFICATE_TRIALS: usize = 4;

/// What an experiment runs with.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    /// Runs the graphs.
    pub executor: &'a dyn Executor,
    /// Names and versions of what runs, for the run folders.
    pub versions: &'a BTreeMap<String, String>,
    /// When this becomes true, the experiment stops at the next step; what is done is kept.
    pub stop: &'a AtomicBool,
}

impl Setting<'_> {
    /// Fails once a stop was asked for.
    pub(crate) fn check_stop(&self, folder: &Path) -> Result<(), RecipeError> {
        if self.stop.load(std::sync::atomic::Ordering::Relaxed) {
            return Err(RecipeError::Interrupted { folder: folder.to_owned() });
        }
        Ok(())
    }
}

impl PairPlan {
    /// The configuration of one of the two trainings. Weights are kept wherever the networks are compared.
    #[must_use]
    pub fn config(&self, seed: u64) -> Config {
        let epochs = self.last_epoch();
        Config {
            optimizer: self.optimizer.clone(),
            schedule: self.schedule.clone(),
            init: self.init.clone(),
            epochs,
            batch: self.batch,
            seed,
            clip_norm: self.clip_norm,
            snapshots: self.epochs.iter().copied().filter(|&epoch| epoch < epochs).collect(),
            ..Config::new(self.model.clone(), self.data.clone())
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
        let path = plan.result_file(folder, epoch);
        match store::read::<PairResult>(&path)? {
            Some(result) if result.plan != *plan => Err(RecipeError::OtherResult { path }),
            result => Ok(result),
        }
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
    let mut trained = |seed| train_one(setting, plan, seed, data, folder, progress);
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

fn train_one(
    setting: Setting<'_>,
    plan: &PairPlan,
    seed: u64,
    data: &DataSplits,
    folder: &Path,
    progress: &mut dyn Progress,
) -> Result<Outcome, RecipeError> {
    progress.stage(&format!("training, seed {seed}"), None);
    let folder = plan.run_folder(folder, seed);
    let job = Job {
        config: &plan.config(seed),
        splits: data,
        folder: &folder,
        start: Start::NewOrResume,
        versions: setting.versions,
        stop: setting.stop,
    };
    let outcome = train::train(setting.executor, &job, progress)?;
    if outcome.summary.status == Status::Interrupted {
        return Err(RecipeError::Interrupted { folder });
    }
    Ok(outcome)
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
    let group = certified_group(executor, model, plan.key())?.group;
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

/// The certified symmetry of an architecture.
///
/// # Errors
/// Where the certificate fails or cannot be computed: what fails is never used.
pub fn certified_group(executor: &dyn Executor, model: &Model, key: Key) -> Result<Certified, RecipeError> {
    let graphs = symmetry::graphs(model, CERTIFICATE_BATCH);
    let group = symmetry::infer(&graphs[graphs.len() - 1]);
    let (key, graphs) = (key.child("certificate"), graphs.iter().collect::<Vec<_>>());
    passed(model, symmetry::certified(executor, &graphs, &group, key, CERTIFICATE_TRIALS)?)
}

/// The certified symmetry of an architecture whose gains are folded, with how they are.
///
/// # Errors
/// As [`certified_group`].
pub fn certified_folding(
    executor: &dyn Executor,
    model: &Model,
    key: Key,
) -> Result<(Folding, Certified), RecipeError> {
    let graphs = symmetry::graphs(model, CERTIFICATE_BATCH);
    let folding = symmetry::infer_folded(&graphs[graphs.len() - 1]);
    let (key, graphs) = (key.child("certificate"), graphs.iter().collect::<Vec<_>>());
    let certified =
        passed(model, Certifier::new(executor, &graphs).folded(&folding, key, CERTIFICATE_TRIALS)?)?;
    Ok((folding, certified))
}

/// A group of which nothing was refused.
fn passed(model: &Model, certified: Certified) -> Result<Certified, RecipeError> {
    match certified.refused.first() {
        None => Ok(certified),
        Some(refused) => Err(RecipeError::NotCertified {
            model: model.spec(),
            generator: refused.name.clone(),
            error: refused.worst_relative,
            tolerance: symmetry::TOLERANCE,
        }),
    }
}

/// What was found and proved, as it is stored.
#[must_use]
pub fn describe(certified: &Certified) -> Symmetry {
    let group = certified.group.permutations();
    Symmetry {
        generators: group
            .generators()
            .iter()
            .map(|generator| (generator.name.clone(), generator.size))
            .collect(),
        log10_order: group.log10_order(),
        certificate_error: certified.certificate.worst_relative(),
        certificate_tolerance: symmetry::TOLERANCE,
    }
}
