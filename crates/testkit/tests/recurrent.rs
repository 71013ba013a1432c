//! Derivatives of unrolled recurrent networks stay linear in the number of steps.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use graph::{Builder, Def, Graph, Reference, Ty, composite::Recurrent};
use isoloss_testkit::{laws, network};
use tensor::{Key, Tensor};
use transform::{Linearised, RESIDUAL_BUDGET_BYTES, Rules, grad, hvp};

const BATCH: usize = 2;
const HIDDEN: usize = 4;

/// An LSTM over this many steps; the loss is the sum of squares of all hidden states.
fn lstm(steps: usize) -> Graph {
    let mut b = Builder::new("lstm");
    let input = b.parameter("input", Ty::f64([4 * HIDDEN, 3]));
    let recurrent = b.parameter("recurrent", Ty::f64([4 * HIDDEN, HIDDEN]));
    let bias = b.parameter("bias", Ty::f64([4 * HIDDEN]));
    let x = b.data("x", Ty::f64([steps, BATCH, 3]));
    let parameters = Recurrent { input, recurrent, input_bias: Some(bias), recurrent_bias: None };
    let (hidden, _) = b.lstm(x, None, parameters);
    let square = b.multiply(hidden, hidden);
    let loss = b.reduce_sum(square, &[0, 1, 2]);
    b.output("loss", loss);
    b.finish()
}

fn count(graph: &Graph, name: &str) -> usize {
    let is_it = |val| matches!(graph.def(val), Def::Apply { op, .. } if op.name() == name);
    graph.vals().filter(|&val| is_it(val)).count()
}

#[test]
fn the_laws_hold() {
    let graph = lstm(3);
    laws::all(Rules::own(), &graph, &network::point(&graph, Key::new(1)), Key::new(2)).unwrap();
}

#[test]
fn cotangents_of_slices_become_concatenations() {
    for graph in [grad(&lstm(5), 0, &[0, 1, 2]), hvp(&lstm(5), 0, &[0, 1, 2])] {
        assert_eq!(count(&graph, "pad"), 0);
    }
}

#[test]
fn products_with_tangents_of_the_recurrent_weights_are_joined() {
    let contractions = |steps| {
        let halves = Linearised::hvp(&lstm(steps), 0, &[0, 1, 2], RESIDUAL_BUDGET_BYTES);
        (count(&halves.primal, "dot_general"), count(&halves.linear, "dot_general"))
    };
    let ((primal_4, linear_4), (primal_8, linear_8)) = (contractions(4), contractions(8));
    // One product forward and one backward for each further step; gradients of weights are one product each.
    assert_eq!((primal_8 - primal_4, linear_8 - linear_4), (8, 8));
}

/// The sums of squares of two separate slices of a vector and of one that overlaps both.
fn slices() -> Graph {
    let mut b = Builder::new("slices");
    let x = b.data("x", Ty::f64([6]));
    for range in [1..3, 4..5, 0..5] {
        let slice = b.slice_axis(x, 0, range.clone());
        let square = b.multiply(slice, slice);
        let sum = b.reduce_sum(square, &[0]);
        b.output(format!("{range:?}"), sum);
    }
    b.finish()
}

/// The gradient of the sum of some of the outputs of [`slices`].
fn slopes(outputs: &[usize]) -> Vec<f64> {
    let graph = slices();
    let mut b = Builder::new("sum");
    let x = b.data("x", Ty::f64([6]));
    let values = b.inline(&graph, &[x]);
    let mut sum = b.scalar_of(0.0);
    for &output in outputs {
        sum = b.add(sum, values[graph.outputs()[output].val.position()]);
    }
    b.output("sum", sum);
    let point = Tensor::from_fn([6], |i| i as f64);
    let results = Reference::evaluate(&grad(&b.finish(), 0, &[0]), &[&point]).unwrap();
    results[1].to_f64_vec()
}

#[test]
fn cotangents_of_slices_that_leave_gaps_or_overlap_add_up() {
    assert_eq!(slopes(&[0, 1]), [0.0, 2.0, 4.0, 0.0, 8.0, 0.0]);
    assert_eq!(slopes(&[0, 1, 2]), [0.0, 4.0, 8.0, 6.0, 16.0, 0.0]);
}
