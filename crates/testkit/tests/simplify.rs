//! Simplification keeps the results and removes what it promises to remove.

use graph::{Builder, Def, Graph, Prim, Reference, Ty};
use isoloss_testkit::{composite, sample};
use tensor::{Key, Tensor};
use transform::{grad, hvp, simplify};

fn applications(graph: &Graph) -> usize {
    graph.vals().filter(|&val| matches!(graph.def(val), Def::Apply { .. })).count()
}

#[test]
fn results_of_random_graphs_and_their_tangents_stay_equal() {
    for seed in 0..30 {
        let key = Key::new(seed);
        let graph = composite::random_graph(key, 10);
        let forward = transform::jvp(&graph, &[0, 1, 2]);
        let point: Vec<Tensor> =
            (0..6).map(|k| sample::normal(&Ty::f64([3, 3]), key.child("point").fold(k))).collect();
        let arguments: Vec<&Tensor> = point.iter().collect();
        let simple = simplify(&forward);
        assert!(simple.len() <= forward.len());
        let (before, after) = (
            Reference::evaluate(&forward, &arguments).unwrap(),
            Reference::evaluate(&simple, &arguments).unwrap(),
        );
        assert_eq!(before, after);
        assert_eq!(simplify(&simple), simple, "simplification is idempotent");
    }
}

#[test]
fn equal_applications_are_shared_and_dead_ones_dropped() {
    let mut b = Builder::new("shared");
    let x = b.data("x", Ty::f64([2]));
    let (first, second) = (b.tanh(x), b.tanh(x));
    let _dead = b.exp(x);
    let sum = b.add(first, second);
    b.output("sum", sum);
    assert_eq!(applications(&simplify(&b.finish())), 2);
}

#[test]
fn constants_fold_and_neutral_elements_vanish() {
    let mut b = Builder::new("folded");
    let x = b.data("x", Ty::f64([2]));
    let two = b.splat_like(x, 2.0);
    let three = b.splat_like(x, 3.0);
    let minus_six = b.splat_like(x, -6.0);
    let product = b.multiply(two, three);
    let zero = b.add(product, minus_six);
    let same = b.add(x, zero);
    b.output("same", same);
    let simple = simplify(&b.finish());
    assert_eq!(applications(&simple), 0);
}

#[test]
fn the_gradient_of_a_relu_network_has_no_spare_applications() {
    let mut b = Builder::new("network");
    let w = b.parameter("w", Ty::f64([3, 4]));
    let x = b.data("x", Ty::f64([5, 4]));
    let pre = b.dot_transposed(x, w);
    let hidden = b.relu(pre);
    let loss = b.reduce_sum(hidden, &[0, 1]);
    b.output("loss", loss);
    let simple = grad(&b.finish(), 0, &[0]);
    let names: Vec<&str> = simple
        .vals()
        .filter_map(|val| match simple.def(val) {
            Def::Apply { op, .. } => Some(op.name()),
            Def::Input(_) => None,
        })
        .collect();
    let count = |name: &str| names.iter().filter(|&&other| other == name).count();
    assert_eq!((count("dot_general"), count("transpose"), count("compare"), count("add")), (2, 0, 1, 0));
}

#[test]
fn the_hessian_of_a_quadratic_is_its_matrix() {
    let mut b = Builder::new("quadratic");
    let x = b.data("x", Ty::f64([2]));
    let matrix = b.constant(Tensor::new([2, 2], vec![2.0, 1.0, 1.0, 3.0]).unwrap());
    let op = graph::ops::DotGeneral { lhs_contract: vec![1], rhs_contract: vec![0], ..Default::default() };
    let product = b.dot_general(op, matrix, x);
    let weighted = b.multiply(x, product);
    let loss = b.reduce_sum(weighted, &[0]);
    b.output("loss", loss);
    let graph = hvp(&b.finish(), 0, &[0]);
    let (point, direction) =
        (Tensor::new([2], vec![5.0, 7.0]).unwrap(), Tensor::new([2], vec![1.0, -1.0]).unwrap());
    let results = Reference::evaluate(&graph, &[&point, &direction]).unwrap();
    assert_eq!(results.last().unwrap().as_slice::<f64>().unwrap(), [2.0, -4.0]);
}

#[test]
fn a_third_derivative_is_right() {
    let mut b = Builder::new("sine-like");
    let x = b.data("x", Ty::f64([]));
    let y = b.tanh(x);
    b.output("y", y);
    let third = grad(&grad(&grad(&b.finish(), 0, &[0]), 1, &[0]), 2, &[0]);
    let x = 0.3f64;
    let results = Reference::evaluate(&third, &[&Tensor::scalar(x)]).unwrap();
    let (t, s) = (x.tanh(), 1.0 - x.tanh().powi(2));
    let expected = -2.0 * s * (s - 2.0 * t * t);
    let found = results.last().unwrap().as_slice::<f64>().unwrap()[0];
    assert!((found - expected).abs() < 1e-14, "{found} {expected}");
    assert!(matches!(third.def(third.inputs()[0].val), Def::Input(0)));
    assert!(Prim::NAMES.contains(&"tanh"));
}
