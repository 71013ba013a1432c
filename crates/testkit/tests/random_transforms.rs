//! Transforms of random graphs over all primitives.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use graph::{Builder, Graph, Reference};
use isoloss_testkit::{
    laws,
    random::{Drawn, Numbers, RandomCase, random_graph},
    sample,
    tolerance::roundoff,
};
use tensor::{DType, Key, Tensor};
use transform::{Linearised, Rules, batch, checkpoint, grad, jvp, simplify, vjp};

const GRAPHS: u64 = 60;

fn cases(size: usize) -> impl Iterator<Item = RandomCase> {
    (0..GRAPHS)
        .map(move |seed| random_graph(&mut Drawn::new(Key::new(seed)), DType::F64, Numbers::Smooth, size))
}

fn evaluate(graph: &Graph, arguments: &[Tensor]) -> Vec<Tensor> {
    Reference::evaluate(graph, &arguments.iter().collect::<Vec<_>>()).unwrap()
}

/// Whether tensors are equal but for rounding, with room for sums over their sizes; NaN equals NaN.
#[track_caller]
fn assert_close(found: &[Tensor], expected: &[Tensor], graph: &Graph) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!((found.shape(), found.dtype()), (expected.shape(), expected.dtype()));
        let (found, expected) = (found.to_f64_vec(), expected.to_f64_vec());
        let size = expected.iter().filter(|x| x.is_finite()).fold(1.0, |size: f64, x| size.max(x.abs()));
        for (&found, &expected) in found.iter().zip(&expected) {
            let close = found == expected
                || (found.is_nan() && expected.is_nan())
                || (found - expected).abs() <= roundoff(size, 4500);
            assert!(close, "{found}, not {expected}\n{graph}");
        }
    }
}

fn normals(graph: &Graph, inputs: &[usize], key: Key) -> Vec<Tensor> {
    let draw = |&k: &usize| sample::normal(graph.ty(graph.inputs()[k].val), key.fold(k as u64));
    inputs.iter().map(draw).collect()
}

/// A graph's derivative, its point with tangents, and the positions of tangents and of their images.
struct Derivative {
    graph: Graph,
    point: Vec<Tensor>,
    tangents: Vec<usize>,
    images: Vec<usize>,
}

fn derivative(case: &RandomCase, of: fn(&Graph, &[usize]) -> Graph) -> Derivative {
    let graph = of(&case.graph, &laws::float_inputs(&case.graph));
    let tangents: Vec<usize> = (case.graph.inputs().len()..graph.inputs().len()).collect();
    let images = (case.graph.outputs().len()..graph.outputs().len()).collect();
    let point = [&case.arguments[..], &normals(&graph, &tangents, Key::new(9))].concat();
    Derivative { graph, point, tangents, images }
}

#[test]
fn simplified_graphs_compute_the_same() {
    for case in cases(30) {
        let derivative = derivative(&case, jvp);
        let whole = evaluate(&derivative.graph, &derivative.point);
        let simple = simplify(&derivative.graph);
        assert_close(&evaluate(&simple, &derivative.point), &whole, &simple);
        assert_eq!(simplify(&simple).to_string(), simple.to_string(), "simplification is idempotent");
    }
}

#[test]
fn halves_compute_what_the_whole_does() {
    for case in cases(30) {
        for of in [jvp, vjp] {
            let Derivative { graph, point, tangents, images } = derivative(&case, of);
            let whole = evaluate(&graph, &point);
            for budget in [usize::MAX, 2000, 0] {
                let halves = Linearised::split(&graph, &tangents, &images, budget);
                assert!(halves.residual_bytes <= budget);
                let fixed = evaluate(&halves.primal, &point[..case.arguments.len()]);
                let kept = halves.kept.iter().map(|&position| point[position].clone());
                let residuals = halves.residuals.iter().map(|&position| fixed[position].clone());
                let more = point[case.arguments.len()..].iter().cloned();
                let arguments: Vec<Tensor> = kept.chain(residuals).chain(more).collect();
                let found = evaluate(&halves.linear, &arguments);
                assert_close(&found, &whole[case.graph.outputs().len()..], &halves.linear);
            }
        }
    }
}

#[test]
fn batches_compute_each_index() {
    for case in cases(30) {
        let first = &case.arguments[0];
        let numbers = first.to_f64_vec();
        let other = Tensor::from_fn(first.shape().clone(), |i| -0.5 * numbers[i]);
        let shape: Vec<usize> = std::iter::once(2).chain(first.shape().iter().copied()).collect();
        let both = Tensor::new(shape, [numbers, other.to_f64_vec()].concat()).unwrap();
        let with = |argument: &Tensor| {
            let rest = &case.arguments[1..];
            [std::slice::from_ref(argument), rest].concat()
        };
        let batched = batch(&case.graph, &[0], 2);
        let found = evaluate(&batched, &with(&both));
        for (index, argument) in [first, &other].into_iter().enumerate() {
            let part = |tensor: &Tensor| {
                let shape = &tensor.shape()[1..];
                let size: usize = shape.iter().product();
                let numbers = tensor.to_f64_vec()[index * size..(index + 1) * size].to_vec();
                Tensor::new(shape, numbers).unwrap().convert(tensor.dtype())
            };
            let found: Vec<Tensor> = found.iter().map(part).collect();
            assert_close(&found, &evaluate(&case.graph, &with(argument)), &batched);
        }
    }
}

/// The graph with the sum of all its floating-point outputs, bounded, as its only output.
fn summed(graph: &Graph) -> Graph {
    let mut b = Builder::new("summed");
    let inputs: Vec<_> =
        graph.inputs().iter().map(|input| b.data(input.name.clone(), graph.ty(input.val).clone())).collect();
    let values = b.inline(graph, &inputs);
    let mut sum = b.scalar_of(0.0);
    for output in graph.outputs().iter().filter(|output| graph.ty(output.val).dtype.is_float()) {
        let bounded = b.tanh(values[output.val.position()]);
        let axes: Vec<usize> = (0..b.shape(bounded).rank()).collect();
        let part = b.reduce_sum(bounded, &axes);
        sum = b.add(sum, part);
    }
    b.output("sum", sum);
    b.finish()
}

#[test]
fn checkpointed_gradients_are_the_gradients() {
    for case in cases(30) {
        let graph = summed(&case.graph);
        let wrt = laws::float_inputs(&graph);
        let plain = evaluate(&grad(&graph, 0, &wrt), &case.arguments);
        let checkpointed = checkpoint(&graph, 0, &wrt, 1000);
        assert_close(&evaluate(&checkpointed.graph, &case.arguments), &plain, &checkpointed.graph);
    }
}

#[test]
fn products_are_adjoint_and_hessians_symmetric() {
    for case in cases(15) {
        let graph = summed(&case.graph);
        laws::adjoint(Rules::own(), &graph, &case.arguments, Key::new(1)).unwrap();
        laws::hessian(Rules::own(), &graph, &case.arguments, Key::new(2)).unwrap();
    }
}
