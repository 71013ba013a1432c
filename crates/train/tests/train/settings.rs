//! Averages, best epochs, early ends, further evaluation sets, clipping and second-order steps.

use std::{collections::BTreeMap, sync::atomic::AtomicBool};

use isoloss_train::{
    BEST_FILE, Config, EMA_FILE, EVENTS_FILE, LOG_FILE, MODEL_FILE, RUN_FILE, SWA_FILE, Start, Status,
    Summary, read_log, snapshot_file,
};
use models::{Loss, Model, Params, weights};
use tensor::Tensor;

use crate::common::{
    Losses, bytes, config, files, new_folder, resume, run, run_new, run_until, splits_of, timeless,
};

/// Batch normalisation, an augmented data set and everything that a run can be asked for besides.
fn everything() -> Config {
    Config {
        model: "mlp:64-16-10,norm=batch".to_owned(),
        data: "digits:normalize=on,augment=crop:1+flip+rotate".to_owned(),
        optimizer: "sophia:lr=0.003,every=3".to_owned(),
        loss: Some("cross-entropy:smoothing=0.1".to_owned()),
        clip_norm: Some(0.5),
        ema: Some(0.8),
        swa: Some(2),
        evaluate: BTreeMap::from([("noisy".to_owned(), "digits:shift=noise:5".to_owned())]),
        keep_best: true,
        watch: Some("noisy.loss".to_owned()),
        tensorboard: true,
        epochs: 4,
        ..config()
    }
}

fn load(folder: &std::path::Path, file: &str) -> Params {
    weights::load(&folder.join(file)).expect("weights").params
}

#[test]
fn snapshots_are_the_weights_of_a_run_that_ended_there() {
    let (_parent, folder) = new_folder();
    let schedule = "constant".to_owned();
    let config = Config { snapshots: [1, 2].into(), schedule, ..config() };
    run_new(&config, &folder).unwrap();
    for epochs in [1, 2] {
        let (_parent, short) = new_folder();
        let shorter = Config { snapshots: [].into(), epochs, ..config.clone() };
        run_new(&shorter, &short).unwrap();
        assert_eq!(load(&folder, &snapshot_file(epochs)), load(&short, MODEL_FILE), "after {epochs} epochs");
    }
}

#[test]
fn a_run_with_everything_resumes_to_the_same_bits_wherever_it_was_stopped() {
    let kept = [MODEL_FILE, EMA_FILE, SWA_FILE, BEST_FILE];
    let (_parent, straight) = new_folder();
    let outcome = run_new(&everything(), &straight).unwrap();
    assert_eq!(
        files(&straight),
        [BEST_FILE, EMA_FILE, EVENTS_FILE, LOG_FILE, MODEL_FILE, RUN_FILE, SWA_FILE]
    );
    for pace in [1, 3, 7] {
        let (_parent, folder) = new_folder();
        let mut stopped = run_until(&everything(), &folder, Start::NewOrResume, pace).unwrap();
        while stopped.summary.status == Status::Interrupted {
            stopped = run_until(&everything(), &folder, Start::Resume, stopped.summary.steps + pace).unwrap();
        }
        for file in kept {
            assert_eq!(bytes(&folder, file), bytes(&straight, file), "{file} in steps of {pace}");
        }
        assert_eq!(timeless(&stopped.records), timeless(&outcome.records));
        assert_eq!(stopped.summary.averages, outcome.summary.averages);
        assert_eq!(bytes(&folder, EVENTS_FILE).len(), bytes(&straight, EVENTS_FILE).len());
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let [one, three] = [1, 3].map(|threads| {
        let (parent, folder) = new_folder();
        tensor::parallel::with_threads(threads, || run_new(&everything(), &folder)).unwrap().unwrap();
        (parent, folder)
    });
    for file in [MODEL_FILE, EMA_FILE, SWA_FILE, BEST_FILE] {
        assert_eq!(bytes(&one.1, file), bytes(&three.1, file), "{file}");
    }
}

/// The parameters after every step of a run without averages.
fn trajectory(config: &Config) -> Vec<Params> {
    let plain = Config { ema: None, swa: None, ..config.clone() };
    let steps = 4 * config.epochs as u64;
    let after = |step| {
        let (_parent, folder) = new_folder();
        run_until(&plain, &folder, Start::New, step).expect("it stops").params
    };
    (1..=steps).map(after).collect()
}

fn assert_close(found: &Params, expected: &[Vec<f64>]) {
    for ((name, tensor), expected) in found.iter().zip(expected) {
        for (found, expected) in tensor.to_f64_vec().iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{name}: {found} {expected}");
        }
    }
}

#[test]
fn averages_are_those_of_the_weights_after_the_steps_and_epochs() {
    let config = Config { ema: Some(0.7), swa: Some(2), ..config() };
    let (_parent, folder) = new_folder();
    let outcome = run_new(&config, &folder).unwrap();
    let after: Vec<Vec<Vec<f64>>> =
        trajectory(&config).iter().map(|params| params.values().map(Tensor::to_f64_vec).collect()).collect();
    assert_eq!(outcome.params.values().map(Tensor::to_f64_vec).collect::<Vec<_>>(), after[11]);
    let blend = |a: &[Vec<f64>], b: &[Vec<f64>], share: f64| -> Vec<Vec<f64>> {
        let one =
            |(a, b): (&Vec<f64>, &Vec<f64>)| a.iter().zip(b).map(|(a, b)| a + share * (b - a)).collect();
        a.iter().zip(b).map(one).collect()
    };
    let exponential = after[1..].iter().fold(after[0].clone(), |average, next| blend(&average, next, 0.3));
    assert_close(&load(&folder, EMA_FILE), &exponential);
    assert_close(&load(&folder, SWA_FILE), &blend(&after[7], &after[11], 0.5));
}

#[test]
fn averages_have_statistics_and_scores_of_their_own() {
    let (_parent, folder) = new_folder();
    let config = everything();
    let summary = run_new(&config, &folder).unwrap().summary;
    let (model, data) = (Model::parse(&config.model).unwrap(), splits_of(&config.data));
    let executor = cpu::Cpu::new();
    for (name, file) in [("ema", EMA_FILE), ("swa", SWA_FILE)] {
        let params = load(&folder, file);
        let again = evaluate::reestimate(&executor, &model, &params, &data.train).unwrap();
        assert_eq!(again, params, "{name}");
        let loss = Loss::parse(config.loss.as_deref().unwrap()).unwrap();
        let score = evaluate::evaluate(&executor, &model, &params, &data.test, loss).unwrap();
        let recorded = &summary.averages[name];
        assert_eq!((recorded.test.loss, recorded.test.accuracy), (score.loss, score.accuracy));
        assert!(recorded.sets.contains_key("noisy"));
    }
    assert_eq!(Summary::read(&folder).unwrap(), summary);
}

/// The rate grows hugely after the second epoch, so that the network forgets what it learned.
fn forgetful() -> Config {
    let (optimizer, schedule) = ("adam:lr=0.02".to_owned(), "step:at=2,gamma=1e5".to_owned());
    Config { optimizer, schedule, ..config() }
}

#[test]
fn the_best_epoch_is_kept() {
    let (_parent, folder) = new_folder();
    let config = Config { keep_best: true, epochs: 4, ..forgetful() };
    let outcome = run_new(&config, &folder).unwrap();
    let best = outcome.summary.best.unwrap();
    let accuracies: Vec<f64> =
        outcome.records.iter().map(|record| record.test.unwrap().accuracy.unwrap()).collect();
    assert_eq!((best.epoch, best.watch.as_str(), best.value), (2, "test.accuracy", accuracies[1]));
    assert!(accuracies[1] > accuracies[0] && accuracies[1] > accuracies[3], "{accuracies:?}");
    let two = run_until(&Config { keep_best: false, ..config }, &new_folder().1, Start::New, 8).unwrap();
    assert_eq!(load(&folder, BEST_FILE), two.params);
}

#[test]
fn what_is_held_out_for_validation_chooses_the_best_epoch() {
    let (_parent, folder) = new_folder();
    let config = Config {
        data: "digits:validation=0.1".to_owned(),
        keep_best: true,
        patience: Some(2),
        epochs: 20,
        ..forgetful()
    };
    let outcome = run_new(&config, &folder).unwrap();
    let summary = outcome.summary;
    let best = summary.best.as_ref().unwrap();
    assert_eq!(best.watch, "validation.accuracy");
    let values = outcome.records.iter().map(|record| record.sets["validation"].accuracy);
    assert_eq!(values.clone().nth(best.epoch - 1), Some(Some(best.value)));
    assert!(values.clone().all(|value| value <= Some(best.value)));
    assert_eq!(summary.epochs, best.epoch + 2);
    assert_eq!(outcome.records[0].sets["validation"].count, 144);
    assert_eq!(summary.scores.unwrap().sets.keys().collect::<Vec<_>>(), ["validation"]);
}

#[test]
fn a_run_ends_when_it_improves_no_more() {
    let (_parent, folder) = new_folder();
    let config = Config { patience: Some(2), epochs: 20, swa: Some(6), ema: Some(0.5), ..forgetful() };
    let straight = run_new(&config, &folder).unwrap();
    let summary = &straight.summary;
    assert_eq!(
        (summary.status, summary.epochs, summary.best.as_ref().unwrap().epoch),
        (Status::Finished, 4, 2)
    );
    assert!(summary.scores.is_some());
    // The average of the sixth epoch and later ones has not begun.
    assert_eq!(files(&folder), [EMA_FILE, LOG_FILE, MODEL_FILE, RUN_FILE]);
    let (_parent, other) = new_folder();
    run_until(&config, &other, Start::New, 14).unwrap();
    let resumed = resume(&config, &other).unwrap();
    assert_eq!(bytes(&other, MODEL_FILE), bytes(&folder, MODEL_FILE));
    assert_eq!(timeless(&resumed.records), timeless(&straight.records));
}

#[test]
fn further_sets_are_scored_whenever_the_test_set_is() {
    let (_parent, folder) = new_folder();
    let sets = [("same", "digits"), ("noisy", "digits:shift=noise:5")];
    let evaluate = sets.map(|(name, spec)| (name.to_owned(), spec.to_owned())).into();
    let config = Config { evaluate, evaluate_every: 2, ..config() };
    let outcome = run_new(&config, &folder).unwrap();
    assert!(outcome.records[0].sets.is_empty());
    let last = &outcome.records[2];
    assert_eq!(last.sets.keys().collect::<Vec<_>>(), ["noisy", "same"]);
    // The whole test part of the digits, of which the run's own test set is the beginning.
    assert_eq!((last.sets["same"].count, last.test.unwrap().count), (360, 90));
    assert!(last.sets["noisy"].loss > last.sets["same"].loss);
    assert_eq!(read_log(&folder).unwrap(), outcome.records);
    assert_eq!(outcome.summary.scores.unwrap().sets, last.sets);
}

#[test]
fn a_set_that_does_not_fit_is_refused_before_anything_is_written() {
    for (spec, part) in [("digitz", "digits"), ("clusters", "expected 20 features")] {
        let (_parent, folder) = new_folder();
        let evaluate = BTreeMap::from([("other".to_owned(), spec.to_owned())]);
        let error = run_new(&Config { evaluate, ..config() }, &folder).unwrap_err().to_string();
        assert!(error.contains(part) && !folder.exists(), "{error}");
    }
}

fn losses(config: &Config) -> Vec<f64> {
    let (_parent, folder) = new_folder();
    let mut losses = Losses::default();
    run(config, &folder, Start::New, &AtomicBool::new(false), &mut losses).expect("the run finishes");
    losses.0
}

#[test]
fn clipping_bounds_the_first_step() {
    let sgd = Config { optimizer: "sgd:lr=1".to_owned(), schedule: "constant".to_owned(), ..config() };
    let moved = |config: &Config| {
        let start = Config { optimizer: "sgd:lr=1e-30".to_owned(), ..config.clone() };
        let [from, to] =
            [&start, config].map(|config| run_until(config, &new_folder().1, Start::New, 1).unwrap().params);
        let pairs = from.values().zip(to.values());
        let changes =
            pairs.flat_map(|(a, b)| a.to_f64_vec().into_iter().zip(b.to_f64_vec()).map(|(a, b)| b - a));
        changes.collect::<Vec<f64>>()
    };
    let norm = |changes: &[f64]| changes.iter().map(|x| x * x).sum::<f64>().sqrt();
    let free = moved(&sgd);
    let clipped = moved(&Config { clip_norm: Some(0.01), ..sgd.clone() });
    assert!(norm(&free) > 0.1 && (norm(&clipped) - 0.01).abs() < 1e-5, "{} {}", norm(&free), norm(&clipped));
    let most = |changes: &[f64]| changes.iter().fold(0.0f64, |most, x| most.max(x.abs()));
    let clipped = moved(&Config { clip_value: Some(0.005), ..sgd.clone() });
    assert!(most(&free) > 0.02 && (most(&clipped) - 0.005).abs() < 1e-6, "{}", most(&clipped));
}

#[test]
fn sophia_estimates_the_curvature_in_the_steps_that_want_it() {
    let sophia = |every: usize| Config { optimizer: format!("sophia:lr=0.003,every={every}"), ..config() };
    let [often, seldom] = [1, 100].map(|every| losses(&sophia(every)));
    assert_eq!(often[..2], seldom[..2]);
    assert_ne!(often[2..], seldom[2..]);
}

#[test]
fn smoothing_raises_the_least_loss() {
    let smoothed = Config { loss: Some("cross-entropy:smoothing=0.3".to_owned()), ..config() };
    let (plain, smoothed) = (losses(&config()), losses(&smoothed));
    // The entropy of the smoothed target over ten classes, which no network is below.
    assert!(plain[11] < plain[0] && smoothed.iter().all(|&loss| loss > 1.24), "{smoothed:?}");
}

#[test]
fn the_folder_of_a_run_with_averages_is_refused_to_another() {
    let (_parent, folder) = new_folder();
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(SWA_FILE), "precious").unwrap();
    let error = run_new(&config(), &folder).unwrap_err().to_string();
    assert!(error.contains("already holds a run (it has swa.safetensors)"), "{error}");
}
