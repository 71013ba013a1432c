//! An epoch of a residual network on CIFAR-10: data, augmentation and steps.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use isoloss::{
    data,
    train::{self, Config, Job, Observer, Record, Start},
};
use serde_json::json;

use super::temporary_folder;
use crate::{BenchError, Benchmark, Bound, Case, Name, measure::Stage, peer::Call};

const CASE: &str = "one epoch";
const BATCH: usize = 128;
const OPTIMIZER: &str = "sgd:lr=0.1,momentum=0.9,nesterov,weight_decay=0.0005";

/// Most of the peer's time that ours may take.
const BOUND: f64 = 0.85;

pub(super) fn run(stage: &mut Stage<'_>) -> Result<Benchmark, BenchError> {
    let missing = || BenchError::needs_cifar("nothing");
    let folder = stage.options.cifar.clone().ok_or_else(missing)?;
    let spec = format!("cifar10:{},normalize=on,augment=crop:4+flip", folder.display());
    let splits = data::load(&spec)?;
    let (mut times, mut losses) = (Vec::new(), Vec::new());
    let played = stage.play(Name::CifarEpoch.name(), calls(&folder), |stage, round| {
        let record = epoch(stage, &spec, &splits, round)?;
        times.push(1e3 * record.seconds);
        losses.push(record.loss);
        Ok(())
    })?;
    let case = Case::new(CASE, times, &played)?;
    let title =
        "One epoch of ResNet-20 on CIFAR-10 with augmentation against PyTorch's loop over tensors in memory";
    let checks = json!({ "loss": losses });
    Ok(Benchmark::new(Name::CifarEpoch, title, vec![case], &played, Vec::new(), checks))
}

fn calls(folder: &Path) -> Vec<Call> {
    let call = |name, mode| {
        Call::new(name, "torch_cifar_epoch.py", &["--mode", mode])
            .with_path("--data", folder)
            .with_bound(Bound::at_most(BOUND))
            .with_case(CASE)
    };
    vec![call("PyTorch, channels last", "eager"), call("PyTorch, compiled", "compile")]
}

/// Trains for one epoch, with the loop, the loader and the step that every training has; preparing the step is not timed.
fn epoch(stage: &Stage<'_>, spec: &str, splits: &data::Splits, round: usize) -> Result<Record, BenchError> {
    let folder = temporary_folder()?;
    let config = Config {
        optimizer: OPTIMIZER.to_owned(),
        // The last epoch would be scored.
        epochs: 2,
        batch: BATCH,
        seed: stage.options.seed + round as u64,
        evaluate_every: 0,
        checkpoint_seconds: 1e9,
        ..Config::new("resnet20", spec)
    };
    let stop = AtomicBool::new(false);
    let job = Job {
        config: &config,
        splits,
        folder: folder.path(),
        start: Start::New,
        weights: None,
        versions: &BTreeMap::new(),
        stop: &stop,
    };
    let mut first = First { stop: &stop, record: None };
    train::train(stage.executor, &job, &mut first)?;
    Ok(first.record.unwrap_or_else(|| unreachable!("an epoch was asked for")))
}

/// Keeps the record of the first epoch, and asks for an end after it.
struct First<'a> {
    stop: &'a AtomicBool,
    record: Option<Record>,
}

impl Observer for First<'_> {
    fn epoch(&mut self, record: &Record) {
        self.record.get_or_insert_with(|| record.clone());
        self.stop.store(true, Ordering::Relaxed);
    }
}
