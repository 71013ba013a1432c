//! Training learns, and does so reproducibly.

use std::{collections::BTreeMap, sync::atomic::AtomicBool};

use crate::common::{bytes, config, files, new_folder, run, run_new, splits, timeless};
use isoloss_train::{
    Config, Job, LOG_FILE, MODEL_FILE, Observer, Outcome, RUN_FILE, Record, Start, Status, Step, Summary,
    read_log, train,
};

#[test]
fn the_digits_are_learnt() {
    let (_parent, folder) = new_folder();
    let splits = data::load("digits").unwrap();
    let optimizer = "adam:lr=0.003".to_owned();
    let config = Config { optimizer, epochs: 8, batch: 64, ..Config::new("mlp:64-64-10", "digits") };
    let (versions, stop) = (BTreeMap::new(), AtomicBool::new(false));
    let job = Job {
        config: &config,
        splits: &splits,
        folder: &folder,
        start: Start::New,
        weights: None,
        versions: &versions,
        stop: &stop,
    };
    let outcome = train(&cpu::Cpu::new(), &job, &mut ()).unwrap();
    let losses: Vec<f64> = outcome.records.iter().map(|record| record.loss).collect();
    assert!(losses.windows(2).all(|pair| pair[1] < pair[0]), "{losses:?}");
    let scores = outcome.summary.scores.unwrap();
    assert!(scores.test.accuracy > Some(0.9) && scores.train.accuracy > Some(0.93), "{scores:?}");
    assert_eq!((scores.test.count, scores.train.count), (360, 1437));
}

#[test]
fn a_run_folder_tells_what_was_done() {
    let (_parent, folder) = new_folder();
    let outcome = run_new(&config(), &folder).unwrap();
    assert_eq!(files(&folder), [LOG_FILE, MODEL_FILE, RUN_FILE]);
    assert_eq!(Summary::read(&folder).unwrap(), outcome.summary);
    assert_eq!(read_log(&folder).unwrap(), outcome.records);
    let Summary { status, parameters, train_examples, epochs, steps, versions, .. } = outcome.summary;
    assert_eq!((status, parameters, train_examples, epochs, steps), (Status::Finished, 1210, 150, 3, 12));
    assert_eq!(versions["isoloss"], "0");
    let (model, params) = models::load_model(&folder, None).unwrap();
    assert_eq!((model.spec(), params), ("mlp:64-16-10".to_owned(), outcome.params));
}

#[test]
fn the_same_seed_gives_the_same_bits_on_one_thread_and_on_two() {
    let folders = [1, 2].map(|threads| {
        let (parent, folder) = new_folder();
        tensor::parallel::with_threads(threads, || run_new(&config(), &folder)).unwrap().unwrap();
        (parent, folder)
    });
    let [(_, one), (_, two)] = &folders;
    assert_eq!(bytes(one, MODEL_FILE), bytes(two, MODEL_FILE));
    assert_eq!(timeless(&read_log(one).unwrap()), timeless(&read_log(two).unwrap()));
}

#[test]
fn another_seed_gives_another_model() {
    let ((_a, one), (_b, two)) = (new_folder(), new_folder());
    let first = run_new(&config(), &one).unwrap();
    let second = run_new(&Config { seed: 6, ..config() }, &two).unwrap();
    assert_ne!(first.params, second.params);
}

#[test]
fn every_method_lowers_either_loss() {
    for (optimizer, loss) in [
        ("sgd:lr=0.3", "cross-entropy"),
        ("sgd:lr=0.02", "squared-error"),
        ("sgd:lr=0.1,momentum=0.9,nesterov,weight_decay=1e-4", "cross-entropy"),
        ("adam:lr=0.01", "squared-error"),
        ("adamw:lr=0.01", "cross-entropy"),
        ("adagrad:lr=0.05", "cross-entropy"),
        ("rmsprop:lr=0.005,momentum=0.5,centered", "squared-error"),
        ("lion:lr=0.003", "cross-entropy"),
        ("sophia:lr=0.01,every=2", "cross-entropy"),
    ] {
        let (_parent, folder) = new_folder();
        let (optimizer, loss) = (optimizer.to_owned(), loss.to_owned());
        let config =
            Config { optimizer, loss: Some(loss), epochs: 8, schedule: "constant".to_owned(), ..config() };
        let records = run_new(&config, &folder).unwrap().records;
        let (first, last) = (records[0].loss, records[7].loss);
        assert!(
            last < 0.8 * first,
            "{} {}: from {first} to {last}",
            config.optimizer,
            config.loss.unwrap_or_default()
        );
    }
}

#[test]
fn the_reference_evaluator_trains_the_same_network() {
    let (splits, versions, stop) = (splits(), BTreeMap::new(), AtomicBool::new(false));
    let config = config();
    let train_on = |executor: &dyn graph::Executor| {
        let (_parent, folder) = new_folder();
        let job = Job {
            config: &config,
            splits: &splits,
            folder: &folder,
            start: Start::New,
            weights: None,
            versions: &versions,
            stop: &stop,
        };
        train(executor, &job, &mut ()).unwrap()
    };
    let (slow, fast) = (train_on(&graph::Reference), train_on(&cpu::Cpu::new()));
    for (slow, fast) in slow.records.iter().zip(&fast.records) {
        assert!((slow.loss - fast.loss).abs() < 1e-4 * slow.loss, "{slow:?} {fast:?}");
    }
}

#[test]
fn scores_are_taken_when_they_are_due() {
    let scored = |evaluate_every, evaluate_train| {
        let (_parent, folder) = new_folder();
        let config = Config { evaluate_every, evaluate_train, ..config() };
        let records = run_new(&config, &folder).unwrap().records;
        let text = |record: &Record| {
            [record.train, record.test]
                .map(|score| if score.is_some() { 'x' } else { '-' })
                .iter()
                .collect::<String>()
        };
        records.iter().map(text).collect::<Vec<_>>()
    };
    assert_eq!(scored(1, false), ["-x", "-x", "xx"]);
    assert_eq!(scored(2, true), ["--", "xx", "xx"]);
    assert_eq!(scored(0, true), ["--", "--", "xx"]);
}

#[derive(Default)]
struct Watcher {
    started: Vec<(u64, u64)>,
    steps: Vec<Step>,
    epochs: Vec<Record>,
    finished: Vec<Status>,
}

impl Observer for Watcher {
    fn started(&mut self, total: u64, done: u64) {
        self.started.push((total, done));
    }
    fn step(&mut self, step: Step) {
        self.steps.push(step);
    }
    fn epoch(&mut self, record: &Record) {
        self.epochs.push(record.clone());
    }
    fn finished(&mut self, outcome: &Outcome) {
        self.finished.push(outcome.summary.status);
    }
}

#[test]
fn an_observer_sees_every_step_and_epoch() {
    let ((_parent, folder), mut watcher) = (new_folder(), Watcher::default());
    let outcome = run(&config(), &folder, Start::New, &AtomicBool::new(false), &mut watcher).unwrap();
    assert_eq!((watcher.started, watcher.finished), (vec![(12, 0)], vec![Status::Finished]));
    assert_eq!(watcher.epochs, outcome.records);
    assert!(watcher.steps.iter().map(|step| step.number).eq(1..=12));
    let mean = |steps: &[Step]| {
        steps.iter().zip([40.0, 40.0, 40.0, 30.0]).map(|(step, size)| step.loss * size).sum::<f64>() / 150.0
    };
    assert!((mean(&watcher.steps[4..8]) - outcome.records[1].loss).abs() < 1e-12);
    let rates: Vec<f64> = watcher.steps.iter().map(|step| step.learning_rate).collect();
    assert!(rates[..5].windows(2).all(|pair| pair[0] < pair[1]), "{rates:?}");
    assert!(rates[4..].windows(2).all(|pair| pair[0] > pair[1]), "{rates:?}");
    assert_eq!(outcome.records[1].learning_rate, rates[7]);
}
