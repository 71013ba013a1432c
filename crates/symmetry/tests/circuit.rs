//! Matching modulo matrices: planted elements are found, the distance never rises, and functions are kept.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod common;

use common::{outputs, random_params};
use graph::Graph;
use isoloss_symmetry::{
    Element, Folding, Group, SymmetryError, infer, infer_folded,
    matching::circuit::{CircuitMatching, Optimality, Options, Proof, circuit_matching},
};
use models::{Model, Params};
use tensor::{DType, Key, parallel};

const GPT: &str = "gpt:layers=2,width=6,heads=3,context=3,vocab=7";
const VIT: &str = "vit:layers=1,width=6,heads=2,hidden=5,in=2x8x8";
/// Three queries in each of two groups, with rotary positions.
const LLAMA: &str = "llama:layers=2,width=8,heads=6,key_heads=2,depth=4,hidden=5,context=3,vocab=9";

fn graph_of(spec: &str) -> Graph {
    Model::parse(spec).unwrap().forward(2, DType::F64)
}

fn folded(folding: &Folding, graph: &Graph, seed: u64) -> Params {
    folding.fold(&random_params(graph, DType::F64, Key::new(seed))).unwrap()
}

fn search(group: &Group, a: &Params, b: &Params) -> CircuitMatching {
    circuit_matching(group, a, b, &Options::default(), &mut |_, _| {}).unwrap()
}

/// A random element that scales nothing.
fn unscaled(group: &Group, key: Key) -> Element {
    let random = group.random(key);
    let mut factors = random.factors().to_vec();
    factors.iter_mut().flat_map(|own| &mut own.scales).flatten().for_each(|scale| *scale = 1.0);
    group.with_factors(random, factors).unwrap()
}

fn norm(params: &Params) -> f64 {
    params.values().flat_map(tensor::Tensor::to_f64_vec).map(|x| x * x).sum::<f64>().sqrt()
}

#[test]
fn planted_permutations_matrices_and_rotations_are_found() {
    for spec in [GPT, VIT, LLAMA] {
        let graph = graph_of(spec);
        let folding = infer_folded(&graph);
        let a = folded(&folding, &graph, 1);
        for seed in 0..3 {
            let b = folding.folded.act(&unscaled(&folding.folded, Key::new(seed)), &a).unwrap();
            let found = search(&folding.folded, &a, &b);
            let relative = found.distance() / norm(&a);
            assert!(relative < 1e-6, "{spec}, seed {seed}: {relative}, {:?}", found.best());
            let back = folding.folded.act(&found.element, &b).unwrap();
            for (before, after) in outputs(&graph, &a).iter().zip(outputs(&graph, &back)) {
                assert!((before - after).abs() < 1e-6, "{spec}, seed {seed}: {before} {after}");
            }
        }
    }
}

#[test]
fn the_distance_of_unlike_networks_never_rises_and_their_functions_stay() {
    for spec in [GPT, VIT, LLAMA] {
        let graph = graph_of(spec);
        let folding = infer_folded(&graph);
        let [a, b] = [1, 2].map(|seed| folded(&folding, &graph, seed));
        let found = search(&folding.folded, &a, &b);
        let distances = &found.best().distances;
        assert!(distances.windows(2).all(|pair| pair[1] <= pair[0]), "{spec}: {distances:?}");
        assert!(
            found.best().converged && found.distance() < found.identity_distance,
            "{spec}: {distances:?}"
        );
        let moved = folding.folded.act(&found.element, &b).unwrap();
        for (before, after) in outputs(&graph, &b).iter().zip(outputs(&graph, &moved)) {
            assert!((before - after).abs() < 1e-8 * before.abs().max(1.0), "{spec}: {before} {after}");
        }
        for proof in &found.proofs {
            match proof {
                Proof::Exchange { certificate, .. } => assert!(certificate.holds(), "{spec}: {proof:?}"),
                Proof::Matrix { optimality: Optimality::Polar { asymmetry, least_eigenvalue }, .. } => {
                    assert!(*asymmetry < 1e-2 && *least_eigenvalue > -1e-2, "{spec}: {proof:?}");
                }
                Proof::Matrix { optimality: Optimality::Stationary { slope }, .. } => {
                    assert!(*slope < 1e-2, "{spec}: {proof:?}");
                }
            }
        }
    }
}

#[test]
fn without_matrices_the_signs_of_units_are_found_with_their_places() {
    let graph = graph_of("mlp:5-6-4-3,act=tanh");
    let (group, a) = (infer(&graph), random_params(&graph, DType::F64, Key::new(1)));
    let b = group.act(&group.random(Key::new(2)), &a).unwrap();
    let found = search(&group, &a, &b);
    assert_eq!(group.act(&found.element, &b).unwrap(), a);
}

#[test]
fn equal_inputs_give_equal_bits_for_any_number_of_threads() {
    let graph = graph_of(LLAMA);
    let folding = infer_folded(&graph);
    let [a, b] = [1, 2].map(|seed| folded(&folding, &graph, seed));
    let options = Options { restarts: 2, max_rounds: 2, ..Options::default() };
    let run = || circuit_matching(&folding.folded, &a, &b, &options, &mut |_, _| {}).unwrap();
    let [one, many] = [1, 4].map(|threads| parallel::with_threads(threads, run).unwrap());
    assert_eq!(one, many);
    assert_eq!(one.starts.len(), 3);
}

#[test]
fn what_cannot_be_matched_is_refused() {
    let graph = graph_of(GPT);
    let folding = infer_folded(&graph);
    let a = folded(&folding, &graph, 1);
    let none = Options { max_rounds: 0, ..Options::default() };
    let error = circuit_matching(&folding.folded, &a, &a, &none, &mut |_, _| {}).unwrap_err();
    assert!(matches!(error, SymmetryError::Zero { .. }), "{error}");
    let mut broken = a.clone();
    *broken.get_mut("lm_head.weight").unwrap() = tensor::Tensor::full([7, 6], f64::NAN);
    let error = circuit_matching(&folding.folded, &a, &broken, &Options::default(), &mut |_, _| {});
    assert!(matches!(error, Err(SymmetryError::NonFinite { .. })), "{error:?}");
}
