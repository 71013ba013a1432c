//! How long an arm will take, from the measured time of a training step.

use std::{sync::atomic::AtomicBool, time::Instant};

use data::Splits;
use train::{Config, Job, Observer, Start, Step};

use crate::{RecipeError, setting::Setting};

/// Steps that are timed, after as many to warm up. Ours: a few tenths of a second for small networks.
const TIMED_STEPS: u64 = 10;
/// A pass forward as a share of a step, which has a pass backward of about twice its operations besides.
pub(crate) const FORWARD: f64 = 1.0 / 3.0;

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

/// The time of one training step, in seconds, measured on the first steps of a run.
pub(crate) fn step_seconds(setting: Setting<'_>, config: &Config, data: &Splits) -> Result<f64, RecipeError> {
    let folder = tempfile::tempdir().map_err(|source| RecipeError::Scratch { source })?;
    let stop = AtomicBool::new(false);
    let mut timer = Timer { stop: &stop, times: Vec::new() };
    let job = Job {
        config,
        splits: data,
        folder: &folder.path().join("run"),
        start: Start::New,
        weights: None,
        versions: setting.versions,
        stop: &stop,
    };
    train::train(setting.executor, &job, &mut timer)?;
    let timed = &timer.times[timer.times.len() / 2..];
    let spans = timed.len().saturating_sub(1).max(1);
    Ok((timed[timed.len() - 1] - timed[0]).as_secs_f64() / spans as f64)
}
