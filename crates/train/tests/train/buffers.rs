//! Running statistics: trained along, used by evaluation, kept by checkpoints and weights files.

use std::sync::atomic::AtomicBool;

use crate::common::{Losses, bytes, config, new_folder, resume, run, run_new, run_until, splits};
use isoloss_train::{CHECKPOINT_FILE, Config, MODEL_FILE, Start, Status};
use models::{Init, Loss, Mode, Model};

/// A perceptron with batch normalisation.
fn normalised() -> Config {
    Config { model: "mlp:64-16-10,norm=batch".to_owned(), ..config() }
}

/// The smallest residual network on the digits, for two steps.
fn convolutional() -> Config {
    Config { model: "resnet8:width=0.125,in=1x8x8".to_owned(), epochs: 1, batch: 80, ..config() }
}

#[test]
fn a_step_moves_the_running_statistics_as_the_training_graph_says() {
    let (_parent, folder) = new_folder();
    let config = Config { epochs: 1, batch: 150, ..normalised() };
    let outcome = run_new(&config, &folder).unwrap();
    let (model, splits) = (Model::parse(&config.model).unwrap(), splits());
    let params = model.init(Init::PyTorch, tensor::Key::new(config.seed).child("init"));
    let order = data::epoch_order(tensor::Key::new(config.seed), 0, 150);
    let (x, labels) = splits.train.gather(&order);
    let graph = model.objective_in(Mode::Training, 150, tensor::DType::F32, Loss::CrossEntropy);
    let arguments: Vec<_> = params.values().chain([&x, &labels]).collect();
    let results = graph::Reference::evaluate(&graph, &arguments).unwrap();
    for ((name, _), expected) in model.buffers().iter().zip(&results[3..]) {
        let (found, start) = (outcome.params.get(name).unwrap(), params.get(name).unwrap());
        assert_ne!(found, start, "{name}");
        for (x, y) in found.to_f64_vec().iter().zip(expected.to_f64_vec()) {
            assert!((x - y).abs() < 1e-5 * y.abs().max(1.0), "{name}: {x} {y}");
        }
    }
}

#[test]
fn scores_are_those_of_evaluation_with_the_running_statistics() {
    let (_parent, folder) = new_folder();
    let outcome = run_new(&normalised(), &folder).unwrap();
    let (model, params) = models::load_model(&folder, None).unwrap();
    assert_eq!(params, outcome.params);
    let test = splits().test;
    let score = evaluate::evaluate(&cpu::Cpu::new(), &model, &params, &test, Loss::CrossEntropy).unwrap();
    assert_eq!(outcome.summary.scores.unwrap().test.loss, score.loss);
    let mut forgotten = params.clone();
    for name in ["1.running_mean", "1.running_var"] {
        let start = model.init(Init::PyTorch, tensor::Key::new(0));
        *forgotten.get_mut(name).unwrap() = start.get(name).unwrap().clone();
    }
    let other = evaluate::evaluate(&cpu::Cpu::new(), &model, &forgotten, &test, Loss::CrossEntropy).unwrap();
    assert_ne!(other.loss, score.loss);
}

#[test]
fn a_stopped_run_goes_on_to_the_same_running_statistics() {
    for config in [normalised(), convolutional()] {
        let (_parent, folder) = new_folder();
        run_new(&config, &folder).unwrap();
        let straight = bytes(&folder, MODEL_FILE);
        let (_parent, folder) = new_folder();
        let stopped = run_until(&config, &folder, Start::New, 1).unwrap();
        assert_eq!(stopped.summary.status, Status::Interrupted);
        let checkpoint = models::weights::load(&folder.join(CHECKPOINT_FILE)).unwrap();
        assert!(checkpoint.params.names().any(|name| name.ends_with(".running_mean")));
        resume(&config, &folder).unwrap();
        assert_eq!(bytes(&folder, MODEL_FILE), straight, "{}", config.model);
    }
}

#[test]
fn a_residual_network_learns_the_digits() {
    let (_parent, folder) = new_folder();
    let model = "resnet8:width=0.25,in=1x8x8".to_owned();
    let config =
        Config { model, optimizer: "adam:lr=0.01".to_owned(), epochs: 12, batch: 50, ..convolutional() };
    let mut losses = Losses::default();
    let outcome = run(&config, &folder, Start::New, &AtomicBool::new(false), &mut losses).unwrap();
    assert!(losses.0[losses.0.len() - 1] < 0.3 * losses.0[0], "{:?}", losses.0);
    let scores = outcome.summary.scores.unwrap();
    assert!(scores.train.accuracy > Some(0.85), "{scores:?}");
    let (model, params) = models::load_model(&folder, None).unwrap();
    assert_eq!((model.spec(), params), (config.model, outcome.params));
}
