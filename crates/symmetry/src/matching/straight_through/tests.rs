use cpu::Cpu;
use graph::Reference;
use models::Init;
use tensor::parallel;

use super::*;
use crate::{infer, matching::planted};

/// Normal examples, in the class of the larger of their first two features.
fn data(count: usize, features: usize) -> Dataset {
    let x = Tensor::from_fn([count, features], |i| Key::new(5).normal(i as u64) as f32);
    let of = x.as_slice::<f32>().expect("just made").to_vec();
    let labels = Tensor::from_fn([count], |i| i32::from(of[i * features] > of[i * features + 1]));
    Dataset::new("normal", 2, x, labels).expect("a data set")
}

fn network(spec: &str) -> (Model, Group) {
    let model = Model::parse(spec).expect("a specification");
    let graphs = crate::graphs(&model, 2);
    let group = infer(&graphs[graphs.len() - 1]);
    (model, group)
}

fn searched(spec: &str, [a, b]: [&Params; 2], options: &Options) -> StraightThrough {
    let (model, group) = network(spec);
    let data = data(200, model.input_features());
    straight_through(&Cpu::new(), &group, &model, [a, b], &data, options, &mut |_, _, _| {})
        .expect("a search")
}

const OPTIONS: Options = Options { epochs: 5, batch: 50, judged: 100, key: Key::new(0), max_sweeps: 100 };

/// Random numbers for every input of a graph but the labels.
fn arguments(graph: &Graph, key: Key) -> Vec<Tensor> {
    let random = |input: &graph::Input| {
        let ty = graph.ty(input.val);
        let key = key.child(&input.name);
        match &*input.name {
            "labels" => Tensor::from_fn(ty.shape.clone(), |i| (i % 2) as i32),
            "lambda" => Tensor::scalar(0.5),
            "rate" => Tensor::scalar(1.0),
            _ => Tensor::from_fn(ty.shape.clone(), |i| 0.5 * key.normal(i as u64)),
        }
    };
    graph.inputs().iter().map(random).collect()
}

fn run(graph: &Graph, arguments: &[Tensor]) -> Vec<Tensor> {
    let mut executable = Reference.compile(graph, &[]).expect("a small graph");
    executable.run(arguments.iter().map(Argument::Borrowed).collect()).expect("arguments of the graph")
}

#[test]
fn the_gradient_is_that_of_the_loss_at_the_midpoint_with_respect_to_the_projected_parameters() {
    for spec in ["mlp:3-4-2,act=tanh", "mlp:3-4-2,act=tanh,norm=batch"] {
        let (model, _) = network(spec);
        let (loss, count) = (loss_between(&model, 6, DType::F64), model.parameters().len());
        let plain: Optimizer = "sgd:lr=1".parse().expect("an optimiser");
        let step = descent(&model, 6, &plain, DType::F64);
        let given = arguments(&step, Key::new(1));
        let new = run(&step, &given);
        // Behind the latent parameters and the rate come the inputs of the loss: A, then what B was moved to.
        let at = &given[count + 1..];
        for parameter in 0..count {
            for element in 0..at[count + parameter].elements() {
                let difference = |step: f64| {
                    let mut moved = at.to_vec();
                    moved[count + parameter].as_mut_slice::<f64>().expect("of f64")[element] += step;
                    run(&loss, &moved)[0].to_f64_vec()[0]
                };
                let slope = (difference(1e-5) - difference(-1e-5)) / 2e-5;
                let taken = given[parameter].to_f64_vec()[element] - new[parameter].to_f64_vec()[element];
                assert!(
                    (slope - taken).abs() < 1e-8,
                    "{spec}: {parameter} {element}: {taken} instead of {slope}"
                );
            }
        }
    }
}

#[test]
fn a_planted_permutation_is_found() {
    for spec in ["mlp:8-12-10-2", "mlp:8-12-2,norm=batch", "convnet:4-5,dense=6,in=1x4x6,classes=2"] {
        let (model, group) = network(spec);
        let params = model.init(Init::PyTorch, Key::new(1));
        let (copy, element) = planted::plant(&group, &params, 0.0, Key::new(2)).expect("a copy");
        let found = searched(spec, [&params, &copy], &OPTIONS);
        assert_eq!(found.element, group.invert(&element).expect("of the group"), "{spec}");
        assert_eq!(found.improvements.len(), 1, "{spec}: nothing is better than what was planted");
    }
}

#[test]
fn the_result_is_never_worse_than_the_weight_matching_and_better_at_times() {
    let mut better = 0;
    for seed in 0..6 {
        let (model, group) = network("mlp:6-8-8-2");
        let [a, b] = [0, 1].map(|network| model.init(Init::PyTorch, Key::new(seed).fold(network)));
        let found =
            searched("mlp:6-8-8-2", [&a, &b], &Options { epochs: 40, key: Key::new(seed), ..OPTIONS });
        assert_eq!((found.steps, found.improvements[0].step), (160, 0));
        assert!(
            found.improvements.is_sorted_by(|earlier, later| earlier.objective > later.objective),
            "{found:?}"
        );
        let (executor, data) = (Cpu::new(), data(200, 6));
        let key = Key::new(seed).child("judged");
        let mut judge = Judge::new(&executor, &model, &data, 50, 100, key).expect("a graph");
        let moved = group.act(&found.element, &b).expect("of the group");
        let loss = judge.midpoint(&trained(&model, &a), &trained(&model, &moved)).expect("a loss");
        assert_eq!(loss, found.loss());
        better += usize::from(found.improvements.len() > 1);
    }
    assert!(better > 0, "no search improved on its start");
}

#[test]
fn a_network_without_hidden_units_stays_as_it_is() {
    let (model, _) = network("mlp:4-2");
    let [a, b] = [1, 2].map(|seed| model.init(Init::PyTorch, Key::new(seed)));
    let found = searched("mlp:4-2", [&a, &b], &OPTIONS);
    assert!(found.element.is_identity() && found.improvements.len() == 1);
}

#[test]
fn the_same_bits_for_any_number_of_threads() {
    let (model, _) = network("mlp:20-40-2");
    let [a, b] = [1, 2].map(|seed| model.init(Init::PyTorch, Key::new(seed)));
    let with = |threads| {
        parallel::with_threads(threads, || searched("mlp:20-40-2", [&a, &b], &OPTIONS)).expect("threads")
    };
    assert_eq!(with(1), with(4));
}

#[test]
fn searches_for_nothing_are_refused() {
    let (model, group) = network("mlp:3-4-2");
    let params = model.init(Init::PyTorch, Key::new(1));
    for options in [Options { epochs: 0, ..OPTIONS }, Options { batch: 0, ..OPTIONS }] {
        let data = data(10, 3);
        let found =
            straight_through(&Cpu::new(), &group, &model, [&params; 2], &data, &options, &mut |_, _, _| {});
        assert!(matches!(found, Err(SymmetryError::Zero { .. })));
    }
}
