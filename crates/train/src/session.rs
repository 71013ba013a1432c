//! The loop.

use std::{
    borrow::Cow,
    collections::{BTreeMap, VecDeque},
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use data::Batch;
use graph::{Executor, Value};
use models::Params;
use tensor::Tensor;

use crate::{
    Divergence, Job, Observer, Outcome, Record, Status, Step, TrainError,
    averages::{Average, Averaged, Averager},
    keeper::Keeper,
    plan::Plan,
    progress::Progress,
    scorer::{Scorers, first_non_finite},
    step::Steps,
};

/// A run under way.
pub(crate) struct Session<'a> {
    job: &'a Job<'a>,
    plan: &'a Plan,
    steps: Steps<'a>,
    averager: Averager,
    scorers: Scorers<'a>,
    keeper: Keeper<'a>,
    /// Where the executor computes, once a step has been taken.
    state: Vec<Value>,
    /// Steps whose losses have not been looked at, the oldest first.
    pending: VecDeque<Pending>,
    /// How many there may be: [`AHEAD`] on a device, which works on while we prepare; none where we compute ourselves.
    ahead: usize,
    progress: Progress,
    /// Since when wall time has not been added to the progress.
    clock: Instant,
}

/// Steps that a device is given before the loss of the first is waited for. Ours: one is computed and one sent.
const AHEAD: usize = 2;

/// A step that was taken.
struct Pending {
    /// Counted from 0.
    number: u64,
    examples: usize,
    loss: Value,
}

/// How the epochs ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Done,
    Stopped,
}

impl<'a> Session<'a> {
    pub(crate) fn new(
        executor: &'a dyn Executor,
        job: &'a Job<'a>,
        plan: &'a Plan,
        state: Vec<Tensor>,
        progress: Progress,
        saved: Option<u64>,
    ) -> Result<Self, TrainError> {
        evaluate::check_objective(executor, &plan.model, &plan.data.train)?;
        Ok(Self {
            steps: Steps::new(executor, plan)?,
            averager: Averager::new(executor, plan)?,
            scorers: Scorers::new(executor, plan),
            keeper: Keeper::new(job, plan, saved),
            job,
            plan,
            state: state.into_iter().map(Value::Host).collect(),
            pending: VecDeque::new(),
            ahead: if executor.is_remote() { AHEAD } else { 0 },
            progress,
            clock: Instant::now(),
        })
    }

    pub(crate) fn run(mut self, observer: &mut dyn Observer) -> Result<Outcome, TrainError> {
        self.keeper.begin(&self.progress)?;
        self.clock = Instant::now();
        observer.started(self.plan.horizon.steps(), self.progress.step(self.plan.horizon));
        let flow = match self.epochs(observer) {
            Err(error) => return Err(self.give_up(error)),
            Ok(flow) => flow,
        };
        let outcome = if flow == Flow::Done { self.finish()? } else { self.interrupt()? };
        observer.finished(&outcome);
        Ok(outcome)
    }

    fn epochs(&mut self, observer: &mut dyn Observer) -> Result<Flow, TrainError> {
        while !self.plan.is_over(&self.progress.records) {
            if self.epoch(observer)? == Flow::Stopped {
                return Ok(Flow::Stopped);
            }
            let record = self.close_epoch()?;
            observer.epoch(&record);
        }
        Ok(Flow::Done)
    }

    /// Takes the steps that are left of the epoch under way.
    fn epoch(&mut self, observer: &mut dyn Observer) -> Result<Flow, TrainError> {
        let (plan, number) = (self.plan, self.progress.epoch());
        let order = plan.order(number);
        plan.epoch(number, &order, self.progress.batches).with_batches(|batches| {
            while let Some(batch) = batches.next() {
                if self.job.stop.load(Ordering::Relaxed) {
                    self.settle(0, observer)?;
                    return Ok(Flow::Stopped);
                }
                self.step(&batch)?;
                batches.give_back(batch);
                let is_due = self.keeper.is_due();
                self.settle(if is_due { 0 } else { self.ahead }, observer)?;
                if is_due {
                    self.save()?;
                }
            }
            self.settle(0, observer)?;
            Ok(Flow::Done)
        })
    }

    fn step(&mut self, batch: &Batch) -> Result<(), TrainError> {
        let (plan, number) = (self.plan, self.progress.step(self.plan.horizon));
        let mut trained = std::mem::take(&mut self.state);
        let averages = trained.split_off(plan.trained_count);
        let (mut state, loss) = self.steps.take(number, trained, batch)?;
        let averages = self.averager.update(plan, number, averages, &state[..plan.parameter_count])?;
        state.extend(averages);
        self.state = state;
        self.progress.batches += 1;
        self.pending.push_back(Pending { number, examples: batch.count(), loss });
        Ok(())
    }

    /// Waits for losses until no more than `most` steps are pending.
    fn settle(&mut self, most: usize, observer: &mut dyn Observer) -> Result<(), TrainError> {
        while self.pending.len() > most {
            let Some(Pending { number, examples, loss }) = self.pending.pop_front() else { break };
            let loss = loss.tensor()?.to_f64_vec()[0];
            self.progress.loss_sum += loss * examples as f64;
            if !loss.is_finite() {
                return Err(self.diverged_at(number + 1, "the loss", loss));
            }
            observer.step(Step { number: number + 1, loss, learning_rate: self.plan.rate(number) });
        }
        Ok(())
    }

    /// Scores what is due, and ends the epoch in the progress and the log.
    fn close_epoch(&mut self) -> Result<Record, TrainError> {
        let tensors = self.tensors()?;
        if let Some((name, value)) = self.plan.first_non_finite(&tensors) {
            return Err(self.diverged(&name, value));
        }
        let params = self.plan.params(&tensors);
        drop(tensors);
        let step = self.progress.step(self.plan.horizon);
        let mut record = Record {
            epoch: self.progress.epoch() + 1,
            step,
            learning_rate: self.plan.rate(step - 1),
            loss: self.progress.loss_sum / self.plan.data.train.len() as f64,
            train: None,
            test: None,
            sets: BTreeMap::new(),
            seconds: 0.0,
        };
        self.score(&params, &mut record)?;
        self.tick();
        record.seconds = self.progress.seconds;
        self.progress.close(record.clone());
        self.keeper.keep_epoch(&params, &self.progress.records)?;
        Ok(record)
    }

    /// Takes the scores that are due after the epoch under way.
    fn score(&mut self, params: &Params, record: &mut Record) -> Result<(), TrainError> {
        let config = &self.plan.config;
        let (every, last) = (config.evaluate_every, record.epoch == config.epochs);
        if last || (every > 0 && record.epoch.is_multiple_of(every)) {
            record.test = Some(self.scorers.test(params)?);
            record.sets = self.scorers.sets(params)?;
            // Whether the run ends here may depend on the scores just taken.
            let records = [&self.progress.records[..], std::slice::from_ref(record)].concat();
            if config.evaluate_train || self.plan.is_over(&records) {
                record.train = Some(self.scorers.train(params)?);
            }
        }
        match first_non_finite(record.train.as_ref(), record.test.as_ref(), &record.sets) {
            Some((what, loss)) => Err(self.diverged(&what, loss)),
            None => Ok(()),
        }
    }

    /// Adds the wall time since the last call to the progress.
    fn tick(&mut self) {
        let elapsed: Duration = std::mem::replace(&mut self.clock, Instant::now()).elapsed();
        self.progress.seconds += elapsed.as_secs_f64();
    }

    /// Writes a checkpoint, unless the state is not finite: then the loss will soon say so, and the checkpoint
    /// before is the last good one.
    fn save(&mut self) -> Result<(), TrainError> {
        self.tick();
        let state = std::mem::take(&mut self.state).into_iter().map(Value::into_tensor);
        let mut state = state.collect::<Result<Vec<_>, _>>()?;
        if self.plan.first_non_finite(&state).is_none() {
            state = self.keeper.save(state, &self.progress)?;
        }
        self.state = state.into_iter().map(Value::Host).collect();
        Ok(())
    }

    /// The state, copied where it is elsewhere.
    fn tensors(&self) -> Result<Vec<Cow<'_, Tensor>>, TrainError> {
        Ok(self.state.iter().map(Value::tensor).collect::<Result<_, _>>()?)
    }

    fn finish(mut self) -> Result<Outcome, TrainError> {
        let params = self.plan.params(&self.tensors()?);
        let averages = self.averages()?;
        let summary = self.keeper.finish(&params, averages, &self.progress)?;
        Ok(Outcome { summary, records: self.progress.records, params })
    }

    fn averages(&mut self) -> Result<Vec<Averaged>, TrainError> {
        let (plan, epochs) = (self.plan, self.progress.epoch());
        // An early end may come before the first epoch that is averaged.
        let begun = plan.averages.iter().filter(|average| average.has_begun(&plan.config, epochs));
        let tensors = self.tensors()?;
        let found: Vec<(Average, Params)> =
            begun.map(|&average| (average, plan.averaged(&tensors, average))).collect();
        drop(tensors);
        let averaged = found.into_iter().map(|(average, params)| {
            let (params, scores) = self.scorers.averaged(&params)?;
            Ok(Averaged { average, params, scores })
        });
        averaged.collect()
    }

    fn interrupt(mut self) -> Result<Outcome, TrainError> {
        self.save()?;
        let summary = self.keeper.end(Status::Interrupted, &self.progress, None)?;
        Ok(Outcome { summary, params: self.plan.params(&self.tensors()?), records: self.progress.records })
    }

    fn diverged(&self, what: &str, value: f64) -> TrainError {
        self.diverged_at(self.progress.step(self.plan.horizon), what, value)
    }

    fn diverged_at(&self, step: u64, what: &str, value: f64) -> TrainError {
        TrainError::Diverged {
            epoch: self.progress.epoch() + 1,
            step,
            what: what.to_owned(),
            value,
            checkpoint: self.keeper.saved(),
        }
    }

    /// Records a divergence; other errors leave the run as one that was killed.
    fn give_up(&mut self, error: TrainError) -> TrainError {
        let TrainError::Diverged { epoch, step, ref what, value, checkpoint } = error else { return error };
        let divergence = Divergence { epoch, step, what: what.clone(), value: value.to_string(), checkpoint };
        match self.keeper.end(Status::Diverged, &self.progress, Some(divergence)) {
            Ok(_) => error,
            Err(unwritten) => unwritten,
        }
    }
}
