//! The call that trains.

use std::{collections::BTreeMap, path::Path, sync::atomic::AtomicBool};

use data::Splits;
use graph::Executor;
use models::{Params, weights};

use crate::{
    Config, Observer, Record, Status, Summary, TrainError, checkpoint,
    folder::{self, CHECKPOINT_FILE, MODEL_FILE, RUN_FILE},
    plan::Plan,
    progress::Progress,
    session::Session,
};

/// Whether a run folder may or must hold the run already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// It must not: a new run.
    New,
    /// It must: the run goes on from its last checkpoint, or from its beginning where none had been written. A
    /// finished run is returned as it is.
    Resume,
    /// Either of the two, as the folder has it.
    NewOrResume,
}

/// A training to be done.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    /// What to train and how.
    pub config: &'a Config,
    /// The data that `config.data` names.
    pub splits: &'a Splits,
    /// The run folder; made where it is missing.
    pub folder: &'a Path,
    /// Whether it may or must hold the run already.
    pub start: Start,
    /// The weights and running statistics that the run begins with, as [`Config::weights`] says: all of the model's, in its order. Not read
    /// where the run goes on from a checkpoint, or is finished.
    pub weights: Option<&'a Params>,
    /// Names and versions of what runs it, for `run.json`.
    pub versions: &'a BTreeMap<String, String>,
    /// When this becomes true, the run writes a checkpoint after the step under way and ends as interrupted.
    pub stop: &'a AtomicBool,
}

/// What a call of [`train`] led to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The contents of `run.json`; its status is `Finished` or `Interrupted`.
    pub summary: Summary,
    /// The contents of `log.jsonl`.
    pub records: Vec<Record>,
    /// The parameters reached.
    pub params: Params,
}

/// Trains, in the thread pool that it is called in.
///
/// # Errors
/// Before anything is written: where the configuration is malformed or impossible with these data, where the
/// folder holds a run that may not be there (or none that must), where the run there is another one or damaged, or
/// where it diverged earlier. Later: where the loss or a parameter becomes infinite or NaN
/// ([`TrainError::Diverged`]; the last checkpoint is kept), or where a file cannot be written.
pub fn train(
    executor: &dyn Executor,
    job: &Job<'_>,
    observer: &mut dyn Observer,
) -> Result<Outcome, TrainError> {
    let plan = Plan::new(job.config, job.splits)?;
    let recorded = recorded_run(job, &plan)?;
    if let Some(summary) = recorded.as_ref().filter(|summary| summary.status == Status::Finished) {
        let outcome = finished_run(job.folder, &plan, summary)?;
        observer.finished(&outcome);
        return Ok(outcome);
    }
    let checkpoint = job.folder.join(CHECKPOINT_FILE);
    let (state, progress, saved) = if recorded.is_some() && checkpoint.exists() {
        let (state, progress) = checkpoint::read(job.folder, &plan)?;
        let step = progress.step(plan.horizon);
        (state, progress, Some(step))
    } else {
        (plan.initial_state(plan.begin(job.weights)?), Progress::default(), None)
    };
    Session::new(executor, job, &plan, state, progress, saved)?.run(observer)
}

/// The run that the folder holds, if it may hold one.
fn recorded_run(job: &Job<'_>, plan: &Plan) -> Result<Option<Summary>, TrainError> {
    let found = folder::find_run(job.folder);
    match (job.start, found) {
        (Start::Resume | Start::NewOrResume, Some(RUN_FILE)) => check_recorded(job, plan).map(Some),
        (Start::Resume, _) => Err(TrainError::NothingToResume { folder: job.folder.to_owned() }),
        (_, Some(file)) => Err(TrainError::RunExists { folder: job.folder.to_owned(), file }),
        (_, None) => Ok(None),
    }
}

fn check_recorded(job: &Job<'_>, plan: &Plan) -> Result<Summary, TrainError> {
    let summary = Summary::read(job.folder)?;
    plan.config.check_same(&summary.config)?;
    let same_size = |field: &str, recorded: usize, asked: usize| match recorded == asked {
        true => Ok(()),
        false => Err(TrainError::ConfigDiffers {
            field: field.to_owned(),
            recorded: recorded.to_string(),
            asked: asked.to_string(),
        }),
    };
    same_size("train_examples", summary.train_examples, plan.data.train.len())?;
    same_size("test_examples", summary.test_examples, plan.data.test.len())?;
    if summary.input.clone().unwrap_or_default() != plan.data.input() {
        return Err(TrainError::InputDiffers { folder: job.folder.to_owned() });
    }
    match &summary.divergence {
        Some(divergence) => Err(divergence.into()),
        None => Ok(summary),
    }
}

fn finished_run(run_folder: &Path, plan: &Plan, summary: &Summary) -> Result<Outcome, TrainError> {
    let params = plan.model.arrange(weights::load(&run_folder.join(MODEL_FILE))?.params)?;
    Ok(Outcome { summary: summary.clone(), records: folder::read_log(run_folder)?, params })
}
