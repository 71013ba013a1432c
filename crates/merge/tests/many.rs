//! Bringing many networks together.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use cpu::Cpu;
use isoloss_merge::{MergeError, Together, hierarchical, merge_many};
use models::{Init, Model, Params};
use symmetry::{Group, infer, matching};
use tensor::{DType, Key, Tensor};

fn model() -> (Model, Group) {
    let model = Model::parse("mlp:6-16-12-4").unwrap();
    let group = infer(&model.forward(1, DType::F64)).permutations();
    (model, group)
}

/// Copies of one network with noise of a tenth of its deviation, each with its units in another order.
fn copies(model: &Model, group: &Group, count: u64) -> Vec<Params> {
    let own = model.init(Init::PyTorch, Key::new(1));
    let copy = |number: u64| {
        let key = Key::new(100 + number);
        let noisy = own.iter().map(|(name, tensor)| {
            let (key, values) = (key.child(name), tensor.to_f64_vec());
            Tensor::from_fn(tensor.shape().clone(), |at| (values[at] + 0.02 * key.normal(at as u64)) as f32)
        });
        group.act(&group.random_permutation(key), &own.with_values(noisy.collect())).unwrap()
    };
    (0..count).map(copy).collect()
}

fn by(method: &str, group: &Group, networks: &[Params]) -> Together {
    let all: Vec<&Params> = networks.iter().collect();
    let executor = Cpu::default();
    let mut found = |to: &Params, from: &Params| {
        let options = matching::Options::default();
        Ok::<_, MergeError>(matching::weight_matching(&executor, group, to, from, &options)?.element)
    };
    match method {
        "many" => merge_many(group, &all, Key::new(7), &mut found).unwrap(),
        _ => hierarchical(group, &all, &mut found).unwrap(),
    }
}

#[test]
fn copies_come_together_but_for_their_noise() {
    let (model, group) = model();
    for count in [2, 5, 8] {
        let networks = copies(&model, &group, count);
        let noise = 0.02 * (model.elements() as f64 * (count - 1) as f64 / count as f64).sqrt();
        for method in ["many", "tree"] {
            let found = by(method, &group, &networks);
            let (first, last) = (found.distances[0], *found.distances.last().unwrap());
            assert!(
                first > 5.0 * noise && (last / noise - 1.0).abs() < 0.1,
                "{method} {count}: {first} {last} {noise}"
            );
            assert!(found.distances.is_sorted_by(|before, after| after <= before), "{:?}", found.distances);
            assert_eq!(found, by(method, &group, &networks), "the same once more");
        }
    }
}

#[test]
fn networks_that_are_together_stay() {
    let (model, group) = model();
    let own = model.init(Init::PyTorch, Key::new(1));
    for method in ["many", "tree"] {
        let found = by(method, &group, &[own.clone(), own.clone(), own.clone()]);
        assert!(found.networks.iter().all(|network| *network == own));
        assert_eq!(found.distances[0], 0.0);
        let alone = std::slice::from_ref(&own);
        assert_eq!(by(method, &group, alone).networks, alone);
    }
}

#[test]
fn networks_that_are_not_alike_are_refused() {
    let (model, group) = model();
    let own = model.init(Init::PyTorch, Key::new(1));
    let other = Model::parse("mlp:6-16-11-4").unwrap().init(Init::PyTorch, Key::new(1));
    let mut never = |_: &Params, _: &Params| -> Result<_, MergeError> { unreachable!("refused before") };
    let error = merge_many(&group, &[&own, &other], Key::new(0), &mut never).unwrap_err().to_string();
    assert!(error.starts_with("networks 1 and 2 have different architectures"), "{error}");
    let error = hierarchical(&group, &[], &mut never).unwrap_err().to_string();
    assert!(error.starts_with("cannot average no networks"), "{error}");
}
