//! Derivatives of pooling.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use graph::{Builder, Def, Graph, Reference, Ty, ops::Window};
use isoloss_testkit::laws;
use tensor::{Key, Tensor};
use transform::{Rules, grad, hvp, simplify};

/// The sum of the squares of what a pool makes of a line.
fn squares(pool: impl FnOnce(&mut Builder, graph::Val) -> graph::Val, size: usize) -> Graph {
    let mut b = Builder::new("squares");
    let x = b.data("x", Ty::f64([1, size, 1]));
    let pooled = pool(&mut b, x);
    let square = b.multiply(pooled, pooled);
    let sum = b.reduce_sum(square, &[0, 1, 2]);
    b.output("sum", sum);
    b.finish()
}

fn gradient(graph: &Graph, x: &[f64]) -> Vec<f64> {
    let x = Tensor::from_fn([1, x.len(), 1], |i| x[i]);
    Reference::evaluate(&grad(graph, 0, &[0]), &[&x]).unwrap()[1].to_f64_vec()
}

#[test]
fn the_first_of_equal_maxima_has_the_derivative() {
    let graph = squares(|b, x| b.max_pool(x, &[Window::sliding(3, 2, 0)]), 5);
    assert_eq!(gradient(&graph, &[1.0, 3.0, 3.0, 3.0, 3.0]), [0.0, 6.0, 6.0, 0.0, 0.0]);
}

#[test]
fn a_mean_over_a_window_shares_its_derivative() {
    let graph = squares(|b, x| b.average_pool(x, &[Window::sliding(2, 1, 0)]), 3);
    assert_eq!(gradient(&graph, &[1.0, 3.0, 5.0]), [2.0, 6.0, 4.0]);
}

#[test]
fn pools_obey_the_laws_away_from_ties() {
    let point = Tensor::from_fn([1, 7, 1], |i| [0.3, 2.0, -1.0, 4.0, 1.2, -2.0, 3.1][i]);
    let windows = [Window { high: 2, ..Window::sliding(3, 2, 1) }];
    let max = squares(|b, x| b.max_pool(x, &windows), 7);
    let mean = squares(|b, x| b.average_pool(x, &windows), 7);
    for graph in [max, mean] {
        laws::all(Rules::own(), &graph, std::slice::from_ref(&point), Key::new(3)).unwrap();
    }
}

#[test]
fn a_second_derivative_of_a_maximum_chooses_once() {
    let graph = hvp(&squares(|b, x| b.max_pool(x, &[Window::sliding(2, 2, 0)]), 6), 0, &[0]);
    let is_argmax = |val| matches!(graph.def(val), Def::Apply { op, .. } if op.name() == "window_argmax");
    assert_eq!(graph.vals().filter(|&val| is_argmax(val)).count(), 1);
}

#[test]
fn sums_over_single_elements_vanish() {
    let mut b = Builder::new("points");
    let x = b.data("x", Ty::f64([2, 3]));
    let same = b.window_sum(x, &[Window::POINT, Window { base_dilation: 2, ..Window::sliding(1, 2, 0) }]);
    let cut = b.window_sum(x, &[Window::POINT, Window::sliding(1, 2, 0)]);
    b.output("same", same);
    b.output("cut", cut);
    let simple = simplify(&b.finish());
    assert_eq!(simple.outputs()[0].val, simple.inputs()[0].val);
    assert_eq!(simple.len(), 2);
}
