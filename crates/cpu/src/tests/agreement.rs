//! Agreement with the reference evaluator.

use graph::{Builder, Reference, Ty};
use tensor::{DType, Key, Tensor};

use testkit::random::Numbers;

use super::{BEST, random, run};
use crate::{isa::Isa, program::Options};

fn reference(graph: &graph::Graph, arguments: &[Tensor]) -> Vec<Tensor> {
    Reference::evaluate(graph, &arguments.iter().collect::<Vec<_>>()).expect("the arguments fit")
}

#[test]
fn random_graphs_of_exact_operations_equal_the_reference() {
    for seed in 0..60 {
        for dtype in [DType::F32, DType::F64] {
            let (graph, arguments) = random(Key::new(seed), dtype, Numbers::Integers, 40);
            // Sums of nothing but negative zeros may differ in the sign of zero.
            let positive = |tensors: Vec<Tensor>| -> Vec<Vec<f64>> {
                tensors.iter().map(|tensor| tensor.to_f64_vec().iter().map(|x| x + 0.0).collect()).collect()
            };
            let (expected, found) = (reference(&graph, &arguments), run(&graph, &arguments, BEST()));
            assert_eq!(positive(expected), positive(found), "seed {seed}, {dtype}\n{graph:?}");
        }
    }
}

#[test]
fn random_smooth_graphs_agree_with_the_reference_up_to_rounding() {
    for seed in 0..60 {
        for (dtype, tolerance) in [(DType::F32, 2e-4), (DType::F64, 1e-12)] {
            let (graph, arguments) = random(Key::new(1000 + seed), dtype, Numbers::Smooth, 30);
            let (expected, found) = (reference(&graph, &arguments), run(&graph, &arguments, BEST()));
            for (expected, found) in expected.iter().zip(&found) {
                assert_eq!(expected.shape(), found.shape());
                for (e, f) in expected.to_f64_vec().iter().zip(found.to_f64_vec()) {
                    let close = (e - f).abs() <= tolerance * e.abs().max(1.0);
                    assert!(close, "seed {seed}, {dtype}: expected {e}, found {f}");
                }
            }
        }
    }
}

#[test]
fn nan_and_infinities_spread_as_in_the_reference() {
    let specials = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, -0.0, 1.0, f32::MIN_POSITIVE / 2.0];
    let count = specials.len();
    let x = Tensor::from_fn([count, count], |i| specials[i / count]);
    let y = Tensor::from_fn([count, count], |i| specials[i % count]);
    let mut b = Builder::new("specials");
    let (p, q) = (b.data("x", Ty::of(&x)), b.data("y", Ty::of(&y)));
    let results = [
        b.add(p, q),
        b.multiply(p, q),
        b.divide(p, q),
        b.maximum(p, q),
        b.minimum(p, q),
        b.sign(p),
        b.abs(p),
        b.sqrt(p),
        b.rsqrt(p),
        b.reduce_max(p, &[0]),
        b.reduce_max(p, &[1]),
        b.reduce_sum(p, &[1]),
    ];
    for (position, result) in results.into_iter().enumerate() {
        b.output(position.to_string(), result);
    }
    let (graph, arguments) = (b.finish(), [x, y]);
    let normal = |tensors: Vec<Tensor>| -> Vec<Vec<u64>> {
        // All NaN are one, and so are both zeros.
        let normal = |x: &f64| if x.is_nan() { u64::MAX } else { (x + 0.0).to_bits() };
        tensors.iter().map(|tensor| tensor.to_f64_vec().iter().map(normal).collect()).collect()
    };
    let expected = normal(reference(&graph, &arguments));
    for isa in Isa::available() {
        let found = run(&graph, &arguments, Options { isa, ..BEST() });
        assert_eq!(expected, normal(found), "{isa:?}");
    }
}

#[test]
fn tensors_without_elements_pass_through() {
    let mut b = Builder::new("empty");
    let x = b.data("x", Ty::f32([0, 3]));
    let w = b.data("w", Ty::f32([2, 3]));
    let y = b.dot_transposed(x, w);
    let z = b.exp(y);
    let sums = b.reduce_sum(z, &[0]);
    let outer = b.dot_general(
        graph::ops::DotGeneral { lhs_contract: vec![0], rhs_contract: vec![0], ..Default::default() },
        x,
        x,
    );
    for (name, val) in [("z", z), ("sums", sums), ("outer", outer)] {
        b.output(name, val);
    }
    let graph = b.finish();
    let arguments = [Tensor::zeros(DType::F32, [0, 3]), Tensor::full([2, 3], 1f32)];
    let (expected, found) = (reference(&graph, &arguments), run(&graph, &arguments, BEST()));
    assert_eq!(expected, found);
}

#[test]
fn a_batch_of_products_over_nothing_is_zero() {
    let mut b = Builder::new("nothing to sum");
    let x = b.data("x", Ty::f32([3, 4, 0]));
    let op = graph::ops::DotGeneral {
        lhs_batch: vec![0],
        rhs_batch: vec![0],
        lhs_contract: vec![2],
        rhs_contract: vec![2],
    };
    let products = b.dot_general(op, x, x);
    b.output("products", products);
    let arguments = [Tensor::zeros(DType::F32, [3, 4, 0])];
    assert_eq!(run(&b.finish(), &arguments, BEST()), [Tensor::zeros(DType::F32, [3, 4, 4])]);
}
