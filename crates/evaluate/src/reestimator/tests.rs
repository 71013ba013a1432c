use graph::Reference;
use models::Init;
use serde::Deserialize;
use tensor::Key;

use super::*;

const SPEC: &str = "mlp:3-4-5-2,norm=batch";

/// Made by `tests/goldens/make.py`.
#[derive(Deserialize)]
struct Golden {
    batch: usize,
    weights: std::collections::BTreeMap<String, Vec<f32>>,
    x: Vec<f32>,
    buffers: std::collections::BTreeMap<String, Vec<f64>>,
}

fn golden() -> (Golden, Model, Params, Dataset) {
    let golden: Golden = serde_json::from_str(include_str!("../../tests/goldens/update_bn.json")).unwrap();
    let model = Model::parse(SPEC).unwrap();
    let mut params = model.init(Init::PyTorch, Key::new(0));
    for (name, elements) in &golden.weights {
        let tensor = params.get_mut(name).unwrap();
        *tensor = Tensor::new(tensor.shape().clone(), elements.clone()).unwrap();
    }
    let count = golden.x.len() / 3;
    let x = Tensor::new([count, 3], golden.x.clone()).unwrap();
    let data = Dataset::new("golden", 2, x, Tensor::from_fn([count], |_| 0)).unwrap();
    (golden, model, params, data)
}

/// In the order of the examples, in chunks of this length.
fn in_order(model: &Model, params: &Params, data: &Dataset, count: usize, chunk: usize) -> Params {
    let sample = Sample::in_order(data.clone(), (0..count).collect(), chunk);
    let mut reestimator = Reestimator::on(&Reference, model, sample).unwrap();
    reestimator.apply(params).unwrap()
}

#[test]
fn statistics_are_those_of_pytorch_s_update_bn() {
    let (golden, model, params, data) = golden();
    let found = in_order(&model, &params, &data, data.len(), golden.batch);
    assert_eq!(golden.buffers.len(), 4);
    for (name, expected) in &golden.buffers {
        for (found, expected) in found.get(name).unwrap().to_f64_vec().into_iter().zip(expected) {
            assert!(
                (found - expected).abs() <= 4.0 * f64::from(f32::EPSILON) * expected.abs().max(0.1),
                "{name}"
            );
        }
    }
    for (name, _) in model.parameters() {
        assert_eq!(found.get(&name), params.get(&name));
    }
}

#[test]
fn statistics_before_have_no_influence() {
    let (golden, model, mut params, data) = golden();
    let found = in_order(&model, &params, &data, data.len(), golden.batch);
    for (name, shape) in model.buffers() {
        *params.get_mut(&name).unwrap() = Tensor::full(shape, f32::NAN);
    }
    assert_eq!(in_order(&model, &params, &data, data.len(), golden.batch), found);
}

#[test]
fn a_chunk_counts_by_its_examples_and_takes_what_is_left() {
    let (_, model, params, data) = golden();
    let both = in_order(&model, &params, &data, 5, 2);
    let first = in_order(&model, &params, &data, 2, 2);
    let last = {
        let sample = Sample::in_order(data, vec![2, 3, 4], 3);
        let mut reestimator = Reestimator::on(&Reference, &model, sample).unwrap();
        reestimator.apply(&params).unwrap()
    };
    for (name, _) in model.buffers() {
        let of = |params: &Params| params.get(&name).unwrap().to_f64_vec();
        for ((both, first), last) in of(&both).into_iter().zip(of(&first)).zip(of(&last)) {
            assert!((both - (2.0 * first + 3.0 * last) / 5.0).abs() < 1e-6, "{name}");
        }
    }
}

#[test]
fn the_whole_data_set_is_taken_where_nothing_else_is_said() {
    let (_, model, params, data) = golden();
    let reestimator = |examples| Reestimator::new(&Reference, &model, &data, examples).unwrap().unwrap();
    assert_eq!((reestimator(None).examples(), reestimator(Some(7)).examples()), (data.len(), 7));
    let all = reestimate(&Reference, &model, &params, &data).unwrap();
    assert_eq!(reestimator(None).apply(&params).unwrap(), all);
}

#[test]
fn a_network_without_statistics_stays_as_it_is() {
    let (_, _, _, data) = golden();
    let model = Model::parse("mlp:3-4-2,norm=layer").unwrap();
    let params = model.init(Init::PyTorch, Key::new(0));
    assert!(Reestimator::new(&Reference, &model, &data, None).unwrap().is_none());
    assert_eq!(reestimate(&Reference, &model, &params, &data).unwrap(), params);
}

#[test]
fn a_team_gives_the_bits_of_one() {
    let (_, model, params, data) = golden();
    let order: Vec<usize> = (0..data.len()).collect();
    let apply = |executor: &dyn Executor| {
        let sample = Sample::in_order(data.clone(), order.clone(), 2);
        let mut reestimator = Reestimator::on(executor, &model, sample).unwrap();
        reestimator.apply(&params).unwrap()
    };
    let team = testkit::team::Team::of(3, || Box::new(Reference));
    assert_eq!(apply(&team), apply(&Reference));
}

#[test]
fn parameters_of_another_model_are_refused() {
    let (_, model, _, data) = golden();
    let params = Model::parse("mlp:3-4-2").unwrap().init(Init::PyTorch, Key::new(0));
    let error = reestimate(&Reference, &model, &params, &data).unwrap_err().to_string();
    assert!(
        error.contains("does not fit") || error.contains("missing") || error.contains("no parameter"),
        "{error}"
    );
}
