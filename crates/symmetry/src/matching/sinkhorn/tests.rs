use cpu::Cpu;
use graph::{Graph, Reference};
use models::Init;
use tensor::parallel;

use super::*;
use crate::{infer, matching::planted};

fn network(spec: &str) -> (Model, Group) {
    let model = Model::parse(spec).expect("a specification");
    let graphs = crate::graphs(&model, 2);
    let group = infer(&graphs[graphs.len() - 1]).permutations();
    (model, group)
}

/// Normal examples, in the class of the larger of their first two features.
fn data(count: usize, features: usize) -> Dataset {
    let x = Tensor::from_fn([count, features], |i| Key::new(5).normal(i as u64) as f32);
    let of = x.as_slice::<f32>().expect("just made").to_vec();
    let labels = Tensor::from_fn([count], |i| i32::from(of[i * features] > of[i * features + 1]));
    Dataset::new("normal", 2, x, labels).expect("a data set")
}

fn searched(spec: &str, ends: [&Params; 2], objective: Objective<'_>, rounds: usize) -> SoftMatching {
    let (model, group) = network(spec);
    let options = Options { rounds, batch: 50, judged: 100, ..Options::new(objective) };
    sinkhorn(&Cpu::new(), &group, &model, ends, objective, &options, &mut |_, _, _| {}).expect("a search")
}

fn run(graph: &Graph, arguments: &[Tensor]) -> Vec<Tensor> {
    let mut executable = Reference.compile(graph, &[]).expect("a small graph");
    executable.run(arguments.iter().map(Argument::Borrowed).collect()).expect("arguments of the graph")
}

/// Random numbers for every input of a graph but the labels, the matrices balanced.
fn arguments(graph: &Graph, matrices: &[Vec<f64>]) -> Vec<Tensor> {
    let random = |(position, input): (usize, &graph::Input)| {
        let ty = graph.ty(input.val);
        let key = Key::new(7).child(&input.name);
        match (matrices.get(position), &*input.name) {
            (Some(x), _) => {
                let n = ty.shape[0];
                let balanced = Balanced::new(x, 1.0, vec![0.0; n]);
                Tensor::from_fn([n, n], |at| balanced.entries[at])
            }
            (None, "labels") => Tensor::from_fn(ty.shape.clone(), |i| (i % 2) as i32),
            (None, "lambda") => Tensor::scalar(0.3),
            (None, _) => Tensor::from_fn(ty.shape.clone(), |i| key.normal(i as u64)),
        }
    };
    graph.inputs().iter().enumerate().map(random).collect()
}

#[test]
fn the_implicit_gradient_of_every_objective_is_that_of_finite_differences() {
    let (model, group) = network("mlp:3-4-5-2,act=tanh");
    let sizes = [4, 5];
    let x = sizes.map(|n| (0..(n * n) as u64).map(|i| Key::new(n as u64).normal(i)).collect::<Vec<f64>>());
    let graphs = [
        graphs::distance(&group, &model, Distance::Squared, DType::F64),
        graphs::distance(&group, &model, Distance::Cosine, DType::F64),
        graphs::loss(&group, &model, 6, DType::F64),
    ];
    for graph in &graphs {
        let results = run(&transform::value_and_grad(graph, 0, &[0, 1]), &arguments(graph, &x));
        for k in 0..2 {
            let balanced = Balanced::new(&x[k], 1.0, vec![0.0; sizes[k]]);
            let found = balanced.pull_back(&results[1 + k].to_f64_vec(), 1.0);
            for at in 0..x[k].len() {
                let value = |step: f64| {
                    let mut moved = x.clone();
                    moved[k][at] += step;
                    run(graph, &arguments(graph, &moved))[0].to_f64_vec()[0]
                };
                let slope = (value(1e-3) - value(-1e-3)) / 2e-3;
                let name = graph.name();
                assert!(
                    (slope - found[at]).abs() < 1e-5,
                    "{name} {k} {at}: {} instead of {slope}",
                    found[at]
                );
            }
        }
    }
}

#[test]
fn permutations_move_parameters_as_the_group_does() {
    for spec in [
        "mlp:3-4-5-2,norm=layer",
        "convnet:3-4,dense=5,in=1x4x6,classes=2",
        "resnet8:width=0.125,in=2x4x4,classes=2",
        "gpt:layers=1,width=8,heads=2,context=3,vocab=5",
    ] {
        let (model, group) = network(spec);
        let [a, b] = [1, 2].map(|seed| model.init(Init::PyTorch, Key::new(seed)));
        let element = group.random_permutation(Key::new(3));
        let moved = group.act(&element, &b).expect("of the group");
        let graph = graphs::distance(&group, &model, Distance::Squared, DType::F32);
        let hard: Vec<Tensor> = element.permutations().iter().map(|own| matrix(own)).collect();
        let of = |params: &Params| trained(&model, params).into_iter().cloned().collect::<Vec<_>>();
        let found = run(&graph, &[hard, of(&a), of(&b)].concat())[0].to_f64_vec()[0];
        let squares = of(&a).into_iter().zip(of(&moved)).map(|(a, b)| {
            let pairs = a.to_f64_vec().into_iter().zip(b.to_f64_vec());
            pairs.map(|(a, b)| (a - b).powi(2)).sum::<f64>()
        });
        let expected = squares.sum::<f64>() / model.elements() as f64;
        assert!((found - expected).abs() < 1e-6 * expected, "{spec}: {found} instead of {expected}");
    }
}

#[test]
fn a_planted_permutation_is_found() {
    let spec = "mlp:8-10-6-2";
    let (model, group) = network(spec);
    let params = model.init(Init::PyTorch, Key::new(1));
    let (copy, element) = planted::plant(&group, &params, 0.0, Key::new(2)).expect("a copy");
    let answer = group.invert(&element).expect("of the group");
    for distance in [Distance::Squared, Distance::Cosine] {
        let found = searched(spec, [&params, &copy], Objective::Weights(distance), 50);
        assert_eq!(found.element, answer, "{distance:?}: {:?}", found.improvements);
        assert!(found.deviation < 1e-4, "{found:?}");
    }
}

#[test]
fn the_loss_between_networks_falls() {
    let spec = "mlp:6-8-2";
    let (model, _) = network(spec);
    let [a, b] = [1, 2].map(|seed| model.init(Init::PyTorch, Key::new(seed)));
    let data = data(200, 6);
    for objective in [Objective::Midpoint(&data), Objective::AnyPlace(&data)] {
        let found = searched(spec, [&a, &b], objective, 5);
        assert_eq!((found.steps, found.improvements[0].step), (20, 0));
        assert!(found.improvements.is_sorted_by(|earlier, later| earlier.objective > later.objective));
        assert!(found.improvements.len() > 1, "{found:?}");
    }
}

#[test]
fn a_network_without_hidden_units_stays_as_it_is() {
    let (model, _) = network("mlp:4-2");
    let [a, b] = [1, 2].map(|seed| model.init(Init::PyTorch, Key::new(seed)));
    let data = data(60, 4);
    for objective in [Objective::Weights(Distance::Cosine), Objective::Midpoint(&data)] {
        let found = searched("mlp:4-2", [&a, &b], objective, 2);
        assert!(found.element.is_identity() && found.improvements.len() == 1);
    }
}

#[test]
fn the_same_bits_for_any_number_of_threads() {
    let spec = "mlp:20-30-2";
    let (model, _) = network(spec);
    let [a, b] = [1, 2].map(|seed| model.init(Init::PyTorch, Key::new(seed)));
    let with = |threads| {
        let search = || searched(spec, [&a, &b], Objective::Weights(Distance::Squared), 5);
        parallel::with_threads(threads, search).expect("threads")
    };
    assert_eq!(with(1), with(4));
}

#[test]
fn searches_without_sense_are_refused() {
    let (model, group) = network("mlp:3-4-2");
    let params = model.init(Init::PyTorch, Key::new(1));
    let objective = Objective::Weights(Distance::Squared);
    let good = Options::new(objective);
    for options in [
        Options { rounds: 0, ..good },
        Options { temperature: 0.0, ..good },
        Options { temperature: f64::NAN, ..good },
    ] {
        let found =
            sinkhorn(&Cpu::new(), &group, &model, [&params; 2], objective, &options, &mut |_, _, _| {});
        assert!(matches!(found, Err(SymmetryError::Zero { .. } | SymmetryError::OutOfRange { .. })));
    }
}
