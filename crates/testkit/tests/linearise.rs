//! Linearisation: both halves together are the whole, whatever is stored.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use graph::{Builder, Def, Graph, Prim, Reference, Ty};
use isoloss_testkit::{composite, laws, network, sample, tolerance::roundoff};
use tensor::{DType, Key, Tensor};
use transform::{
    Linearisation, Linearised, RESIDUAL_BUDGET_BYTES, gnvp, grad, hvp, jvp, linearise, simplify, vjp,
};

fn evaluate(graph: &Graph, arguments: &[Tensor]) -> Vec<Tensor> {
    Reference::evaluate(graph, &arguments.iter().collect::<Vec<_>>()).unwrap()
}

fn normals(graph: &Graph, inputs: &[usize], key: Key) -> Vec<Tensor> {
    let ty = |k: usize| graph.ty(graph.inputs()[k].val);
    inputs.iter().map(|&k| sample::normal(ty(k), key.fold(k as u64))).collect()
}

/// Results and images of both halves, as the compiled linearisation gives them.
fn run(linearised: Linearised, point: &[Tensor], tangents: &[Tensor]) -> Vec<Tensor> {
    let mut compiled = Linearisation::compile(&Reference, linearised).unwrap();
    let mut at = compiled.at(&point.iter().collect::<Vec<_>>()).unwrap();
    let mut results = at.results().to_vec();
    results.extend_from_slice(at.apply(&tangents.iter().collect::<Vec<_>>()).unwrap());
    results
}

const BUDGETS: [usize; 4] = [RESIDUAL_BUDGET_BYTES, 500, 100, 0];

/// Checks that two lists of tensors are equal but for rounding.
#[track_caller]
fn assert_close(found: &[Tensor], expected: &[Tensor]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found.shape(), expected.shape());
        let (found, expected) = (found.to_f64_vec(), expected.to_f64_vec());
        let size = expected.iter().fold(0.0, |size: f64, x| size.max(x.abs()));
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found - expected).abs() <= roundoff(size, 64), "{found} {expected}");
        }
    }
}

/// The split of the derivative gives its bits, and its linearisation the same numbers but for rounding.
fn check_halves(graph: &Graph, point: &[Tensor], key: Key) {
    let wrt = laws::float_inputs(graph);
    let tangents = normals(graph, &wrt, key);
    let derivative = simplify(&jvp(graph, &wrt));
    let whole = evaluate(&derivative, &[point, &tangents].concat());
    let inputs: Vec<usize> = (graph.inputs().len()..derivative.inputs().len()).collect();
    let outputs: Vec<usize> = (graph.outputs().len()..derivative.outputs().len()).collect();
    for budget in BUDGETS {
        let split = Linearised::split(&derivative, &inputs, &outputs, budget);
        let linearised = Linearised::jvp(graph, &wrt, budget);
        assert!(split.residual_bytes <= budget && linearised.residual_bytes <= budget, "{}", graph.name());
        assert_eq!(run(split, point, &tangents), whole, "{} within {budget} bytes", graph.name());
        assert_close(&run(linearised, point, &tangents), &whole);
    }
}

#[test]
fn the_halves_of_every_primitive_give_the_whole() {
    for case in Prim::cases() {
        let key = Key::new(5).child(case.name);
        let point = sample::operands(&case, key);
        if point.iter().all(|tensor| tensor.first_non_finite().is_none()) {
            check_halves(&laws::case_graph(&case), &point, key.child("tangents"));
        }
    }
}

#[test]
fn the_halves_of_random_graphs_and_of_their_derivatives_give_the_whole() {
    for seed in 0..20 {
        let key = Key::new(seed);
        let graph = composite::random_graph(key, 8);
        let point = normals(&graph, &[0, 1, 2], key.child("point"));
        check_halves(&graph, &point, key.child("tangents"));
        let reverse = vjp(&graph, &[0, 1, 2]);
        let all: Vec<usize> = (0..reverse.inputs().len()).collect();
        check_halves(&reverse, &normals(&reverse, &all, key.child("point")), key.child("more"));
    }
}

#[test]
fn a_hessian_at_a_fixed_point_gives_the_whole_product() {
    let graph = network::relu_network(&[4, 6, 5, 3]);
    let wrt = [0, 1, 2];
    let point = network::point(&graph, Key::new(1));
    let mut compiled =
        Linearisation::compile(&Reference, Linearised::hvp(&graph, 0, &wrt, RESIDUAL_BUDGET_BYTES)).unwrap();
    let whole = hvp(&graph, 0, &wrt);
    for moved in 0..2 {
        let point = network::point(&graph, Key::new(moved));
        let mut at = compiled.at(&point.iter().collect::<Vec<_>>()).unwrap();
        assert_eq!(at.results(), evaluate(&grad(&graph, 0, &wrt), &point));
        for direction in 0..3 {
            let tangents = normals(&graph, &wrt, Key::new(direction));
            let expected = evaluate(&whole, &[&point[..], &tangents].concat());
            let found = at.apply(&tangents.iter().collect::<Vec<_>>()).unwrap();
            assert_close(found, &expected[expected.len() - 3..]);
        }
    }
    assert!(compiled.at(&point.iter().skip(1).collect::<Vec<_>>()).is_err());
    let mut at = compiled.at(&point.iter().collect::<Vec<_>>()).unwrap();
    assert!(at.apply(&[&point[0]]).is_err());
}

#[test]
fn cotangents_are_tangents_of_the_pullback() {
    let graph = network::relu_network(&[4, 6, 3]);
    let point = network::point(&graph, Key::new(1));
    let cotangents = [Tensor::scalar(0.5), sample::normal(&Ty::f64([5, 3]), Key::new(2))];
    let whole = evaluate(&vjp(&graph, &[0, 1]), &[&point[..], &cotangents].concat());
    let halves = run(Linearised::vjp(&graph, &[0, 1], RESIDUAL_BUDGET_BYTES), &point, &cotangents);
    assert_close(&halves, &whole);
}

fn input_types(graph: &Graph) -> Vec<Ty> {
    graph.inputs().iter().map(|input| graph.ty(input.val).clone()).collect()
}

#[test]
fn the_mask_of_a_relu_is_stored_as_truth_values() {
    let mut b = Builder::new("relu");
    let x = b.data("x", Ty::f32([100, 100]));
    let y = b.data("y", Ty::f32([100, 100]));
    let sum = b.add(x, y);
    let hidden = b.relu(sum);
    b.output("hidden", hidden);
    let linearised = linearise(&b.finish(), &[0]);
    assert_eq!(input_types(&linearised.linear), [Ty::bool([100, 100]), Ty::f32([100, 100])]);
    assert_eq!((linearised.residual_bytes, linearised.is_over_budget()), (10_000, false));
}

#[test]
fn broadcasts_and_cheap_arithmetic_on_what_is_read_anyway_are_not_stored() {
    let mut b = Builder::new("scaled");
    let x = b.data("x", Ty::f32([100, 100]));
    let row = b.data("row", Ty::f32([100]));
    let row = b.exp(row);
    let rows = b.broadcast(row, &[100, 100].into(), &[1]);
    let doubled = b.scale(rows, 2.0);
    let product = b.multiply(x, doubled);
    b.output("product", product);
    let linearised = linearise(&b.finish(), &[0]);
    assert_eq!(input_types(&linearised.linear), [Ty::f32([100]), Ty::f32([100, 100])]);
}

#[test]
fn results_and_inputs_serve_as_residuals_without_taking_memory() {
    let mut b = Builder::new("exponential");
    let x = b.data("x", Ty::f32([1000]));
    let y = b.exp(x);
    let z = b.multiply(x, y);
    b.output("y", y);
    b.output("z", z);
    let linearised = linearise(&b.finish(), &[0]);
    assert_eq!((linearised.residual_bytes, linearised.kept, linearised.residuals), (0, vec![0], vec![0]));
}

/// The applications of one kind in a graph.
fn count(graph: &Graph, name: &str) -> usize {
    let is_it = |val| matches!(graph.def(val), Def::Apply { op, .. } if op.name() == name);
    graph.vals().filter(|&val| is_it(val)).count()
}

#[test]
fn the_derivative_of_a_long_formula_is_one_product_for_each_element() {
    let mut b = Builder::new("formula");
    let x = b.data("x", Ty::f32([100, 100]));
    let bent = b.gelu_tanh(x);
    let square = b.multiply(bent, bent);
    let loss = b.reduce_sum(square, &[0, 1]);
    b.output("bent", bent);
    b.output("loss", loss);
    let graph = b.finish();
    let first = Linearised::jvp(&only_first(&graph), &[0], RESIDUAL_BUDGET_BYTES);
    assert_eq!((count(&first.linear, "multiply"), first.linear.len()), (1, 3), "{}", first.linear);
    let second = Linearised::hvp(&graph, 1, &[0], RESIDUAL_BUDGET_BYTES);
    assert_eq!((count(&second.linear, "multiply"), second.linear.len()), (1, 3), "{}", second.linear);
}

/// The graph without its other outputs.
fn only_first(graph: &Graph) -> Graph {
    let mut b = Builder::new("first");
    let inputs: Vec<_> =
        graph.inputs().iter().map(|input| b.data(input.name.clone(), graph.ty(input.val).clone())).collect();
    let values = b.inline(graph, &inputs);
    b.output("first", values[graph.outputs()[0].val.position()]);
    b.finish()
}

#[test]
fn coefficients_are_made_only_where_they_save_something() {
    let mut b = Builder::new("product");
    let x = b.data("x", Ty::f32([100, 100]));
    let y = b.data("y", Ty::f32([100, 100]));
    let product = b.multiply(x, y);
    b.output("product", product);
    let linearised = Linearised::jvp(&b.finish(), &[0, 1], RESIDUAL_BUDGET_BYTES);
    assert_eq!((linearised.residuals.len(), linearised.kept), (0, vec![0, 1]));
}

#[test]
fn matrix_products_run_again_only_where_the_budget_demands_it() {
    let graph = network::deep_network(8, 16);
    let products = |graph: &Graph| {
        let is_product = |val| matches!(graph.def(val), Def::Apply { op: Prim::DotGeneral(_), .. });
        graph.vals().filter(|&val| is_product(val)).count()
    };
    let roomy = Linearised::hvp(&graph, 0, &[0], RESIDUAL_BUDGET_BYTES);
    let tight = Linearised::hvp(&graph, 0, &[0], roomy.residual_bytes / 4);
    let none = Linearised::hvp(&graph, 0, &[0], 0);
    assert!(!roomy.is_over_budget() && tight.is_over_budget() && none.is_over_budget());
    assert!(tight.residual_bytes <= roomy.residual_bytes / 4 && tight.residual_bytes > 0);
    assert_eq!((tight.wanted_bytes, none.wanted_bytes), (roomy.residual_bytes, roomy.residual_bytes));
    assert!(products(&roomy.linear) < products(&tight.linear));
    assert!(products(&tight.linear) < products(&none.linear));
    assert_eq!(none.residual_bytes, 0);
}

/// The columns of the matrix of a linear map, by its images of unit vectors.
fn dense(size: usize, mut image: impl FnMut(Tensor) -> Vec<f64>) -> Vec<Vec<f64>> {
    (0..size).map(|k| image(Tensor::from_fn([size], |i| if i == k { 1.0 } else { 0.0 }))).collect()
}

#[test]
fn gauss_newton_products_equal_the_dense_matrices() {
    let graph = network::relu_network(&[3, 4, 3]);
    let point = network::point(&graph, Key::new(3));
    let (inputs, outputs) = (12, network::EXAMPLES * network::CLASSES);
    let shaped = |x: Tensor, shape: &[usize]| x.reshape(shape).unwrap();
    let forward = jvp(&graph, &[0]);
    let jacobian =
        dense(inputs, |v| evaluate(&forward, &[&point[..], &[shaped(v, &[4, 3])]].concat())[3].to_f64_vec());
    let mut b = Builder::new("head");
    let logits = b.data("logits", Ty::f64([5, 3]));
    let labels = b.data("labels", Ty::i32([5]));
    let losses = b.cross_entropy(logits, labels);
    let loss = b.mean(losses, &[0]);
    b.output("loss", loss);
    let curvature = hvp(&b.finish(), 0, &[0]);
    let at = evaluate(&graph, &point)[1].clone();
    let hessian = dense(outputs, |v| {
        let arguments = [at.clone(), point[3].clone(), shaped(v, &[5, 3])];
        evaluate(&curvature, &arguments).last().unwrap().to_f64_vec()
    });
    let products = dense(inputs, |v| {
        let arguments = [&point[..], &[shaped(v, &[4, 3])]].concat();
        evaluate(&gnvp(&graph, 1, 0, &[0]), &arguments).last().unwrap().to_f64_vec()
    });
    let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
    for i in 0..inputs {
        let curved: Vec<f64> = hessian.iter().map(|row| dot(row, &jacobian[i])).collect();
        for j in 0..inputs {
            let (expected, found) = (dot(&curved, &jacobian[j]), products[i][j]);
            assert!((expected - found).abs() < roundoff(1.0, 64), "{i} {j}: {expected} {found}");
        }
    }
    let halves = Linearised::gnvp(&graph, 1, 0, &[0, 1], RESIDUAL_BUDGET_BYTES);
    let tangents = normals(&graph, &[0, 1], Key::new(7));
    let whole = evaluate(&gnvp(&graph, 1, 0, &[0, 1]), &[&point[..], &tangents].concat());
    assert_close(&run(halves, &point, &tangents), &whole);
}

#[test]
fn derivatives_known_to_be_zero_are_zero_in_the_linear_half() {
    let mut b = Builder::new("constant");
    let x = b.data("x", Ty::f64([2]));
    let y = b.stop_gradient(x);
    b.output("y", y);
    let linearised = linearise(&b.finish(), &[0]);
    let x = Tensor::new([2], vec![1.0, 2.0]).unwrap();
    let point = [x];
    let [x] = &point;
    assert_eq!(run(linearised, &point, &point), [x.clone(), Tensor::zeros(DType::F64, [2])]);
}
