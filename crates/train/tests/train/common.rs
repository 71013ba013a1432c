//! What the tests of this crate share: a small run on the built-in digits.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use cpu::Cpu;
use data::Splits;
use graph::Executor;
use isoloss_train::{Config, Job, Observer, Outcome, Record, Start, Step, TrainError, train};
use tempfile::TempDir;

/// 150 training examples, so that batches of 40 leave one of 30: 4 steps an epoch.
pub(crate) fn splits() -> Splits {
    splits_of("digits")
}

/// As many of the digits with these options.
pub(crate) fn splits_of(spec: &str) -> Splits {
    let splits = data::load(spec).expect("the digits are built in");
    Splits { train: splits.train.take(150), test: splits.test.take(90), ..splits }
}

/// 3 epochs of 4 steps.
pub(crate) fn config() -> Config {
    Config {
        optimizer: "adam:lr=0.003".to_owned(),
        schedule: "cosine:warmup=1".to_owned(),
        epochs: 3,
        batch: 40,
        seed: 5,
        checkpoint_seconds: 1e6,
        ..Config::new("mlp:64-16-10", "digits")
    }
}

/// A run folder that is not there yet.
pub(crate) fn new_folder() -> (TempDir, PathBuf) {
    let parent = tempfile::tempdir().expect("a temporary folder");
    let folder = parent.path().join("run");
    (parent, folder)
}

/// Trains on [`splits_of`] the configuration's data.
pub(crate) fn run(
    config: &Config,
    folder: &Path,
    start: Start,
    stop: &AtomicBool,
    observer: &mut dyn Observer,
) -> Result<Outcome, TrainError> {
    run_on(&Cpu::new(), config, folder, start, stop, observer)
}

/// The same on another executor.
pub(crate) fn run_on(
    executor: &dyn Executor,
    config: &Config,
    folder: &Path,
    start: Start,
    stop: &AtomicBool,
    observer: &mut dyn Observer,
) -> Result<Outcome, TrainError> {
    let versions = BTreeMap::from([("isoloss".to_owned(), "0".to_owned())]);
    let splits = splits_of(&config.data);
    let job = Job { config, splits: &splits, folder, start, weights: None, versions: &versions, stop };
    train(executor, &job, observer)
}

/// Trains a new run to its end.
pub(crate) fn run_new(config: &Config, folder: &Path) -> Result<Outcome, TrainError> {
    run(config, folder, Start::New, &AtomicBool::new(false), &mut ())
}

/// Resumes a run to its end.
pub(crate) fn resume(config: &Config, folder: &Path) -> Result<Outcome, TrainError> {
    run(config, folder, Start::Resume, &AtomicBool::new(false), &mut ())
}

/// Trains with the request to stop made during a step.
pub(crate) fn run_until(
    config: &Config,
    folder: &Path,
    start: Start,
    last: u64,
) -> Result<Outcome, TrainError> {
    let stop = AtomicBool::new(false);
    run(config, folder, start, &stop, &mut StopAt { step: last, stop: &stop })
}

/// Asks for a stop during a step.
pub(crate) struct StopAt<'a> {
    pub(crate) step: u64,
    pub(crate) stop: &'a AtomicBool,
}

impl Observer for StopAt<'_> {
    fn step(&mut self, step: Step) {
        if step.number == self.step {
            self.stop.store(true, Ordering::Relaxed);
        }
    }
}

/// The losses of the steps.
#[derive(Default)]
pub(crate) struct Losses(pub(crate) Vec<f64>);

impl Observer for Losses {
    fn step(&mut self, step: Step) {
        self.0.push(step.loss);
    }
}

/// The records without the wall times.
pub(crate) fn timeless(records: &[Record]) -> Vec<Record> {
    records.iter().map(|record| Record { seconds: 0.0, ..record.clone() }).collect()
}

pub(crate) fn bytes(folder: &Path, file: &str) -> Vec<u8> {
    fs::read(folder.join(file)).expect("the file is there")
}

/// The names of the files in a folder, sorted.
pub(crate) fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Copies the files of a folder as they are at this moment: what a kill would leave.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a new folder");
    for file in files(from) {
        fs::copy(from.join(&file), to.join(&file)).expect("a copy");
    }
}
