use std::collections::BTreeMap;

use graph::{Argument, Def, Prim, Reference};
use models::Init;
use serde::Deserialize;
use tensor::{Key, parallel};

use super::*;

/// Made by `tests/goldens/make_moments.py`.
#[derive(Deserialize)]
struct Golden {
    x: Vec<f32>,
    weights: [BTreeMap<String, Vec<f32>>; 2],
    layers: Vec<Layer>,
}

#[derive(Deserialize)]
struct Layer {
    correlation: Vec<f64>,
    uncentred: Vec<f64>,
    variances: [Vec<f64>; 2],
    means: [Vec<f64>; 2],
}

/// Whatever goes into a ReLU's result, with its last axis as units.
fn rectified(graph: &Graph) -> Vec<Units> {
    let is_relu = |val: &Val| matches!(graph.def(*val), Def::Apply { op: Prim::Maximum(_), .. });
    let units = |val: Val| {
        let shape = &graph.ty(val).shape;
        let axis = shape.rank() - 1;
        Units { val, axis, block: 1, indices: (0..shape[axis]).collect() }
    };
    graph.vals().filter(is_relu).map(units).collect()
}

fn moments(
    model: &Model,
    params: [&Params; 2],
    data: &Dataset,
    units: &dyn Fn(&Graph) -> Vec<Units>,
) -> Vec<Moments> {
    activation_moments(&Reference, model, params, data, units, &mut |_, _| {}).unwrap()
}

fn normal(count: usize, features: usize) -> Dataset {
    let x = Tensor::from_fn([count, features], |i| Key::new(5).normal(i as u64) as f32);
    Dataset::new("normal", 2, x, Tensor::from_fn([count], |_| 0)).unwrap()
}

#[track_caller]
fn assert_close(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (position, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() <= tolerance, "{position}: {found} instead of {expected}");
    }
}

#[test]
fn moments_are_those_of_numpy() {
    let golden: Golden = serde_json::from_str(include_str!("../../tests/goldens/moments.json")).unwrap();
    let model = Model::parse("mlp:3-4-5-2").unwrap();
    let params = golden.weights.each_ref().map(|weights| {
        let mut params = model.init(Init::PyTorch, Key::new(0));
        for (name, elements) in weights {
            let tensor = params.get_mut(name).unwrap();
            *tensor = Tensor::new(tensor.shape().clone(), elements.clone()).unwrap();
        }
        params
    });
    let count = golden.x.len() / 3;
    let x = Tensor::new([count, 3], golden.x).unwrap();
    let data = Dataset::new("golden", 2, x, Tensor::from_fn([count], |_| 0)).unwrap();
    let found = moments(&model, [&params[0], &params[1]], &data, &rectified);
    assert_eq!(found.len(), 2);
    for (found, expected) in found.iter().zip(&golden.layers) {
        assert_eq!(found.samples(), count as f64);
        assert_close(&found.correlation(), &expected.correlation, 1e-6);
        assert_close(&found.uncentred(), &expected.uncentred, 1e-5);
        for network in [0, 1] {
            assert_close(&found.variances(network), &expected.variances[network], 1e-5);
            assert_close(found.means(network), &expected.means[network], 1e-6);
        }
    }
    assert_eq!(found[0].dead(0), [false, false, false, true]);
    assert_eq!(found[0].dead(1), [false; 4]);
}

/// All values of the graph for these examples, by the reference evaluator.
fn values(model: &Model, params: &Params, data: &Dataset) -> Vec<Vec<f64>> {
    let graph = model.forward(data.len(), tensor::DType::F32).with_every_value();
    let x = data.x();
    let arguments = params.values().chain([&x]).map(Argument::Borrowed).collect();
    let results = Reference.compile(&graph, &[]).unwrap().run(arguments).unwrap();
    results.iter().map(Tensor::to_f64_vec).collect()
}

/// Pearson's correlation by its definition, of columns of two matrices.
fn pearson(a: &[Vec<f64>], b: &[Vec<f64>]) -> Vec<f64> {
    let centred = |samples: &Vec<f64>| {
        let mean = samples.iter().sum::<f64>() / samples.len() as f64;
        samples.iter().map(|sample| sample - mean).collect::<Vec<f64>>()
    };
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let (a, b): (Vec<_>, Vec<_>) = (a.iter().map(centred).collect(), b.iter().map(centred).collect());
    let one = |a: &[f64], b: &[f64]| product(a, b) / (product(a, a) * product(b, b)).sqrt();
    a.iter().flat_map(|a| b.iter().map(move |b| one(a, b))).collect()
}

#[test]
fn every_pixel_is_a_sample() {
    let model = Model::parse("convnet:3,dense=4,in=1x4x6,classes=2").unwrap();
    let networks = [1, 2].map(|seed| model.init(Init::PyTorch, Key::new(seed)));
    let data = normal(7, 24);
    let units = |graph: &Graph| rectified(graph)[..1].to_vec();
    let found = moments(&model, [&networks[0], &networks[1]], &data, &units);
    let graph = model.forward(7, tensor::DType::F32);
    let at = units(&graph)[0].val;
    let shape = graph.ty(at).shape.clone();
    let channels = networks.each_ref().map(|params| {
        let values = &values(&model, params, &data)[at.position()];
        let channel = |c: usize| values.iter().copied().skip(c).step_by(3).collect::<Vec<f64>>();
        [0, 1, 2].map(channel).to_vec()
    });
    assert_eq!(found[0].samples(), (shape.elements() / 3) as f64);
    assert!(found[0].samples() > 7.0);
    assert_close(&found[0].correlation(), &pearson(&channels[0], &channels[1]), 1e-9);
}

#[test]
fn merged_chunks_are_the_whole() {
    let model = Model::parse("mlp:3-4-2").unwrap();
    let networks = [1, 2].map(|seed| model.init(Init::PyTorch, Key::new(seed)));
    let params = [&networks[0], &networks[1]];
    let data = normal(2300, 3);
    let mut done = Vec::new();
    let merged =
        activation_moments(&Reference, &model, params, &data, &rectified, &mut |at, of| done.push((at, of)));
    assert_eq!(done, [(1000, 2300), (2000, 2300), (2300, 2300)]);
    let at = rectified(&model.forward(1, tensor::DType::F32))[0].val.position();
    let units = networks.each_ref().map(|params| {
        let values = &values(&model, params, &data)[at];
        (0..4).map(|unit| values.iter().copied().skip(unit).step_by(4).collect()).collect::<Vec<Vec<f64>>>()
    });
    assert_close(&merged.unwrap()[0].correlation(), &pearson(&units[0], &units[1]), 1e-12);
}

#[test]
fn units_may_be_vectors_in_any_order() {
    let model = Model::parse("mlp:3-6-2").unwrap();
    let params = model.init(Init::PyTorch, Key::new(3));
    let data = normal(20, 3);
    let blocks = |indices: [usize; 4]| {
        move |graph: &Graph| {
            vec![Units { block: 2, indices: indices.to_vec(), ..rectified(graph)[0].clone() }]
        }
    };
    let single = &moments(&model, [&params, &params], &data, &rectified)[0];
    let double = &moments(&model, [&params, &params], &data, &blocks([5, 0, 1, 3]))[0];
    let entry = |row: usize, column: usize| single.uncentred()[row * 6 + column];
    let expected = [
        entry(5, 5) + entry(0, 0),
        entry(5, 1) + entry(0, 3),
        entry(1, 5) + entry(3, 0),
        entry(1, 1) + entry(3, 3),
    ];
    assert_close(&double.uncentred(), &expected, 1e-12);
    assert_eq!(double.units(), [2, 2]);
    assert!((double.correlation()[0] - 1.0).abs() < 1e-12);
}

#[test]
fn the_same_bits_for_any_number_of_threads() {
    let model = Model::parse("mlp:3-40-2").unwrap();
    let networks = [1, 2].map(|seed| model.init(Init::PyTorch, Key::new(seed)));
    let data = normal(1500, 3);
    let with = |threads| {
        let run = || moments(&model, [&networks[0], &networks[1]], &data, &rectified);
        parallel::with_threads(threads, run).unwrap()
    };
    assert_eq!(with(1), with(4));
}

#[test]
fn data_that_do_not_suit_are_refused() {
    let model = Model::parse("mlp:4-4-2").unwrap();
    let params = model.init(Init::PyTorch, Key::new(1));
    let found =
        activation_moments(&Reference, &model, [&params; 2], &normal(3, 3), &rectified, &mut |_, _| {});
    assert!(matches!(found, Err(EvaluateError::Fit { .. })));
}

#[test]
fn moments_between_the_same_units_are_those_on_the_diagonal() {
    let model = Model::parse("mlp:3-4-5-2").unwrap();
    let [a, b] = [1, 2].map(|seed| model.init(Init::PyTorch, Key::new(seed)));
    let data = normal(2300, 3);
    let all = moments(&model, [&a, &b], &data, &rectified);
    let comparer = Comparer::of_units(&Reference, &model, &data, &rectified, Between::Same);
    let mut comparer = comparer.unwrap();
    let same = comparer.moments([&a, &b], &mut |_, _| {}).unwrap();
    assert_ne!(comparer.moments([&b, &a], &mut |_, _| {}).unwrap(), same);
    assert_eq!(comparer.moments([&a, &b], &mut |_, _| {}).unwrap(), same);
    assert_eq!(same.len(), 2);
    for (all, same) in all.iter().zip(&same) {
        let units = all.units()[0];
        let diagonal =
            |matrix: Vec<f64>| (0..units).map(|unit| matrix[unit * (units + 1)]).collect::<Vec<_>>();
        assert_close(&same.covariance(), &diagonal(all.covariance()), 1e-12);
        assert_close(&same.correlation(), &diagonal(all.correlation()), 1e-12);
        assert_close(&same.uncentred(), &diagonal(all.uncentred()), 1e-12);
        assert_eq!((same.means(1), same.variances(0)), (all.means(1), all.variances(0)));
    }
}
