//! Steps that several devices share.

use std::sync::atomic::AtomicBool;

use cpu::Cpu;
use isoloss_train::{CHECKPOINT_FILE, Config, MODEL_FILE, Start, Status};
use models::{Init, Loss, Mode, Model};
use tensor::{DType, Key, Tensor};
use testkit::team::Team;

use crate::common::{Losses, StopAt, bytes, config, new_folder, run_on, splits};

/// So many executors for the processor.
fn team(count: usize) -> Team {
    Team::of(count, || Box::new(Cpu::new()))
}

fn losses(config: &Config, count: usize) -> Vec<f64> {
    let (_parent, folder) = new_folder();
    let mut losses = Losses::default();
    run_on(&team(count), config, &folder, Start::New, &AtomicBool::new(false), &mut losses)
        .expect("the run finishes");
    losses.0
}

#[test]
fn shards_of_a_batch_make_the_step_of_the_batch() {
    let clipped = Config { clip_norm: Some(0.3), ..config() };
    let sgd = Config { optimizer: "sgd:lr=0.1,momentum=0.9,nesterov".to_owned(), ..config() };
    for config in [config(), clipped, sgd] {
        let alone = losses(&config, 1);
        // Three shards differ in size; of 40 devices the last batch, of 30 examples, needs fewer.
        for count in [2, 3, 40] {
            for (step, (shared, alone)) in losses(&config, count).iter().zip(&alone).enumerate() {
                assert!((shared - alone).abs() < 1e-5 * alone, "step {step} by {count}: {shared} {alone}");
            }
        }
    }
}

#[test]
fn running_statistics_are_the_mean_of_those_of_the_shards() {
    let (_parent, folder) = new_folder();
    let config = Config { model: "mlp:64-16-10,norm=batch".to_owned(), epochs: 1, batch: 150, ..config() };
    let outcome = run_on(&team(2), &config, &folder, Start::New, &AtomicBool::new(false), &mut ()).unwrap();
    let (model, splits) = (Model::parse(&config.model).unwrap(), splits());
    let params = model.init(Init::PyTorch, Key::new(config.seed).child("init"));
    let (x, labels) = splits.train.gather(&data::epoch_order(Key::new(config.seed), 0, 150));
    let graph = model.objective_in(Mode::Training, 75, DType::F32, Loss::CrossEntropy);
    let shards: Vec<Vec<Tensor>> = [0..75, 75..150]
        .map(|rows| {
            let (x, labels) = (x.parts(rows.clone()).unwrap(), labels.parts(rows).unwrap());
            let arguments: Vec<_> = params.values().chain([&x, &labels]).collect();
            graph::Reference::evaluate(&graph, &arguments).unwrap()
        })
        .into();
    for (position, (name, _)) in model.buffers().iter().enumerate() {
        let found = outcome.params.get(name).unwrap().to_f64_vec();
        let [first, second] = [0, 1].map(|shard| shards[shard][3 + position].to_f64_vec());
        for (x, (y, z)) in found.iter().zip(first.iter().zip(&second)) {
            assert!((x - 0.5 * (y + z)).abs() < 1e-5 * x.abs().max(1.0), "{name}: {x} {y} {z}");
        }
    }
}

#[test]
fn a_shared_run_resumes_to_the_same_bits() {
    let config = Config {
        model: "mlp:64-16-10,norm=batch".to_owned(),
        optimizer: "sophia:lr=0.003,every=3".to_owned(),
        ..config()
    };
    let stop = AtomicBool::new(false);
    let (_parent, straight) = new_folder();
    run_on(&team(3), &config, &straight, Start::New, &stop, &mut ()).unwrap();
    let (_parent, folder) = new_folder();
    let at = &mut StopAt { step: 5, stop: &stop };
    let stopped = run_on(&team(3), &config, &folder, Start::New, &stop, at).unwrap();
    assert_eq!(stopped.summary.status, Status::Interrupted);
    assert!(folder.join(CHECKPOINT_FILE).exists());
    run_on(&team(3), &config, &folder, Start::Resume, &AtomicBool::new(false), &mut ()).unwrap();
    assert_eq!(bytes(&folder, MODEL_FILE), bytes(&straight, MODEL_FILE));
}
