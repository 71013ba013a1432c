//! What a run leaves on disk.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use data::Input;
use models::{Params, weights};
use tensor::Tensor;

use crate::{
    Best, Divergence, Job, Record, Scores, Status, Summary, TrainError,
    averages::Averaged,
    checkpoint, events,
    folder::{self, BEST_FILE, CHECKPOINT_FILE, EVENTS_FILE, MODEL_FILE},
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
        if self.plan.config.tensorboard {
            let path = self.job.folder.join(EVENTS_FILE);
            tensor::atomic_file::write(&path, &events::file(&progress.records))?;
        }
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

    /// Writes what is kept of the last of these epochs: its weights where it is the best so far, and its line in the log.
    pub(crate) fn keep_epoch(&self, params: &Params, records: &[Record]) -> Result<(), TrainError> {
        let Some(last) = records.last() else { return Ok(()) };
        let best = self.plan.watched.as_ref().and_then(|watched| watched.best(records));
        if self.plan.config.keep_best && best.is_some_and(|best| best.epoch == last.epoch) {
            self.write_weights(BEST_FILE, params)?;
        }
        if self.plan.config.snapshots.contains(&last.epoch) {
            self.write_weights(&folder::snapshot_file(last.epoch), params)?;
        }
        if self.plan.config.tensorboard {
            folder::append(self.job.folder.join(EVENTS_FILE), &events::epoch(records))?;
        }
        folder::append_log(self.job.folder, last)
    }

    /// Writes the models, then the summary, and removes the checkpoint when nothing needs it any more.
    pub(crate) fn finish(
        &self,
        params: &Params,
        averages: Vec<Averaged>,
        progress: &Progress,
    ) -> Result<Summary, TrainError> {
        self.write_weights(MODEL_FILE, params)?;
        let mut summary = self.summary(Status::Finished, progress);
        for Averaged { average, params, scores } in averages {
            self.write_weights(average.file(), &params)?;
            summary.averages.insert(average.name().to_owned(), scores);
        }
        summary.write(self.job.folder)?;
        folder::remove(self.job.folder.join(CHECKPOINT_FILE))?;
        Ok(summary)
    }

    fn write_weights(&self, file: &str, params: &Params) -> Result<(), TrainError> {
        let mut metadata = self.plan.model.metadata();
        metadata.insert(checkpoint::TRAINING.to_owned(), self.plan.config.identity()?);
        if let Some(input) = self.input() {
            metadata.insert(Input::KEY.to_owned(), input.to_json());
        }
        Ok(weights::save(&self.job.folder.join(file), params, &metadata)?)
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
        let summary = Summary { divergence, ..self.summary(status, progress) };
        summary.write(self.job.folder)?;
        Ok(summary)
    }

    fn summary(&self, status: Status, progress: &Progress) -> Summary {
        Summary {
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
            averages: BTreeMap::new(),
            best: self.best(progress),
            divergence: None,
        }
    }

    fn best(&self, progress: &Progress) -> Option<Best> {
        let watched = self.plan.watched.as_ref()?;
        let record = watched.best(&progress.records)?;
        Some(Best { epoch: record.epoch, watch: watched.to_string(), value: watched.value(record)? })
    }
}

fn final_scores(progress: &Progress) -> Option<Scores> {
    let last = progress.records.last()?;
    Some(Scores { train: last.train?, test: last.test?, sets: last.sets.clone() })
}
