//! Decoders matched layer by layer.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use graph::Reference;
use isoloss_symmetry::{
    Certifier, Folding, SymmetryError, infer_folded,
    matching::{
        circuit,
        layered::{Layered, Network, Options, Products, layered_matching},
    },
};
use models::{Init, Model, Params};
use tensor::{DType, Key, Tensor};

const SPECS: [&str; 3] = [
    "llama:layers=2,width=12,heads=6,key_heads=2,depth=4,hidden=10,context=6,vocab=30",
    "llama:layers=1,width=8,heads=2,key_heads=2,hidden=9,context=6,vocab=20,scaling=llama3,base=5e5,trained=64",
    "llama:layers=2,width=16,heads=4,key_heads=1,hidden=6,context=6,vocab=30,bias=on",
];

fn network(model: &Model, seed: u64) -> Params {
    let key = Key::new(seed);
    let params = model.init(Init::PyTorch, key);
    let spread = |(number, tensor): (usize, &Tensor)| {
        let own = key.fold(number as u64);
        let values = tensor.to_f64_vec();
        let is_vector = tensor.shape().rank() == 1;
        let value = |at: usize| match is_vector {
            true => values[at] + 0.4 * own.normal(at as u64),
            false => values[at] + 0.1 * own.normal(at as u64),
        };
        Tensor::from_fn(tensor.shape().clone(), |at| value(at) as f32)
    };
    params.with_values(params.values().enumerate().map(spread).collect())
}

fn noisy(params: &Params, size: f64, key: Key) -> Params {
    let noise = |(number, tensor): (usize, &Tensor)| {
        let (own, values) = (key.fold(number as u64), tensor.to_f64_vec());
        Tensor::from_fn(tensor.shape().clone(), |at| (values[at] + size * own.normal(at as u64)) as f32)
    };
    params.with_values(params.values().enumerate().map(noise).collect())
}

/// A moved by a random element of its whole group, scales of units and gains and all; without what holds only as far as the
/// epsilons of normalisations do not matter.
fn planted(model: &Model, a: &Params, key: Key) -> Params {
    let folding = infer_folded(&model.forward(1, DType::F64));
    let (rotations, scales) = (folding.folded.exact(), folding.group.exact());
    let turned = rotations.act(&rotations.random(key), &folding.fold(a).unwrap()).unwrap();
    scales.act(&scales.random(key.child("outer")), &turned).unwrap()
}

fn small(model: &Model) -> Folding {
    let graph = model.decoder().unwrap().small().forward(1, DType::F64);
    let folding = infer_folded(&graph);
    let certified = Certifier::new(&Reference, &[&graph]).folded(&folding, Key::new(5), 2).unwrap();
    assert!(certified.refused.is_empty());
    folding
}

fn matched(model: &Model, a: &Params, b: &Params) -> Result<(Layered, Params), SymmetryError> {
    let read = |params: &Params| {
        let params = params.clone();
        move |name: &str| Ok(params.get(name).unwrap().clone())
    };
    let sources = [read(a), read(b)];
    let networks = [Network { name: "A", source: &sources[0] }, Network { name: "B", source: &sources[1] }];
    let mut products = Products::new(&Reference);
    let decoder = model.decoder().unwrap();
    let folding = small(model);
    let found = layered_matching(
        &mut products,
        &decoder,
        &folding,
        networks,
        &Options::default(),
        &mut |_, _, _| {},
    )?;
    let whole = found.whole(&mut products, networks[1], a)?;
    Ok((found, whole))
}

fn logits(model: &Model, params: &Params) -> Vec<f64> {
    let graph = model.forward(2, DType::F64);
    let params: Vec<Tensor> = params.values().map(|tensor| tensor.convert(DType::F64)).collect();
    let x = Tensor::from_fn([2, model.input_features()], |at| (at * 5 % 17) as i32);
    let arguments: Vec<&Tensor> = params.iter().chain([&x]).collect();
    Reference::evaluate(&graph, &arguments).unwrap()[0].to_f64_vec()
}

fn apart(one: &[f64], other: &[f64]) -> f64 {
    let largest = one.iter().fold(0.0f64, |most, own| most.max(own.abs()));
    one.iter().zip(other).fold(0.0f64, |most, (one, other)| most.max((one - other).abs())) / largest
}

fn distance(one: &Params, other: &Params) -> f64 {
    let pairs = one.values().zip(other.values());
    let squares = pairs.flat_map(|(one, other)| {
        one.to_f64_vec().into_iter().zip(other.to_f64_vec()).map(|(one, other)| (one - other).powi(2))
    });
    squares.sum::<f64>().sqrt()
}

#[test]
fn what_was_planted_is_found_and_the_function_kept() {
    for (seed, spec) in SPECS.iter().enumerate() {
        let model = Model::parse(spec).unwrap();
        let a = network(&model, seed as u64);
        let b = planted(&model, &a, Key::new(40 + seed as u64));
        let (found, moved) = matched(&model, &a, &b).unwrap();
        let far = distance(&a, &b);
        assert!(distance(&a, &moved) < 1e-3 * far, "{spec}: {} of {far}", distance(&a, &moved));
        assert!(found.converged && found.rounds() <= 3, "{spec}: {:?}", found.distances);
        assert!(apart(&logits(&model, &b), &logits(&model, &moved)) < 1e-4, "{spec}");
    }
}

#[test]
fn noise_is_left_and_an_unrelated_network_stays_far_away() {
    for (seed, spec) in SPECS.iter().enumerate() {
        let model = Model::parse(spec).unwrap();
        let a = network(&model, seed as u64);
        let near = noisy(&a, 0.003, Key::new(7));
        let b = planted(&model, &near, Key::new(60 + seed as u64));
        let (found, moved) = matched(&model, &a, &b).unwrap();
        assert!(apart(&logits(&model, &b), &logits(&model, &moved)) < 1e-4, "{spec}");
        let last = *found.distances.last().unwrap();
        // Not farther than the noise, but for the gains that multiply it where they are folded.
        assert!(last < 1.2 * distance(&a, &near), "{spec}: {last}");
        assert!(found.distances.windows(2).all(|pair| pair[1] <= pair[0] + 1e-9), "{:?}", found.distances);
        let other = network(&model, 90 + seed as u64);
        let (unrelated, moved) = matched(&model, &a, &other).unwrap();
        assert!(*unrelated.distances.last().unwrap() > 10.0 * last, "{spec}: {:?}", unrelated.distances);
        assert!(apart(&logits(&model, &other), &logits(&model, &moved)) < 1e-4, "{spec}");
        assert!(unrelated.distances.last() < unrelated.distances.first());
    }
}

#[test]
fn it_finds_what_circuit_matching_finds() {
    let model = Model::parse(SPECS[0]).unwrap();
    let a = network(&model, 1);
    let near = noisy(&a, 0.01, Key::new(7));
    let folding = infer_folded(&model.forward(1, DType::F64));
    // Without scales, which circuit matching leaves as they are.
    let group = folding.folded.clone();
    let still = group.identity();
    let element = group.with_matrices(group.random_permutation(Key::new(4)), {
        let random = group.random(Key::new(3));
        random.matrices().to_vec()
    });
    let b = group.act(&element.unwrap_or(still), &folding.fold(&near).unwrap()).unwrap();
    let ours = folding.fold(&a).unwrap();
    let circuits =
        circuit::circuit_matching(&group, &ours, &b, &circuit::Options::default(), &mut |_, _| {}).unwrap();
    let by_circuit = folding.unfold(&group.act(&circuits.element, &b).unwrap(), &a).unwrap();
    let (_, by_layer) = matched(&model, &a, &b).unwrap();
    let [one, other] = [distance(&a, &by_circuit), distance(&a, &by_layer)];
    assert!((one - other).abs() < 0.05 * one, "{one} {other}");
}

#[test]
fn what_cannot_be_matched_is_refused() {
    let model = Model::parse(SPECS[1]).unwrap();
    let a = network(&model, 1);
    let mut broken = a.clone();
    broken.get_mut("model.layers.0.mlp.up_proj.weight").unwrap().as_mut_slice::<f32>().unwrap()[3] = f32::NAN;
    let error = matched(&model, &a, &broken).err().unwrap().to_string();
    assert!(error.contains("mlp.up_proj.weight") && error.contains('B'), "{error}");
    let mut zero = a.clone();
    zero.get_mut("model.norm.weight").unwrap().as_mut_slice::<f32>().unwrap()[1] = 0.0;
    let error = matched(&model, &zero, &a).err().unwrap().to_string();
    assert!(error.contains("model.norm.weight"), "{error}");
}
