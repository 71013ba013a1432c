//! How two networks are related: controls of every answer.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod common;

use cpu::Cpu;
use isoloss_symmetry::{
    Group, infer,
    matching::kinship::{Kinship, Options, Relation, examine},
};
use models::{Init, Model, Params};
use tensor::{DType, Key, Tensor, parallel};

const SPEC: &str = "mlp:20-32-32-5";

fn group(spec: &str) -> Group {
    infer(&Model::parse(spec).unwrap().forward(1, DType::F32))
}

fn examined(a: &Params, b: &Params) -> Kinship {
    examine(&Cpu::new(), &group(SPEC), a, b, &Options::default()).unwrap()
}

fn network(seed: u64) -> Params {
    Model::parse(SPEC).unwrap().init(Init::PyTorch, Key::new(seed))
}

/// `network` plus noise of so many times the standard deviation of a weight.
fn noisy(params: &Params, noise: f64, seed: u64) -> Params {
    let disturbed = |(name, tensor): (&str, &Tensor)| {
        let key = Key::new(seed).child(name);
        let values = tensor.to_f64_vec();
        let deviation = (values.iter().map(|x| x * x).sum::<f64>() / values.len() as f64).sqrt();
        Tensor::from_fn(tensor.shape().clone(), |at| {
            (values[at] + noise * deviation * key.normal(at as u64)) as f32
        })
    };
    params.with_values(params.iter().map(disturbed).collect())
}

#[test]
fn a_copy_and_a_disturbed_copy_have_a_common_ancestor() {
    let a = network(1);
    let same = examined(&a, &a);
    assert_eq!((same.relation, same.share()), (Relation::SameAncestor, 1.0));
    for noise in [0.1, 0.5, 1.0] {
        let found = examined(&a, &noisy(&a, noise, 2));
        assert_eq!(found.relation, Relation::SameAncestor, "noise {noise}: {found:?}");
        assert_eq!(found.arrangements.chance(found.cosine), 0.01);
        assert!(found.surrogates.values().is_empty());
    }
}

#[test]
fn a_rearranged_copy_is_told_and_undone() {
    let (a, group) = (network(1), group(SPEC));
    let b = group.act(&group.random_permutation(Key::new(3)), &a).unwrap();
    let found = examined(&a, &b);
    assert_eq!(found.relation, Relation::Rearranged);
    assert_eq!(group.act(&found.element, &b).unwrap(), a);
    assert!(found.cosine < 0.2 && found.matched_cosine > 1.0 - 1e-9);
    for cosine in &found.parameters {
        assert!(cosine.after.unwrap() > 1.0 - 1e-9, "{cosine:?}");
    }
}

/// Two networks that see the same features, each in an arrangement of its own.
fn related(seed: u64) -> [Params; 2] {
    let group = group(SPEC);
    let common = network(seed);
    [1, 2].map(|network| {
        let own = noisy(&common, 0.7, 10 * seed + network);
        group.act(&group.random_permutation(Key::new(seed).fold(network)), &own).unwrap()
    })
}

#[test]
fn networks_with_common_features_are_independent() {
    for seed in 0..5 {
        let [a, b] = related(seed);
        let found = examined(&a, &b);
        assert_eq!(found.relation, Relation::Independent, "seed {seed}: {found:?}");
        assert_eq!(found.surrogates.chance(found.matched_cosine), 0.05);
    }
}

#[test]
fn untrained_networks_have_nothing_to_match() {
    let relations = (0..20).map(|seed| examined(&network(100 + seed), &network(200 + seed)).relation);
    let relations: Vec<Relation> = relations.collect();
    let unrelated = relations.iter().filter(|&&relation| relation == Relation::Unrelated).count();
    assert!(unrelated >= 17, "{unrelated} of 20, where 19 are expected");
    assert!(!relations.contains(&Relation::SameAncestor));
}

#[test]
fn the_answer_is_the_same_for_any_number_of_threads() {
    let [a, b] = related(7);
    let [one, four] = [1, 4].map(|threads| parallel::with_threads(threads, || examined(&a, &b)).unwrap());
    assert_eq!(one, four);
}

#[test]
fn where_nothing_can_be_rearranged_the_surrogates_decide() {
    let model = Model::parse("mlp:20-5").unwrap();
    let group = group("mlp:20-5");
    let [a, other] = [1, 2].map(|seed| model.init(Init::PyTorch, Key::new(seed)));
    let relation = |b: &Params| examine(&Cpu::new(), &group, &a, b, &Options::default()).unwrap().relation;
    assert_eq!(relation(&noisy(&a, 0.5, 3)), Relation::SameAncestor);
    assert_eq!(relation(&other), Relation::Unrelated);
}

#[test]
fn zero_parameters_have_no_cosine_and_no_draws_are_refused() {
    let mut a = network(1);
    *a.get_mut("0.bias").unwrap() = Tensor::zeros(DType::F32, [32]);
    let found = examined(&a, &network(2));
    let bias = found.parameters.iter().find(|cosine| cosine.parameter == "0.bias").unwrap();
    assert_eq!((bias.before, bias.after), (None, None));
    let none = Options { surrogates: 0, ..Options::default() };
    let error = examine(&Cpu::new(), &group(SPEC), &a, &a, &none).unwrap_err();
    assert_eq!(error.to_string(), "surrogates of a network: expected at least 1, found 0");
}
