//! What a run leaves on disk.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use data::Input;
use models::{Params, weights};
use tensor::Tensor;

use crate::{
    Divergence, Job, Record, Scores, Status, Summary, TrainError, checkpoint,
    folder::{self, CHECKPOINT_FILE, MODEL_FILE},
    plan::Plan,
    progress::Progress,
};

/// Writes the files of one run, in an order that leaves it resumable at every moment.
pub(crate) struct Keeper<'a> {
    job: &'a Job<'a>,
    plan: &'a Plan,
    interval: Duration,
    /// The step of the checkpoint on disk.
    saved: Option<u64>,
    saved_at: Instant,
}

impl<'a> Keeper<'a> {
    pub(crate) fn new(job: &'a Job<'a>, plan: &'a Plan, saved: Option<u64>) -> Self {
        // What is too long for a duration is never due.
        let interval = Duration::try_from_secs_f64(plan.config.checkpoint_seconds).unwrap_or(Duration::MAX);
        Self { job, plan, interval, saved, saved_at: Instant::now() }
    }

    /// The step of the checkpoint on disk, if there is one.
    pub(crate) const fn saved(&self) -> Option<u64> {
        self.saved
    }

    /// Marks the run as under way and restores the log to the checkpoint.
    pub(crate) fn begin(&mut self, progress: &Progress) -> Result<(), TrainError> {
        self.end(Status::Running, progress, None)?;
        self.saved_at = Instant::now();
        folder::write_log(self.job.folder, &progress.records)
    }

    pub(crate) fn is_due(&self) -> bool {
        self.saved_at.elapsed() >= self.interval
    }

    /// Writes a checkpoint and hands the state back.
    pub(crate) fn save(
        &mut self,
        state: Vec<Tensor>,
        progress: &Progress,
    ) -> Result<Vec<Tensor>, TrainError> {
        let state = checkpoint::write(self.job.folder, self.plan, state, progress)?;
        self.saved = Some(progress.step(self.plan.horizon));
        self.saved_at = Instant::now();
        Ok(state)
    }

    pub(crate) fn log(&self, record: &Record) -> Result<(), TrainError> {
        folder::append_log(self.job.folder, record)
    }

    /// Writes the model, then the summary, and removes the checkpoint when nothing needs it any more.
    pub(crate) fn finish(&self, params: &Params, progress: &Progress) -> Result<Summary, TrainError> {
        let mut metadata = BTreeMap::from([
            (weights::MODEL_KEY.to_owned(), self.plan.model.spec()),
            (checkpoint::TRAINING.to_owned(), self.plan.config.identity()?),
        ]);
        if let Some(input) = self.input() {
            metadata.insert(Input::KEY.to_owned(), input.to_json());
        }
        weights::save(&self.job.folder.join(MODEL_FILE), params, &metadata)?;
        let summary = self.end(Status::Finished, progress, None)?;
        folder::remove(self.job.folder.join(CHECKPOINT_FILE))?;
        Ok(summary)
    }

    /// How the network reads its data, where that is to be remembered.
    fn input(&self) -> Option<Input> {
        Some(self.plan.data.input()).filter(|input| !input.is_plain())
    }

    /// Writes the summary.
    pub(crate) fn end(
        &self,
        status: Status,
        progress: &Progress,
        divergence: Option<Divergence>,
    ) -> Result<Summary, TrainError> {
        let summary = Summary {
            format: Summary::FORMAT,
            status,
            config: self.plan.config.clone(),
            input: self.input(),
            versions: self.job.versions.clone(),
            parameters: self.plan.model.elements(),
            train_examples: self.plan.data.train.len(),
            test_examples: self.plan.data.test.len(),
            epochs: progress.epoch(),
            steps: progress.step(self.plan.horizon),
            seconds: progress.total_seconds(),
            scores: if status == Status::Finished { final_scores(progress) } else { None },
            divergence,
        };
        summary.write(self.job.folder)?;
        Ok(summary)
    }
}

fn final_scores(progress: &Progress) -> Option<Scores> {
    let last = progress.records.last()?;
    Some(Scores { train: last.train?, test: last.test? })
}
