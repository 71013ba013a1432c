//! An interrupted or killed run, resumed, ends with the bits of one that was not.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

use crate::common::{
    StopAt, bytes, config, copy, files, new_folder, resume, run, run_new, run_until, splits, timeless,
};
use isoloss_train::{
    CHECKPOINT_FILE, Config, Job, LOG_FILE, MODEL_FILE, Observer, Outcome, RUN_FILE, Start, Status, Step,
    Summary, TrainError, read_log, train,
};
use models::Params;
use tensor::Tensor;

/// Bytes of the model and the records of a run that was never interrupted.
struct Straight {
    model: Vec<u8>,
    outcome: Outcome,
}

fn straight(config: &Config) -> Straight {
    let (_parent, folder) = new_folder();
    let outcome = run_new(config, &folder).expect("the run finishes");
    Straight { model: bytes(&folder, MODEL_FILE), outcome }
}

fn check_equal(folder: &Path, resumed: &Outcome, straight: &Straight) {
    assert_eq!(bytes(folder, MODEL_FILE), straight.model);
    let log = read_log(folder).expect("a whole log");
    assert_eq!(timeless(&log), timeless(&straight.outcome.records));
    assert_eq!(log, resumed.records);
    assert_eq!(resumed.summary.scores, straight.outcome.summary.scores);
    assert_eq!(files(folder), [LOG_FILE, MODEL_FILE, RUN_FILE]);
}

#[test]
fn a_stopped_run_goes_on_to_the_same_bits_wherever_it_was_stopped() {
    let straight = straight(&config());
    for last in [1, 3, 4, 5, 11] {
        let (_parent, folder) = new_folder();
        let stopped = run_until(&config(), &folder, Start::New, last).unwrap();
        assert_eq!((stopped.summary.status, stopped.summary.steps), (Status::Interrupted, last));
        assert_eq!(Summary::read(&folder).unwrap(), stopped.summary);
        assert_eq!(files(&folder), [CHECKPOINT_FILE, LOG_FILE, RUN_FILE]);
        check_equal(&folder, &resume(&config(), &folder).unwrap(), &straight);
    }
}

#[test]
fn a_stop_before_the_first_step_keeps_the_beginning() {
    let (_parent, folder) = new_folder();
    let stopped = run(&config(), &folder, Start::New, &AtomicBool::new(true), &mut ()).unwrap();
    assert_eq!((stopped.summary.status, stopped.summary.steps), (Status::Interrupted, 0));
    check_equal(&folder, &resume(&config(), &folder).unwrap(), &straight(&config()));
}

#[test]
fn many_stops_change_nothing() {
    for optimizer in ["sgd:lr=0.1,momentum=0.9,nesterov", "adamw:lr=0.01"] {
        let config = Config { optimizer: optimizer.to_owned(), ..config() };
        let (_parent, folder) = new_folder();
        let mut outcome = run_until(&config, &folder, Start::NewOrResume, 2).unwrap();
        while outcome.summary.status == Status::Interrupted {
            outcome = run_until(&config, &folder, Start::NewOrResume, outcome.summary.steps + 2).unwrap();
        }
        check_equal(&folder, &outcome, &straight(&config));
    }
}

/// Keeps a copy of the run folder after every step: what a kill would leave.
struct Copies {
    from: PathBuf,
    to: PathBuf,
}

impl Observer for Copies {
    fn step(&mut self, step: Step) {
        copy(&self.from, &self.to.join(step.number.to_string()));
    }
}

#[test]
fn a_killed_run_goes_on_to_the_same_bits_whenever_it_was_killed() {
    for checkpoint_seconds in [0.0, 1e6] {
        let config = Config { checkpoint_seconds, ..config() };
        let (parent, folder) = new_folder();
        let mut copies = Copies { from: folder.clone(), to: parent.path().join("copies") };
        let outcome = run(&config, &folder, Start::New, &AtomicBool::new(false), &mut copies).unwrap();
        let straight = Straight { model: bytes(&folder, MODEL_FILE), outcome };
        for step in 1..=12 {
            let left = copies.to.join(step.to_string());
            assert_eq!(left.join(CHECKPOINT_FILE).exists(), checkpoint_seconds == 0.0 && step > 1);
            assert_eq!(Summary::read(&left).unwrap().status, Status::Running);
            tear_the_log(&left);
            check_equal(&left, &resume(&config, &left).unwrap(), &straight);
        }
    }
}

/// Half a line, as a kill in the middle of a write may leave it.
fn tear_the_log(folder: &Path) {
    let mut log = fs::OpenOptions::new().append(true).open(folder.join(LOG_FILE)).expect("a log");
    log.write_all(b"{\"epoch\":9,\"st").expect("half a line");
}

#[test]
fn a_log_ahead_of_the_checkpoint_is_cut_back() {
    let (_parent, folder) = new_folder();
    run_until(&config(), &folder, Start::New, 5).unwrap();
    let early = bytes(&folder, CHECKPOINT_FILE);
    run_until(&config(), &folder, Start::Resume, 10).unwrap();
    assert_eq!(read_log(&folder).unwrap().len(), 2);
    fs::write(folder.join(CHECKPOINT_FILE), early).unwrap();
    run_until(&config(), &folder, Start::Resume, 6).unwrap();
    assert_eq!(read_log(&folder).unwrap().len(), 1);
    check_equal(&folder, &resume(&config(), &folder).unwrap(), &straight(&config()));
}

#[test]
fn a_lost_log_is_restored() {
    let (_parent, folder) = new_folder();
    run_until(&config(), &folder, Start::New, 9).unwrap();
    fs::remove_file(folder.join(LOG_FILE)).unwrap();
    check_equal(&folder, &resume(&config(), &folder).unwrap(), &straight(&config()));
}

#[test]
fn a_kill_between_the_model_and_the_summary_is_mended() {
    let (_parent, folder) = new_folder();
    let straight = straight(&config());
    run_until(&config(), &folder, Start::New, 11).unwrap();
    fs::write(folder.join(MODEL_FILE), &straight.model).unwrap();
    check_equal(&folder, &resume(&config(), &folder).unwrap(), &straight);
}

struct NoSteps;

impl Observer for NoSteps {
    fn step(&mut self, _: Step) {
        panic!("a finished run takes no steps");
    }
}

#[test]
fn a_finished_run_is_returned_as_it_is() {
    let (_parent, folder) = new_folder();
    let first = run_new(&config(), &folder).unwrap();
    for start in [Start::Resume, Start::NewOrResume] {
        let again = run(&config(), &folder, start, &AtomicBool::new(false), &mut NoSteps).unwrap();
        assert_eq!((again.params, again.records), (first.params.clone(), first.records.clone()));
        assert_eq!(again.summary, first.summary);
    }
}

#[test]
fn the_time_between_checkpoints_may_change() {
    let (_parent, folder) = new_folder();
    run_until(&config(), &folder, Start::New, 6).unwrap();
    let config = Config { checkpoint_seconds: 0.0, ..config() };
    check_equal(&folder, &resume(&config, &folder).unwrap(), &straight(&config));
}

/// A run that begins with given weights.
fn from(
    weights: Option<&Params>,
    config: &Config,
    folder: &Path,
    start: Start,
    last: u64,
) -> Result<Outcome, TrainError> {
    let (stop, versions, splits) = (AtomicBool::new(last == 0), BTreeMap::new(), splits());
    let job = Job { config, splits: &splits, folder, start, weights, versions: &versions, stop: &stop };
    train(&cpu::Cpu::new(), &job, &mut StopAt { step: last, stop: &stop })
}

#[test]
fn given_weights_are_the_beginning_and_a_run_of_others_is_another() {
    let drawn = straight(&config()).outcome.params;
    let config = Config { weights: Some(drawn.fingerprint()), ..config() };
    let (_parent, folder) = new_folder();
    let begun = from(Some(&drawn), &config, &folder, Start::New, 0).unwrap();
    assert!(begun.params == drawn, "stopped before its first step");
    assert_eq!(begun.summary.config.init, "file");
    let others = drawn
        .with_values(drawn.values().map(|tensor| Tensor::full(tensor.shape().clone(), 0.5f32)).collect());
    let error =
        |weights, config: &Config, start| from(weights, config, &folder, start, 99).unwrap_err().to_string();
    let other = Config { weights: Some(others.fingerprint()), ..config.clone() };
    assert!(error(Some(&others), &other, Start::Resume).contains("recorded has weights"), "another run");
    let whole = from(None, &config, &folder, Start::Resume, 99).unwrap();
    let (_parent, straight) = new_folder();
    assert_eq!(from(Some(&drawn), &config, &straight, Start::New, 99).unwrap().params, whole.params);
    let (_parent, folder) = new_folder();
    let error = |weights| from(weights, &config, &folder, Start::New, 99).unwrap_err().to_string();
    assert!(error(None).contains("but no weights were given"), "{}", error(None));
    assert!(error(Some(&others)).contains("but weights with the fingerprint"), "{}", error(Some(&others)));
}
