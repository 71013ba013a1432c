//! Activation matching: optimality on small networks, planted permutations, dead units, determinism.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use cpu::Cpu;
use data::Dataset;
use graph::{Argument, Executor, Graph, Reference};
use isoloss_symmetry::{
    Group, Stage, infer,
    matching::{
        activation::{ActivationMatching, Options, Similarity, activation_matching},
        planted,
    },
};
use models::{Init, Input, Model, Params};
use tensor::{DType, Key, Tensor, parallel};

fn group(model: &Model) -> Group {
    let graphs = isoloss_symmetry::graphs(model, 2);
    infer(&graphs[graphs.len() - 1])
}

/// Normal examples, or random tokens.
fn data_for(model: &Model, count: usize) -> Dataset {
    if let Input::Tokens { .. } = model.input() {
        let text: String = (0..40 * count as u64)
            .map(|i| ['a', 'b', 'c', 'd', 'e'][Key::new(3).below(i, 5) as usize])
            .collect();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("text.txt");
        std::fs::write(&file, text).unwrap();
        return data::load(&format!("text:{}", file.display())).unwrap().train.take(4 * count);
    }
    let features = model.input_features();
    let x = Tensor::from_fn([count, features], |i| Key::new(5).normal(i as u64) as f32);
    Dataset::new("normal", model.classes().unwrap(), x, Tensor::from_fn([count], |_| 0)).unwrap()
}

fn matched(model: &Model, [a, b]: [&Params; 2], count: usize, options: Options) -> ActivationMatching {
    let (group, data) = (group(model), data_for(model, count));
    activation_matching(&Cpu::new(), &group, model, [a, b], &data, &options, &mut |_, _| {}).unwrap()
}

const OPTIONS: [Options; 4] = [
    Options { similarity: Similarity::Correlation, stage: Stage::Read },
    Options { similarity: Similarity::Uncentred, stage: Stage::Read },
    Options { similarity: Similarity::Correlation, stage: Stage::Written },
    Options { similarity: Similarity::Uncentred, stage: Stage::Written },
];

#[test]
fn a_planted_permutation_is_found() {
    let specs = [
        "mlp:12-16-16-4",
        "mlp:12-16-4,norm=batch",
        "convnet:6-8,dense=10,in=2x8x6",
        "resnet8:width=0.25,in=2x8x6,norm=layer",
        "resnet8:width=0.25,in=2x8x6",
        "gpt:layers=2,width=8,heads=2,context=6,vocab=5",
    ];
    for spec in specs {
        let model = Model::parse(spec).unwrap();
        let group = group(&model);
        let params = model.init(Init::PyTorch, Key::new(1));
        let (copy, element) = planted::plant(&group, &params, 0.0, Key::new(2)).unwrap();
        let answer = group.invert(&element).unwrap();
        for options in &OPTIONS[..if spec.starts_with("mlp") { 4 } else { 1 }] {
            let found = matched(&model, [&params, &copy], 60, *options);
            assert_eq!(found.element, answer, "{spec}: {options:?}, {:?}", found.classes);
        }
    }
}

/// All permutations of `0..n`.
fn permutations(n: u32) -> Vec<Vec<u32>> {
    if n == 0 {
        return vec![Vec::new()];
    }
    let shorter = permutations(n - 1);
    let insert = |place: usize, shorter: &Vec<u32>| [&shorter[..place], &[n - 1], &shorter[place..]].concat();
    shorter.iter().flat_map(|shorter| (0..n as usize).map(move |place| insert(place, shorter))).collect()
}

/// The activations of the hidden layer of `mlp:3-5-2`, unit by unit.
fn hidden(model: &Model, params: &Params, data: &Dataset) -> Vec<Vec<f64>> {
    let graph: Graph = model.forward(data.len(), DType::F32).with_every_value();
    let x = data.x();
    let arguments = params.values().chain([&x]).map(Argument::Borrowed).collect();
    let results = Reference.compile(&graph, &[]).unwrap().run(arguments).unwrap();
    let is_hidden = |tensor: &&Tensor| {
        *tensor.shape() == [data.len(), 5].into() && tensor.to_f64_vec().iter().all(|x| *x >= 0.0)
    };
    let values = results.iter().rev().find(is_hidden).unwrap().to_f64_vec();
    (0..5).map(|unit| values.iter().copied().skip(unit).step_by(5).collect()).collect()
}

fn similarity(a: &[f64], b: &[f64], similarity: Similarity) -> f64 {
    let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
    let (a_mean, b_mean) = match similarity {
        Similarity::Correlation => (mean(a), mean(b)),
        Similarity::Uncentred => (0.0, 0.0),
    };
    let product = |a: &[f64], b: &[f64], a_mean: f64, b_mean: f64| -> f64 {
        a.iter().zip(b).map(|(a, b)| (a - a_mean) * (b - b_mean)).sum()
    };
    let own = product(a, b, a_mean, b_mean);
    match similarity {
        Similarity::Correlation => {
            own / (product(a, a, a_mean, a_mean) * product(b, b, b_mean, b_mean)).sqrt()
        }
        Similarity::Uncentred => own / a.len() as f64,
    }
}

#[test]
fn the_assignment_is_the_best_of_all_permutations() {
    let model = Model::parse("mlp:3-5-2").unwrap();
    let data = data_for(&model, 50);
    for seed in 0..5 {
        let [a, b] = [0, 1].map(|network| model.init(Init::PyTorch, Key::new(seed).fold(network)));
        let units = [&a, &b].map(|params| hidden(&model, params, &data));
        for options in OPTIONS[..2].iter().copied() {
            let value = |permutation: &Vec<u32>| -> f64 {
                let pairs = units[0].iter().zip(permutation);
                pairs.map(|(a, &slot)| similarity(a, &units[1][slot as usize], options.similarity)).sum()
            };
            let all = permutations(5);
            let best = all.iter().map(value).fold(f64::MIN, f64::max);
            let found = matched(&model, [&a, &b], 50, options);
            let class = &found.classes[0];
            assert!((class.objective - best).abs() < 1e-5, "{} instead of {best}", class.objective);
            assert!((value(&found.element.permutations()[0]) - best).abs() < 1e-5);
            assert!((class.identity_objective - value(&vec![0, 1, 2, 3, 4])).abs() < 1e-5);
            assert!(class.certificate.unwrap().holds(), "{class:?}");
            assert_eq!((class.values, class.samples, class.dead), (1, 50.0, [0, 0]));
        }
    }
}

#[test]
fn a_network_without_hidden_units_stays_as_it_is() {
    let model = Model::parse("mlp:4-2").unwrap();
    let [a, b] = [1, 2].map(|seed| model.init(Init::PyTorch, Key::new(seed)));
    let found = matched(&model, [&a, &b], 10, Options::default());
    assert!(found.element.is_identity() && found.classes.is_empty());
}

#[test]
fn dead_units_are_counted_and_correlate_with_nothing() {
    let model = Model::parse("mlp:3-5-2").unwrap();
    let [mut a, b] = [1, 2].map(|seed| model.init(Init::PyTorch, Key::new(seed)));
    for unit in [1, 4] {
        a.get_mut("0.bias").unwrap().as_mut_slice::<f32>().unwrap()[unit] = -100.0;
    }
    let found = matched(&model, [&a, &b], 50, Options::default());
    assert_eq!(found.classes[0].dead, [2, 0]);
    assert!(found.classes[0].objective <= 3.0);
    assert!(found.classes[0].certificate.unwrap().holds());
}

#[test]
fn the_same_bits_for_any_number_of_threads() {
    let model = Model::parse("mlp:20-40-40-4").unwrap();
    let [a, b] = [1, 2].map(|seed| model.init(Init::PyTorch, Key::new(seed)));
    let with = |threads| {
        parallel::with_threads(threads, || matched(&model, [&a, &b], 1200, Options::default())).unwrap()
    };
    assert_eq!(with(1), with(4));
}

#[test]
fn activations_that_are_not_finite_are_refused() {
    let model = Model::parse("mlp:3-5-2").unwrap();
    let a = model.init(Init::PyTorch, Key::new(1));
    let mut b = a.clone();
    b.get_mut("0.bias").unwrap().as_mut_slice::<f32>().unwrap()[2] = f32::NAN;
    let (group, data) = (group(&model), data_for(&model, 10));
    let options = Options::default();
    let error = activation_matching(&Cpu::new(), &group, &model, [&a, &b], &data, &options, &mut |_, _| {});
    let error = error.unwrap_err().to_string();
    assert!(error.starts_with("generator 'hidden units of 0.weight[0]'"), "{error}");
}
