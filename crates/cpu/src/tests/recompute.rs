//! Values that the loops that read them compute for themselves.

use graph::{Builder, Graph, Ty, Val};
use tensor::{DType, Key, Tensor};

use super::{BEST, bits, compile, run};
use crate::{program::Options, step::Step};

const SHAPE: [usize; 2] = [64, 64];

/// Through `inner` and a product, and then times the result of `inner` once more: a later loop reads it.
fn graph(inner: impl Fn(&mut Builder, Val) -> Val) -> (Graph, Vec<Tensor>) {
    let mut b = Builder::new("twice read");
    let x = b.data("x", Ty::new(DType::F32, SHAPE));
    let w = b.data("w", Ty::new(DType::F32, SHAPE));
    let value = inner(&mut b, x);
    let left = b.sin(value);
    let product = b.dot_transposed(left, w);
    let y = b.multiply(product, value);
    b.output("y", y);
    let numbers = |seed| Tensor::from_fn(SHAPE, |i| Key::new(seed).uniform(i as u64)).convert(DType::F32);
    (b.finish(), vec![numbers(1), numbers(2)])
}

/// The number of results of each loop.
fn loop_results(graph: &Graph) -> Vec<usize> {
    let steps = compile(graph, &[], BEST());
    let results = |step: &Step| match step {
        Step::Loop(kernel) => Some(kernel.outputs.len()),
        _ => None,
    };
    steps.steps().iter().filter_map(results).collect()
}

fn agrees_with_unfused((graph, arguments): &(Graph, Vec<Tensor>)) {
    let unfused = run(graph, arguments, Options { fusing: false, ..BEST() });
    assert_eq!(bits(&run(graph, arguments, BEST())), bits(&unfused));
}

#[test]
fn a_cheap_value_is_computed_by_each_loop_that_reads_it() {
    let case = graph(|b, x| {
        let square = b.multiply(x, x);
        b.add(square, x)
    });
    assert_eq!(loop_results(&case.0), [1, 1]);
    agrees_with_unfused(&case);
}

#[test]
fn a_dear_value_is_stored() {
    let case = graph(|b, x| {
        let once = b.tanh(x);
        let twice = b.tanh(once);
        b.tanh(twice)
    });
    assert_eq!(loop_results(&case.0), [2, 1]);
    agrees_with_unfused(&case);
}

#[test]
fn values_from_the_standard_library_are_stored() {
    let case = graph(Builder::log1p);
    assert_eq!(loop_results(&case.0), [2, 1]);
    agrees_with_unfused(&case);
}

#[test]
fn a_loop_of_which_nothing_is_left_to_store_is_dropped() {
    let mut b = Builder::new("doubled");
    let x = b.data("x", Ty::new(DType::F32, SHAPE));
    let w = b.data("w", Ty::new(DType::F32, SHAPE));
    let doubled = b.add(x, x);
    let column = b.reduce_sum(doubled, &[0]);
    let spread = b.broadcast(column, &SHAPE.into(), &[1]);
    let y = b.multiply(doubled, spread);
    let product = b.dot_transposed(y, w);
    let z = b.multiply(product, doubled);
    b.output("z", z);
    let graph = b.finish();
    let numbers = |seed| Tensor::from_fn(SHAPE, |i| Key::new(seed).uniform(i as u64)).convert(DType::F32);
    let case = (graph, vec![numbers(3), numbers(4)]);
    assert_eq!(loop_results(&case.0), [0, 1, 1]);
    agrees_with_unfused(&case);
}
