//! One step of training, as `isoloss train` takes it.

use std::{collections::BTreeMap, path::Path, sync::atomic::AtomicBool, time::Instant};

use isoloss::{
    data::{Dataset, Splits},
    models::Model,
    tensor::{Key, Tensor},
    train::{self, Config, Job, Observer, Record, Start, Step},
};
use serde_json::json;

use super::{BATCH, MODEL, temporary_folder};
use crate::{
    BenchError, Benchmark, Bound, Case, Floor, Name,
    measure::{Played, Stage},
    peak::Peak,
    peer::Call,
};

const CASE: &str = "training step";
const CLASSES: usize = 10;

/// Batches of the data set, and so steps of an epoch; the peers have as many.
const BATCHES: usize = 8;

/// Epochs that are not timed.
const WARM_UP_EPOCHS: usize = 2;

/// Epochs whose steps make one run: about the 40 steps of the peers' runs.
const EPOCHS_PER_RUN: usize = 6;

/// Runs in a turn, as many as the peers make.
const RUNS: usize = 7;

pub(super) fn run(stage: &mut Stage<'_>) -> Result<Benchmark, BenchError> {
    let peak = Peak::measure(stage.executor)?;
    let data = random_data(Key::new(stage.options.seed))?;
    let (mut times, mut losses) = (Vec::new(), Vec::new());
    let played = stage.play(Name::MlpStep.name(), calls(), |stage, round| {
        let clock = turn(stage, &data, round)?;
        times.extend(clock.runs_ms());
        losses.push(clock.losses);
        Ok(())
    })?;
    let mut case = Case::new(CASE, times, &played)?;
    case.floor = Some(floor(&Model::parse(MODEL)?, peak));
    let checks = json!({
        "peak": peak,
        "first_and_last_loss": losses,
        "first_and_last_loss_of_peers": peer_losses(&played),
    });
    let title = format!("one step of {MODEL}, batch {BATCH}, Adam, f32");
    Ok(Benchmark::new(Name::MlpStep, &title, vec![case], &played, Vec::new(), checks))
}

fn calls() -> Vec<Call> {
    let script = "torch_mlp_step.py";
    vec![
        Call::new("PyTorch, eager", script, &["--mode", "eager"])
            .with_bound(Bound::at_most(0.6))
            .with_case(CASE),
        Call::new("PyTorch, compiled", script, &["--mode", "compile"])
            .with_bound(Bound::at_most(0.6))
            .with_case(CASE),
        Call::new("JAX", "jax_mlp_step.py", &[]).with_bound(Bound::at_most(1.0)).with_case(CASE),
    ]
}

fn random_data(key: Key) -> Result<Splits, BenchError> {
    let (pixels, classes) = (key.child("pixels"), key.child("labels"));
    let features = Model::parse(MODEL)?.input_features();
    let part = |examples: usize| {
        let x = Tensor::from_fn([examples, features], |i| pixels.uniform(i as u64) as f32);
        let labels = Tensor::from_fn([examples], |i| classes.below(i as u64, CLASSES as u64) as i32);
        Dataset::new("random", CLASSES, x, labels)
    };
    Ok(Splits { spec: "random".to_owned(), train: part(BATCH * BATCHES)?, test: part(BATCH)? })
}

/// Trains once, with the loop and the step that every training has.
fn turn(stage: &Stage<'_>, data: &Splits, round: usize) -> Result<Clock, BenchError> {
    let folder = temporary_folder()?;
    let config = Config {
        epochs: WARM_UP_EPOCHS + RUNS * EPOCHS_PER_RUN,
        batch: BATCH,
        seed: stage.options.seed + round as u64,
        evaluate_every: 0,
        checkpoint_seconds: 1e9,
        ..Config::new(MODEL, "random")
    };
    let mut clock = Clock::default();
    train::train(stage.executor, &job(&config, data, folder.path()), &mut clock)?;
    Ok(clock)
}

fn job<'a>(config: &'a Config, splits: &'a Splits, folder: &'a Path) -> Job<'a> {
    static NEVER: AtomicBool = AtomicBool::new(false);
    static NO_VERSIONS: BTreeMap<String, String> = BTreeMap::new();
    Job { config, splits, folder, start: Start::New, versions: &NO_VERSIONS, stop: &NEVER }
}

/// Takes the time from the end of one step to the end of the next. What lies between two epochs is no step: there the
/// order is drawn and the log written.
#[derive(Default)]
struct Clock {
    last: Option<Instant>,
    steps_ms: Vec<f64>,
    losses: [f64; 2],
}

impl Clock {
    /// The mean step of each run, without those that warm up.
    fn runs_ms(&self) -> Vec<f64> {
        let timed = &self.steps_ms[(WARM_UP_EPOCHS * (BATCHES - 1)).min(self.steps_ms.len())..];
        timed
            .chunks(EPOCHS_PER_RUN * (BATCHES - 1))
            .map(|run| run.iter().sum::<f64>() / run.len() as f64)
            .collect()
    }
}

impl Observer for Clock {
    fn step(&mut self, step: Step) {
        let now = Instant::now();
        self.steps_ms.extend(self.last.map(|last| 1e3 * now.duration_since(last).as_secs_f64()));
        self.last = Some(now);
        self.losses[usize::from(step.number > 1)] = step.loss;
    }

    fn epoch(&mut self, _: &Record) {
        self.last = None;
    }
}

/// What a step cannot do without: the matrix products of the forward pass and of the gradient of every weight, the
/// products that carry the gradient to the activations below (not to the data), and one reading and writing of parameters
/// and moments and one reading of gradients by Adam.
fn floor(model: &Model, peak: Peak) -> Floor {
    let weights: Vec<usize> = model
        .parameters()
        .iter()
        .filter(|(_, shape)| shape.rank() == 2)
        .map(|(_, shape)| shape.elements())
        .collect();
    let all: usize = weights.iter().sum();
    let products = 2 * all + (all - weights[0]);
    let touched = 7 * model.elements() * size_of::<f32>();
    peak.floor((2 * BATCH * products) as f64, touched as f64)
}

fn peer_losses(played: &[Played]) -> serde_json::Value {
    let losses = played.iter().map(|side| {
        let pair = |checks: &serde_json::Value| json!([checks["first_loss"], checks["last_loss"]]);
        let turns: Vec<_> = side.reports.iter().map(|report| pair(&report.raw["checks"])).collect();
        (side.call.name.to_owned(), json!(turns))
    });
    losses.collect::<serde_json::Map<_, _>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_counts_every_product_once_but_the_gradient_of_the_data() {
        let model = Model::parse(MODEL).unwrap();
        let floor = floor(&model, Peak { gflops: 1.0, gbytes_per_second: 1e300 });
        let (first, rest) = (784.0 * 512.0, 2.0 * 512.0 * 512.0 + 512.0 * 10.0);
        assert!((floor.ms / 1e3 - 2.0 * 500.0 * (2.0 * first + 3.0 * rest) / 1e9).abs() < 1e-9);
        let moved = super::floor(&model, Peak { gflops: 1e300, gbytes_per_second: 1.0 });
        assert!((moved.ms - 7.0 * 4.0 * 932_362.0 / 1e6).abs() < 1e-9);
    }

    #[test]
    fn runs_are_means_without_the_warm_up() {
        let steps = |count: usize, ms: f64| std::iter::repeat_n(ms, count * (BATCHES - 1));
        let steps_ms = steps(WARM_UP_EPOCHS, 99.0)
            .chain(steps(EPOCHS_PER_RUN, 2.0))
            .chain(steps(EPOCHS_PER_RUN, 4.0))
            .collect();
        assert_eq!(Clock { steps_ms, ..Clock::default() }.runs_ms(), [2.0, 4.0]);
    }

    #[test]
    fn the_time_between_epochs_is_not_a_step() {
        let mut clock = Clock::default();
        let step = |number| Step { number, loss: 1.0 / number as f64, learning_rate: 0.1 };
        clock.step(step(1));
        clock.step(step(2));
        let record = Record {
            epoch: 1,
            step: 2,
            learning_rate: 0.1,
            loss: 1.0,
            train: None,
            test: None,
            seconds: 0.0,
        };
        clock.epoch(&record);
        clock.step(step(4));
        assert_eq!((clock.steps_ms.len(), clock.losses), (1, [1.0, 0.25]));
    }
}
