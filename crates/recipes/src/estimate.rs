//! How long an arm will take, from the measured time of a training step.

use std::{sync::atomic::AtomicBool, time::Instant};

use data::Splits;
use models::Model;
use train::{Job, Observer, Start, Step};

use crate::{RecipeError, compare, pair::Setting, result::PairPlan};

/// Steps that are timed, after as many to warm up. Ours: a few tenths of a second for small networks.
const TIMED_STEPS: u64 = 10;
/// A pass forward as a share of a step, which has a pass backward of about twice its operations besides.
const FORWARD: f64 = 1.0 / 3.0;

/// Stops a training after the warm-up and the timed steps, and remembers when each began.
struct Timer<'a> {
    stop: &'a AtomicBool,
    times: Vec<Instant>,
}

impl Observer for Timer<'_> {
    fn step(&mut self, _: Step) {
        self.times.push(Instant::now());
        if self.times.len() as u64 >= 2 * TIMED_STEPS {
            self.stop.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    }
}

/// The time of one training step of a plan, in seconds, measured on its first steps.
pub(crate) fn step_seconds(setting: Setting<'_>, plan: &PairPlan, data: &Splits) -> Result<f64, RecipeError> {
    let folder = tempfile::tempdir().map_err(|source| RecipeError::Scratch { source })?;
    let stop = AtomicBool::new(false);
    let mut timer = Timer { stop: &stop, times: Vec::new() };
    let job = Job {
        config: &plan.config(plan.seeds[0]),
        splits: data,
        folder: &folder.path().join("run"),
        start: Start::New,
        versions: setting.versions,
        stop: &stop,
    };
    train::train(setting.executor, &job, &mut timer)?;
    let timed = &timer.times[timer.times.len() / 2..];
    let spans = timed.len().saturating_sub(1).max(1);
    Ok((timed[timed.len() - 1] - timed[0]).as_secs_f64() / spans as f64)
}

/// The work on a pair in training steps: both trainings with their tests after every epoch, the points of all segments, and what
/// is learned to match.
pub(crate) fn steps(plan: &PairPlan, data: &Splits) -> Result<f64, RecipeError> {
    let model = Model::parse(&plan.model)?;
    let compared = compare::compared_on(plan, &model, data)?;
    let examples = evaluate::fit(&model, &data.train)?.len();
    let (test, scored) = (compared.test.len() as f64, compared.train.len() as f64);
    let epochs = 2.0 * plan.last_epoch() as f64;
    let trained = epochs * examples.div_ceil(plan.batch) as f64;
    let segments = (plan.epochs.len() * (plan.methods.len() + 2) * plan.points) as f64;
    let re_estimated = if model.buffers().is_empty() { 0.0 } else { scored };
    let forward = epochs * test + segments * (test + scored + re_estimated);
    let learned = plan.learned.map_or([0.0; 2], |descent| descent.work(examples));
    let [descended, judged] = learned.map(|examples| plan.epochs.len() as f64 * examples);
    Ok(trained + (descended + FORWARD * (forward + judged)) / plan.batch as f64)
}
