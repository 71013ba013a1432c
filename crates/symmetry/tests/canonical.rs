//! Canonical forms: one for each orbit, the same function, and the least norm.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod common;

use common::random_params;
use cpu::Cpu;
use graph::{Argument, Executor, Graph, Input, Role};
use isoloss_symmetry::{
    Element, Factors, Group, SymmetryError,
    canonical::{Canonical, Form, Scaling},
    infer,
};
use models::{Mode, Model, Params};
use tensor::{DType, Key, Tensor};

const SPECS: [&str; 8] = [
    "mlp:5-7-6-3",
    "mlp:5-7-6-3,act=tanh",
    "mlp:5-7-6-3,norm=batch",
    "convnet:3-5,dense=7,in=2x8x6",
    "resnet8:width=0.125,in=2x6x5,norm=none",
    "resnet8:width=0.125,in=2x6x5",
    "gcn:5-4-6-3,nodes=7",
    "lstm:vocab=5,hidden=6,layers=1,steps=3",
];

const UNIT: Form = Form { scaling: Some(Scaling::Unit), signs: true, order: true };

fn graph_of(spec: &str) -> Graph {
    Model::parse(spec).unwrap().forward(2, DType::F64)
}

fn set_up(spec: &str, dtype: DType) -> (Group, Params) {
    let model = Model::parse(spec).unwrap();
    let mode = if model.buffers().is_empty() { Mode::Evaluation } else { Mode::Training };
    let group = infer(&model.forward_in(mode, 2, DType::F64)).exact();
    let params = random_params(&graph_of(spec), DType::F64, Key::new(4));
    // Variances are positive.
    let positive = params.iter().map(|(name, tensor)| {
        let values = tensor.to_f64_vec();
        let is_variance = name.ends_with("running_var");
        let number = |i: usize| if is_variance { 0.5 + values[i].abs() } else { values[i] };
        Tensor::from_fn(tensor.shape().clone(), number).convert(dtype)
    });
    (group, params.with_values(positive.collect()))
}

/// An element without matrices.
fn element(group: &Group, seed: u64) -> Element {
    let random = group.random(Key::new(seed));
    let moved = group.element(random.permutations().to_vec()).unwrap();
    group.with_factors(moved, random.factors().to_vec()).unwrap()
}

fn outputs(graph: &Graph, params: &Params) -> Vec<f64> {
    let data = |input: &Input| {
        let (ty, key) = (graph.ty(input.val), Key::new(11).child(&input.name));
        let number = |i: usize| if ty.dtype.is_float() { key.normal(i as u64) } else { (i % 3) as f64 };
        Tensor::from_fn(ty.shape.clone(), number).convert(ty.dtype)
    };
    let tensors: Vec<Tensor> = graph
        .inputs()
        .iter()
        .map(|input| params.get(&input.name).cloned().unwrap_or_else(|| data(input)))
        .collect();
    let outputs = Cpu::new().compile(graph, &[]).unwrap().run(tensors.iter().map(Argument::from).collect());
    outputs.unwrap().iter().flat_map(Tensor::to_f64_vec).collect()
}

#[track_caller]
fn assert_close(one: &Params, other: &Params, what: &str) {
    for ((name, x), y) in one.iter().zip(other.values()) {
        let largest = x.to_f64_vec().iter().fold(1e-6, |most: f64, x| most.max(x.abs()));
        for (x, y) in x.to_f64_vec().iter().zip(y.to_f64_vec()) {
            assert!((x - y).abs() < 1e-8 * largest, "{what}: {name}: {x} {y}");
        }
    }
}

fn squared_norm(group: &Group, params: &Params) -> f64 {
    let parameters = group.subjects().iter().filter(|subject| subject.role == Role::Parameter);
    let of = |name: &str| -> f64 { params.get(name).unwrap().to_f64_vec().iter().map(|x| x * x).sum() };
    parameters.map(|subject| of(&subject.name)).sum()
}

#[test]
fn points_of_one_orbit_have_one_form_and_compute_what_they_did() {
    for spec in SPECS {
        let (group, params) = set_up(spec, DType::F64);
        let graph = graph_of(spec);
        let expected = outputs(&graph, &params);
        for form in [Form::BALANCED, UNIT] {
            let form_of = |params: &Params| group.canonical(params, form).unwrap();
            let found = form_of(&params);
            for seed in 0..3 {
                let moved = group.act(&element(&group, seed), &params).unwrap();
                assert_close(&found.params, &form_of(&moved).params, &format!("{spec} {form:?}"));
            }
            for (x, y) in expected.iter().zip(outputs(&graph, &found.params)) {
                assert!((x - y).abs() < 1e-10 * (1.0 + x.abs()), "{spec} {form:?}: {x} {y}");
            }
            assert_eq!(group.act(&found.element, &params).unwrap(), found.params, "{spec} {form:?}");
        }
    }
}

#[test]
fn a_form_of_a_form_is_the_same_to_the_bit() {
    for spec in SPECS {
        for dtype in [DType::F32, DType::F64] {
            for form in [Form::BALANCED, UNIT] {
                let (group, params) = set_up(spec, dtype);
                let once = group.canonical(&params, form).unwrap();
                let twice = group.canonical(&once.params, form).unwrap();
                assert!(twice.element.is_identity(), "{spec} {dtype} {form:?}: {twice:?}");
                assert_eq!(once.params, twice.params, "{spec} {dtype} {form:?}");
            }
        }
    }
}

#[test]
fn permutations_and_signs_alone_lead_to_the_same_bits() {
    for spec in SPECS {
        let (group, params) = set_up(spec, DType::F32);
        let form = Form { scaling: None, signs: true, order: true };
        let found = group.canonical(&params, form).unwrap();
        for seed in 0..3 {
            let random = group.random(Key::new(seed));
            let identity = group.identity();
            let unscaled = random.factors().iter().zip(identity.factors()).map(|(random, identity)| {
                Factors { scales: identity.scales.clone(), signs: random.signs.clone() }
            });
            let moved = group.element(random.permutations().to_vec()).unwrap();
            let moved = group.with_factors(moved, unscaled.collect()).unwrap();
            let moved = group.act(&moved, &params).unwrap();
            assert_eq!(group.canonical(&moved, form).unwrap().params, found.params, "{spec}");
        }
    }
}

/// The element with logarithms of all scales in a random direction.
fn along(group: &Group, distance: f64, seed: u64) -> Element {
    let key = Key::new(seed);
    let mut count = 0;
    let mut next = || {
        count += 1;
        (distance * key.normal(count)).exp()
    };
    let factors: Vec<Factors> = group
        .identity()
        .factors()
        .iter()
        .map(|own| Factors {
            scales: own.scales.iter().map(|own| own.iter().map(|_| next()).collect()).collect(),
            signs: own.signs.clone(),
        })
        .collect();
    group.with_factors(group.identity(), factors).unwrap()
}

#[test]
fn balanced_scales_have_the_least_norm_along_the_orbit() {
    let gpt = "gpt:layers=1,width=6,heads=2,context=3,vocab=5";
    for spec in SPECS.iter().copied().chain([gpt]) {
        let (group, params) = set_up(spec, DType::F64);
        if group.generators().iter().all(|generator| generator.scales.is_empty()) {
            continue;
        }
        let form = Form { scaling: Some(Scaling::Balanced), signs: false, order: false };
        let Canonical { params, residual, undetermined, .. } = group.canonical(&params, form).unwrap();
        assert!(residual < 1e-10 && undetermined == 0, "{spec}: {residual} {undetermined}");
        let norm = |distance, seed| {
            squared_norm(&group, &group.act(&along(&group, distance, seed), &params).unwrap())
        };
        let least = norm(0.0, 0);
        for seed in 0..5 {
            let [ahead, behind] = [1e-4, -1e-4].map(|distance| norm(distance, seed));
            let slope = (ahead - behind) / 2e-4;
            assert!(slope.abs() < 1e-6 * least, "{spec}: {slope} of {least}");
            assert!(ahead > least && behind > least && norm(0.5, seed) > least, "{spec}");
        }
    }
}

fn rows(params: &Params, name: &str) -> Vec<f64> {
    let tensor = params.get(name).unwrap();
    let size = tensor.elements() / tensor.shape()[0];
    tensor.to_f64_vec().chunks(size).map(|row| row.iter().map(|x| x * x).sum()).collect()
}

#[test]
fn units_between_two_layers_have_equal_norms_or_unit_ones_by_the_closed_forms() {
    let (group, params) = set_up("mlp:5-7-3", DType::F64);
    let weight = |params: &Params| rows(params, "0.weight");
    let made = |params: &Params| -> Vec<f64> {
        weight(params).iter().zip(rows(params, "0.bias")).map(|(weight, bias)| weight + bias).collect()
    };
    let read = |params: &Params| -> Vec<f64> {
        let values = params.get("2.weight").unwrap().to_f64_vec();
        (0..7).map(|unit| (0..3).map(|row| values[row * 7 + unit].powi(2)).sum()).collect()
    };
    let keep = |scaling| Form { scaling: Some(scaling), signs: false, order: false };
    let balanced = group.canonical(&params, keep(Scaling::Balanced)).unwrap().params;
    let unit = group.canonical(&params, keep(Scaling::Unit)).unwrap().params;
    for at in 0..7 {
        let product = made(&params)[at] * read(&params)[at];
        assert!((made(&balanced)[at] - product.sqrt()).abs() < 1e-12 * product);
        assert!((read(&balanced)[at] - product.sqrt()).abs() < 1e-12 * product);
        let product = weight(&params)[at] * read(&params)[at];
        assert!(
            (weight(&unit)[at] - 1.0).abs() < 1e-12 && (read(&unit)[at] - product).abs() < 1e-11 * product
        );
    }
    let ordered = group.canonical(&params, Form::BALANCED).unwrap().params;
    assert!(made(&ordered).windows(2).all(|pair| pair[0] >= pair[1]));
}

#[test]
fn every_channel_of_a_stage_and_of_its_branches_is_made_by_unit_weights() {
    let (group, params) = set_up("resnet8:width=0.125,in=2x6x5,norm=none", DType::F64);
    let found = group.canonical(&params, UNIT).unwrap();
    for name in
        ["conv1", "layer1.0.conv1", "layer2.0.conv1", "layer2.0.conv2", "layer3.0.conv1", "layer3.0.conv2"]
    {
        let norms = rows(&found.params, &format!("{name}.weight"));
        assert!(norms.iter().all(|norm| (norm - 1.0).abs() < 1e-9), "{name}: {norms:?}");
    }
}

#[test]
fn signs_make_the_largest_weight_of_each_unit_positive() {
    let (group, params) = set_up("mlp:5-7-3,act=tanh", DType::F64);
    let found = group.canonical(&params, Form { scaling: None, signs: true, order: false }).unwrap();
    for row in found.params.get("0.weight").unwrap().to_f64_vec().chunks(5) {
        let largest = row.iter().fold(0.0, |most: f64, x| if x.abs() > most.abs() { *x } else { most });
        assert!(largest > 0.0, "{row:?}");
    }
}

#[test]
fn dead_units_keep_their_scales() {
    let (group, mut params) = set_up("mlp:5-7-6-3", DType::F64);
    let without = |params: &mut Params, name: &str, is_dead: &dyn Fn(usize) -> bool| {
        let tensor = params.get_mut(name).unwrap();
        let values = tensor.to_f64_vec();
        *tensor = Tensor::from_fn(tensor.shape().clone(), |i| if is_dead(i) { 0.0 } else { values[i] });
    };
    // Unit 2 of the first layer is made by nothing; of the second, unit 4 is read by nothing.
    without(&mut params, "0.weight", &|i| i / 5 == 2);
    without(&mut params, "0.bias", &|i| i == 2);
    without(&mut params, "4.weight", &|i| i % 6 == 4);
    for (form, undetermined) in [(Form::BALANCED, 2), (UNIT, 1)] {
        let found = group.canonical(&params, Form { order: false, ..form }).unwrap();
        assert_eq!(found.undetermined, undetermined);
        assert_eq!(found.element.factors()[0].scales[0][2], 1.0);
        assert!(found.params.values().all(|tensor| tensor.first_non_finite().is_none()));
        let again = group.canonical(&found.params, Form { order: false, ..form }).unwrap();
        assert_eq!(again.params, found.params);
    }
    let nothing = params.with_values(
        params.values().map(|tensor| Tensor::zeros(DType::F64, tensor.shape().clone())).collect(),
    );
    assert_eq!(group.canonical(&nothing, Form::BALANCED).unwrap().params, nothing);
    *params.get_mut("2.bias").unwrap() = Tensor::from_fn([6], |_| f64::NAN);
    let error = group.canonical(&params, Form::BALANCED).unwrap_err();
    assert!(matches!(error, SymmetryError::NotFinite { position: 0, .. }), "{error}");
}
