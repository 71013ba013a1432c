//! The experiment on a pair: train two networks from different seeds, match the second to the first, and measure the
//! loss along the segment between them: naive, aligned, and with a random permutation as the control.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
    time::Instant,
};

use data::Splits as DataSplits;
use graph::Executor;
use models::{Loss, Model, Params};
use symmetry::{
    Certified, Element, Folding, Group,
    matching::{self, Matching},
};
use tensor::Key;
use train::{Config, Job, Outcome, Start, Status};

use crate::{
    Progress, RecipeError,
    measure::Measure,
    result::{Curve, Epoch, Match, PairPlan, PairResult, Score, Splits, Symmetry},
    store,
};

/// Examples in the batch on which a certificate compares outputs. Ours: enough that no unit is inactive on all.
const CERTIFICATE_BATCH: usize = 16;
/// Random elements per generator in a certificate. Ours.
const CERTIFICATE_TRIALS: usize = 4;
/// Where a pair's result is stored in its folder.
const RESULT_FILE: &str = "pair.json";

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
    /// The configuration of one of the two trainings.
    #[must_use]
    pub fn config(&self, seed: u64) -> Config {
        Config {
            optimizer: self.optimizer.clone(),
            schedule: self.schedule.clone(),
            init: self.init.clone(),
            epochs: self.epochs,
            batch: self.batch,
            seed,
            ..Config::new(self.model.clone(), self.data.clone())
        }
    }

    /// The key of everything random but the trainings.
    fn key(&self) -> Key {
        Key::new(self.seeds[0]).fold(self.seeds[1])
    }
}

/// Runs the experiment in `folder`, or returns the result that stands there; networks already trained in it are used.
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
) -> Result<PairResult, RecipeError> {
    let stored = folder.join(RESULT_FILE);
    match store::read::<PairResult>(&stored)? {
        Some(result) if result.plan == *plan => return Ok(result),
        Some(_) => return Err(RecipeError::OtherResult { path: stored }),
        None => {}
    }
    let [first, second] = plan.seeds.map(|seed| folder.join(format!("seed-{seed}")));
    let a = train_one(setting, plan, plan.seeds[0], data, &first, progress)?;
    let b = train_one(setting, plan, plan.seeds[1], data, &second, progress)?;
    let result = compare(setting, plan, data, [&a, &b], folder, progress)?;
    store::write(&stored, &result)?;
    Ok(result)
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
    let config = plan.config(seed);
    let job = Job {
        config: &config,
        splits: data,
        folder,
        start: Start::NewOrResume,
        versions: setting.versions,
        stop: setting.stop,
    };
    let outcome = train::train(setting.executor, &job, progress)?;
    if outcome.summary.status == Status::Interrupted {
        return Err(RecipeError::Interrupted { folder: PathBuf::from(folder) });
    }
    Ok(outcome)
}

fn compare(
    setting: Setting<'_>,
    plan: &PairPlan,
    data: &DataSplits,
    [a, b]: [&Outcome; 2],
    folder: &Path,
    progress: &mut dyn Progress,
) -> Result<PairResult, RecipeError> {
    let model = Model::parse(&plan.model)?;
    progress.stage("finding and proving the symmetry", None);
    let certified = certified_group(setting.executor, &model, plan.key())?;
    progress.stage("matching", None);
    let start = Instant::now();
    let options = matching::Options {
        restarts: plan.restarts,
        key: plan.key().child("matching"),
        ..Default::default()
    };
    let found =
        matching::weight_matching(setting.executor, &certified.group, &a.params, &b.params, &options)?;
    let matching = summarise(&found, start.elapsed().as_secs_f64());
    let chance = certified.group.random_permutation(plan.key().child("control"));
    let mut measure = Measure::new(setting.executor, &model, data, Loss::CrossEntropy)?;
    let mut segment = |title: &str, element: &Element| {
        setting.check_stop(folder)?;
        let moved = certified.group.act(element, &b.params)?;
        progress.stage(title, Some(plan.points as u64));
        measure.segment(&a.params, &moved, plan.points, &mut || progress.tick())
    };
    let naive = segment("segment, naive", &certified.group.identity())?;
    let aligned = segment("segment, aligned", &found.element)?;
    let random = segment("segment, random permutation", &chance)?;
    Ok(PairResult {
        plan: plan.clone(),
        parents: [ends(&naive, 0), ends(&naive, plan.points - 1)],
        history: [history(a), history(b)],
        symmetry: describe(&certified),
        matching,
        naive,
        aligned,
        random,
    })
}

fn matched(
    executor: &dyn Executor,
    plan: &PairPlan,
    group: &Group,
    a: &Params,
    b: &Params,
) -> Result<Matching, RecipeError> {
    let options = matching::Options {
        restarts: plan.restarts,
        key: plan.key().child("matching"),
        ..Default::default()
    };
    Ok(matching::weight_matching(executor, group, a, b, &options)?)
}

/// The average of a plan's first network and its second, matched as in the experiment.
///
/// # Errors
/// Where the certificate fails or the matching does.
pub fn merged(
    executor: &dyn Executor,
    plan: &PairPlan,
    model: &Model,
    a: &Params,
    b: &Params,
) -> Result<Params, RecipeError> {
    let group = certified_group(executor, model, plan.key())?.group;
    let element = matched(executor, plan, &group, a, b)?.element;
    Ok(merge::average(&[a, &group.act(&element, b)?])?)
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
    let certified = passed(model, folding.certified(executor, &graphs, key, CERTIFICATE_TRIALS)?)?;
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

fn ends(segment: &Splits<Curve>, point: usize) -> Splits<Score> {
    Splits { train: segment.train.score(point), test: segment.test.score(point) }
}

fn history(outcome: &Outcome) -> Vec<Epoch> {
    let score = |score: &train::Score| Score { loss: score.loss, accuracy: score.accuracy };
    let records = outcome.records.iter();
    records
        .map(|record| Epoch {
            epoch: record.epoch,
            batch_loss: record.loss,
            test: record.test.as_ref().map(score),
        })
        .collect()
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

/// A matching as it is stored.
#[must_use]
pub fn summarise(matching: &Matching, seconds: f64) -> Match {
    let gap = |proof: &matching::Proof| {
        proof.certificate.gap.abs() / matching.objective.abs().max(f64::MIN_POSITIVE)
    };
    Match {
        identity_objective: matching.identity_objective,
        objective: matching.objective,
        norms: matching.norms,
        trajectory: matching.trajectory.iter().map(|step| step.objective).collect(),
        sweeps: matching.sweeps(),
        worst_gap: matching.proofs.iter().map(gap).fold(0.0, f64::max),
        seconds,
    }
}
