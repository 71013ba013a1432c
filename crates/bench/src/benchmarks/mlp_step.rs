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

const CLASSES: usize = 10;

/// Epochs that are not timed.
const WARM_UP_EPOCHS: usize = 2;

/// Runs in a turn, as many as the peers make.
const RUNS: usize = 7;

/// A step to be timed.
pub(super) struct Setup {
    case: &'static str,
    model: &'static str,
    batch: usize,
    /// Batches of the data set, and so steps of an epoch.
    batches: usize,
    /// Epochs whose steps make one run: about the steps of the peers' runs.
    epochs_per_run: usize,
    torch: Bound,
    jax: Option<Bound>,
    /// Arguments for the peers.
    sizes: &'static str,
    torch_steps: &'static str,
    jax_passes: &'static str,
}

/// The network of all benchmarks.
const LARGE: Setup = Setup {
    case: "training step",
    model: MODEL,
    batch: BATCH,
    batches: 8,
    epochs_per_run: 6,
    torch: Bound::at_most(0.6),
    jax: Some(Bound::at_most(1.0)),
    sizes: "784-512-512-512-10",
    torch_steps: "40",
    jax_passes: "5",
};

/// One so small that what is around the arithmetic decides.
pub(super) const SMALL: Setup = Setup {
    case: "small-mlp step",
    model: "mlp:784-16-10-10",
    batch: 20,
    batches: 101,
    epochs_per_run: 6,
    torch: Bound::at_most(0.3),
    jax: None,
    sizes: "784-16-10-10",
    torch_steps: "600",
    jax_passes: "75",
};

pub(super) fn run(stage: &mut Stage<'_>) -> Result<Benchmark, BenchError> {
    let peak = Peak::measure(stage.executor)?;
    let (case, played, mut checks) = contest(stage, Name::MlpStep.name(), &LARGE, peak)?;
    checks["peak"] = json!(peak);
    let title = format!("one step of {MODEL}, batch {BATCH}, Adam, f32");
    Ok(Benchmark::new(Name::MlpStep, &title, vec![case], &played, Vec::new(), checks))
}

/// Ours and the peers in turn; what the sides did, and their losses.
pub(super) fn contest(
    stage: &mut Stage<'_>,
    benchmark: &str,
    setup: &Setup,
    peak: Peak,
) -> Result<(Case, Vec<Played>, serde_json::Value), BenchError> {
    let data = random_data(setup, Key::new(stage.options.seed))?;
    let (mut times, mut losses) = (Vec::new(), Vec::new());
    let played = stage.play(benchmark, calls(setup), |stage, round| {
        let clock = turn(stage, setup, &data, round)?;
        times.extend(clock.runs_ms(setup));
        losses.push(clock.losses);
        Ok(())
    })?;
    let mut case = Case::new(setup.case, times, &played)?;
    case.floor = Some(floor(&Model::parse(setup.model)?, setup.batch, peak));
    let checks = json!({
        "first_and_last_loss": losses,
        "first_and_last_loss_of_peers": peer_losses(&played),
    });
    Ok((case, played, checks))
}

fn calls(setup: &Setup) -> Vec<Call> {
    let batch = setup.batch.to_string();
    let sizes = ["--sizes", setup.sizes, "--batch", &batch];
    let torch = |name, mode| {
        let arguments = [&["--mode", mode, "--steps", setup.torch_steps], &sizes[..]].concat();
        Call::new(name, "torch_mlp_step.py", &arguments).with_bound(setup.torch).with_case(setup.case)
    };
    let jax = Call::new("JAX", "jax_mlp_step.py", &[&["--passes", setup.jax_passes], &sizes[..]].concat());
    let jax = Call { bound: setup.jax, ..jax.with_case(setup.case) };
    vec![torch("PyTorch, eager", "eager"), torch("PyTorch, compiled", "compile"), jax]
}

fn random_data(setup: &Setup, key: Key) -> Result<Splits, BenchError> {
    let (pixels, classes) = (key.child("pixels"), key.child("labels"));
    let features = Model::parse(setup.model)?.input_features();
    let part = |examples: usize| {
        let x = Tensor::from_fn([examples, features], |i| pixels.uniform(i as u64) as f32);
        let labels = Tensor::from_fn([examples], |i| classes.below(i as u64, CLASSES as u64) as i32);
        Dataset::new("random", CLASSES, x, labels)
    };
    Ok(Splits::new("random", part(setup.batch * setup.batches)?, part(setup.batch)?))
}

/// Trains once, with the loop and the step that every training has.
fn turn(stage: &Stage<'_>, setup: &Setup, data: &Splits, round: usize) -> Result<Clock, BenchError> {
    let folder = temporary_folder()?;
    let config = Config {
        epochs: WARM_UP_EPOCHS + RUNS * setup.epochs_per_run,
        batch: setup.batch,
        seed: stage.options.seed + round as u64,
        evaluate_every: 0,
        checkpoint_seconds: 1e9,
        ..Config::new(setup.model, "random")
    };
    let mut clock = Clock::default();
    train::train(stage.executor, &job(&config, data, folder.path()), &mut clock)?;
    Ok(clock)
}

fn job<'a>(config: &'a Config, splits: &'a Splits, folder: &'a Path) -> Job<'a> {
    static NEVER: AtomicBool = AtomicBool::new(false);
    static NO_VERSIONS: BTreeMap<String, String> = BTreeMap::new();
    Job { config, splits, folder, start: Start::New, weights: None, versions: &NO_VERSIONS, stop: &NEVER }
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
    fn runs_ms(&self, setup: &Setup) -> Vec<f64> {
        let timed = &self.steps_ms[(WARM_UP_EPOCHS * (setup.batches - 1)).min(self.steps_ms.len())..];
        timed
            .chunks(setup.epochs_per_run * (setup.batches - 1))
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
fn floor(model: &Model, batch: usize, peak: Peak) -> Floor {
    let weights: Vec<usize> = model
        .parameters()
        .iter()
        .filter(|(_, shape)| shape.rank() == 2)
        .map(|(_, shape)| shape.elements())
        .collect();
    let all: usize = weights.iter().sum();
    let products = 2 * all + (all - weights[0]);
    let touched = 7 * model.elements() * size_of::<f32>();
    peak.floor((2 * batch * products) as f64, touched as f64)
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
        let floor = floor(&model, 500, Peak { gflops: 1.0, gbytes_per_second: 1e300 });
        let (first, rest) = (784.0 * 512.0, 2.0 * 512.0 * 512.0 + 512.0 * 10.0);
        assert!((floor.ms / 1e3 - 2.0 * 500.0 * (2.0 * first + 3.0 * rest) / 1e9).abs() < 1e-9);
        let moved = super::floor(&model, 500, Peak { gflops: 1e300, gbytes_per_second: 1.0 });
        assert!((moved.ms - 7.0 * 4.0 * 932_362.0 / 1e6).abs() < 1e-9);
    }

    #[test]
    fn runs_are_means_without_the_warm_up() {
        let steps = |count: usize, ms: f64| std::iter::repeat_n(ms, count * (LARGE.batches - 1));
        let steps_ms = steps(WARM_UP_EPOCHS, 99.0)
            .chain(steps(LARGE.epochs_per_run, 2.0))
            .chain(steps(LARGE.epochs_per_run, 4.0))
            .collect();
        assert_eq!(Clock { steps_ms, ..Clock::default() }.runs_ms(&LARGE), [2.0, 4.0]);
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
            sets: BTreeMap::new(),
            seconds: 0.0,
        };
        clock.epoch(&record);
        clock.step(step(4));
        assert_eq!((clock.steps_ms.len(), clock.losses), (1, [1.0, 0.25]));
    }
}
