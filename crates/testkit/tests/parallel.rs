//! Work that is cut into shards gives what the whole gives.

use std::ops::Range;

use graph::{Reference, Ty};
use isoloss_testkit as testkit;
use tensor::{Key, Tensor};
use testkit::network::relu_network_for;
use transform::{Linearised, ParallelLinearisation, RESIDUAL_BUDGET_BYTES, hvp, shards};

#[test]
fn the_products_of_shards_add_up_to_that_of_the_batch() {
    let (sizes, count) = ([4, 6, 5, 3], 5);
    let whole = relu_network_for(&sizes, count);
    let point = testkit::network::point(&whole, Key::new(1));
    let (weights, data) = point.split_at(3);
    let ranges = shards(count, 3);
    let halves = |shard: &Range<usize>| {
        let graph = relu_network_for(&sizes, shard.len());
        let halves = Linearised::hvp(&graph, 0, &[0, 1, 2], RESIDUAL_BUDGET_BYTES);
        (halves, shard.len() as f64 / count as f64)
    };
    let parts: Vec<Vec<Tensor>> = ranges
        .iter()
        .map(|shard| data.iter().map(|tensor| tensor.parts(shard.clone()).unwrap()).collect())
        .collect();
    let mut product =
        ParallelLinearisation::compile(&Reference, ranges.iter().map(halves).collect()).unwrap();
    let points: Vec<Vec<&Tensor>> = parts.iter().map(|part| weights.iter().chain(part).collect()).collect();
    let mut product = product.at(&points).unwrap();
    assert_eq!(product.results().count(), 3);
    let tangents: Vec<Tensor> =
        weights.iter().map(|x| testkit::sample::normal(&Ty::of(x), Key::new(2))).collect();
    let all: Vec<&Tensor> = point.iter().chain(&tangents).collect();
    let expected = Reference::evaluate(&hvp(&whole, 0, &[0, 1, 2]), &all).unwrap();
    let found = product.apply(&tangents.iter().collect::<Vec<_>>()).unwrap();
    for (found, expected) in found.iter().zip(&expected[expected.len() - 3..]) {
        for (x, y) in found.to_f64_vec().iter().zip(expected.to_f64_vec()) {
            assert!((x - y).abs() < 1e-13, "{x} instead of {y}");
        }
    }
}
