//! Batching: at each index of the batch, the result is the graph at that index of the inputs.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use graph::{Builder, Case, Def, Graph, Prim, Reference, Ty};
use isoloss_testkit::{composite, laws, network, sample};
use tensor::{Buffer, Key, Tensor, parallel};
use transform::{
    Linearisation, Linearised, RESIDUAL_BUDGET_BYTES, batch, grad, hvp, jvp, per_example_grad, vjp,
};

const SIZE: usize = 3;

fn evaluate(graph: &Graph, arguments: &[Tensor]) -> Vec<Tensor> {
    Reference::evaluate(graph, &arguments.iter().collect::<Vec<_>>()).unwrap()
}

/// Tensors of one type as one with a leading axis.
fn stacked(tensors: &[Tensor]) -> Tensor {
    let shape: Vec<usize> =
        std::iter::once(tensors.len()).chain(tensors[0].shape().iter().copied()).collect();
    let numbers: Vec<f64> = tensors.iter().flat_map(Tensor::to_f64_vec).collect();
    let exact = tensors[0].dtype();
    Tensor::new(shape, numbers).unwrap().convert(exact)
}

/// Whether two tensors have the same bits, NaN included.
fn same_bits(x: &Tensor, y: &Tensor) -> bool {
    let bits = |tensor: &Tensor| match tensor.buffer() {
        Buffer::F64(x) => x.iter().map(|x| x.to_bits()).collect::<Vec<_>>(),
        _ => tensor.to_f64_vec().iter().map(|x| x.to_bits()).collect(),
    };
    x.shape() == y.shape() && x.dtype() == y.dtype() && bits(x) == bits(y)
}

/// Checks the law for one choice of batched inputs; `points` has a tensor for each index and input.
fn check(graph: &Graph, which: &[usize], points: &[Vec<Tensor>]) {
    let batched = batch(graph, which, points.len());
    let arguments: Vec<Tensor> = (0..graph.inputs().len())
        .map(|k| match which.contains(&k) {
            true => stacked(&points.iter().map(|point| point[k].clone()).collect::<Vec<_>>()),
            false => points[0][k].clone(),
        })
        .collect();
    let found = evaluate(&batched, &arguments);
    let single = |point: &Vec<Tensor>| {
        let mixed: Vec<Tensor> = (0..point.len())
            .map(|k| if which.contains(&k) { point[k].clone() } else { points[0][k].clone() })
            .collect();
        evaluate(graph, &mixed)
    };
    let expected: Vec<Vec<Tensor>> = points.iter().map(single).collect();
    for (position, found) in found.iter().enumerate() {
        let expected = stacked(&expected.iter().map(|results| results[position].clone()).collect::<Vec<_>>());
        assert!(
            same_bits(found, &expected),
            "{} batched in {which:?}, output {position}: {found:?}, not {expected:?}\n{batched}",
            graph.name()
        );
    }
}

/// All non-empty choices of the inputs, or the first, the last and all where there are many.
fn choices(inputs: usize) -> Vec<Vec<usize>> {
    if inputs > 4 {
        return vec![vec![0], vec![inputs - 1], (0..inputs).collect()];
    }
    (1..1usize << inputs).map(|set| (0..inputs).filter(|k| set >> k & 1 == 1).collect()).collect()
}

fn check_all(graph: &Graph, points: &[Vec<Tensor>]) {
    for which in choices(graph.inputs().len()) {
        check(graph, &which, points);
    }
}

fn points_of(case: &Case) -> Vec<Vec<Tensor>> {
    (0..SIZE as u64).map(|index| sample::operands(case, Key::new(7).child(case.name).fold(index))).collect()
}

#[test]
fn every_primitive_and_its_derivatives_obey_the_law() {
    for case in Prim::cases() {
        let graph = laws::case_graph(&case);
        let points = points_of(&case);
        check_all(&graph, &points);
        let wrt = laws::float_inputs(&graph);
        for derivative in [jvp(&graph, &wrt), vjp(&graph, &wrt)] {
            let more = derivative.inputs()[graph.inputs().len()..].iter();
            let more: Vec<Ty> = more.map(|input| derivative.ty(input.val).clone()).collect();
            let extended = |(index, point): (usize, &Vec<Tensor>)| {
                let more = more.iter().map(|ty| sample::normal(ty, Key::new(index as u64)));
                point.iter().cloned().chain(more).collect()
            };
            let points: Vec<Vec<Tensor>> = points.iter().enumerate().map(extended).collect();
            check_all(&derivative, &points);
        }
    }
}

fn normal_points(graph: &Graph, key: Key) -> Vec<Vec<Tensor>> {
    let point = |index: u64| {
        let inputs = graph.inputs().iter().enumerate();
        let draw = |(k, input): (usize, &graph::Input)| {
            sample::normal(graph.ty(input.val), key.fold(index).fold(k as u64))
        };
        inputs.map(draw).collect()
    };
    (0..SIZE as u64).map(point).collect()
}

#[test]
fn random_graphs_and_their_second_derivatives_obey_the_law() {
    for seed in 0..20 {
        let key = Key::new(seed);
        let graph = composite::random_graph(key, 8);
        check_all(&graph, &normal_points(&graph, key));
        let mut b = Builder::new("scalar");
        let inputs: Vec<_> = (0..3).map(|k| b.data(format!("{k}"), Ty::f64([3, 3]))).collect();
        let values = b.inline(&graph, &inputs);
        let sum = b.reduce_sum(values[graph.outputs()[0].val.position()], &[0, 1]);
        b.output("sum", sum);
        let product = hvp(&b.finish(), 0, &[0, 1]);
        check_all(&product, &normal_points(&product, key));
    }
}

fn count(graph: &Graph, name: &str) -> usize {
    let is_it = |val| matches!(graph.def(val), Def::Apply { op, .. } if op.name() == name);
    graph.vals().filter(|&val| is_it(val)).count()
}

#[test]
fn several_products_share_one_pass_of_larger_contractions() {
    let graph = network::relu_network(&[4, 6, 5, 3]);
    let wrt = [0, 1, 2];
    let half = Linearised::hvp(&graph, 0, &wrt, RESIDUAL_BUDGET_BYTES).linear;
    let first = half.inputs().len() - wrt.len();
    let directions: Vec<usize> = (first..half.inputs().len()).collect();
    let batched = batch(&half, &directions, 16);
    assert_eq!(count(&batched, "dot_general"), count(&half, "dot_general"));
    for val in batched.vals() {
        if let Def::Apply { op: Prim::DotGeneral(op), .. } = batched.def(val) {
            assert!(op.lhs_batch.is_empty(), "every contraction has one batched operand:\n{batched}");
        }
    }
}

#[test]
fn a_batched_linearisation_takes_stacked_tangents() {
    let graph = network::relu_network(&[4, 6, 3]);
    let point = network::point(&graph, Key::new(1));
    let point: Vec<&Tensor> = point.iter().collect();
    let hessian = Linearised::hvp(&graph, 0, &[0, 1], RESIDUAL_BUDGET_BYTES);
    let [w0, w1] = [0, 1].map(|k| {
        let ty = graph.ty(graph.inputs()[k].val);
        (0..SIZE as u64).map(|index| sample::normal(ty, Key::new(index).fold(k as u64))).collect::<Vec<_>>()
    });
    let mut several = Linearisation::compile(&Reference, hessian.batched(SIZE)).unwrap();
    let mut several = several.at(&point).unwrap();
    let all = several.apply(&[&stacked(&w0), &stacked(&w1)]).unwrap();
    let mut single = Linearisation::compile(&Reference, hessian).unwrap();
    let mut single = single.at(&point).unwrap();
    for (output, all) in all.iter().enumerate() {
        let one = |index: usize| single.apply(&[&w0[index], &w1[index]]).unwrap()[output].clone();
        assert_eq!(all, &stacked(&(0..SIZE).map(one).collect::<Vec<_>>()));
    }
}

#[test]
fn tangents_are_taken_in_passes_and_alone_where_they_do_not_fill_one() {
    let graph = network::relu_network(&[4, 6, 3]);
    let point = network::point(&graph, Key::new(1));
    let point: Vec<&Tensor> = point.iter().collect();
    let hessian = Linearised::hvp(&graph, 0, &[0, 1], RESIDUAL_BUDGET_BYTES);
    assert_eq!((hessian.pass_size(6), hessian.pass_size(1), hessian.pass_size(0)), (3, 1, 1));
    let tangents = |index: u64| {
        [0, 1].map(|k| sample::normal(graph.ty(graph.inputs()[k].val), Key::new(index).fold(k as u64)))
    };
    let tangents: Vec<[Tensor; 2]> = (0..7).map(tangents).collect();
    let mut single = Linearisation::compile(&Reference, hessian.clone()).unwrap();
    let mut single = single.at(&point).unwrap();
    let mut several = Linearisation::compile_for(&Reference, hessian, 6).unwrap();
    let mut several = several.at(&point).unwrap();
    let all: Vec<Vec<&Tensor>> = tangents.iter().map(|tangents| tangents.iter().collect()).collect();
    let mut seen = Vec::new();
    let check = |position: usize, images: &[Tensor]| {
        seen.push(position);
        assert_eq!(images, single.apply(&all[position]).unwrap());
    };
    several.apply_each(&all, check).unwrap();
    assert_eq!(seen, (0..7).collect::<Vec<_>>());
    assert!(several.apply_each(&[vec![all[0][0]]], |_, _| ()).is_err());
}

#[test]
fn passes_side_by_side_give_the_same_bits() {
    let graph = network::relu_network(&[4, 6, 3]);
    let point = network::point(&graph, Key::new(1));
    let point: Vec<&Tensor> = point.iter().collect();
    let direction = |index: u64| network::point(&graph, Key::new(index + 2)).swap_remove(0);
    let first: Vec<Tensor> = (0..8).map(direction).collect();
    let hessian = Linearised::hvp(&graph, 0, &[0], RESIDUAL_BUDGET_BYTES);
    let images = |threads: usize| {
        let images = || {
            let mut several = Linearisation::compile_for(&Reference, hessian.clone(), 4).unwrap();
            let tangents: Vec<Vec<&Tensor>> = first.iter().map(|tensor| vec![tensor]).collect();
            let mut images = Vec::new();
            let mut several = several.at(&point).unwrap();
            several.apply_each(&tangents, |_, image| images.push(image[0].clone())).unwrap();
            images
        };
        parallel::with_threads(threads, images).unwrap()
    };
    assert_eq!(images(1), images(2));
    assert_eq!(images(1), images(3));
}

#[test]
fn large_networks_take_one_tangent_a_pass() {
    let graph = network::relu_network(&[64, 512, 512, 10]);
    let hessian = Linearised::hvp(&graph, 0, &[0, 1], RESIDUAL_BUDGET_BYTES);
    assert!((1..16).contains(&hessian.pass_size(16)), "{}", hessian.pass_size(16));
}

#[test]
fn what_does_not_depend_on_batched_inputs_is_computed_once() {
    let mut b = Builder::new("partly");
    let x = b.data("x", Ty::f64([2]));
    let y = b.data("y", Ty::f64([2]));
    let exponential = b.exp(x);
    let product = b.multiply(exponential, y);
    b.output("alone", exponential);
    b.output("product", product);
    let batched = batch(&b.finish(), &[1], 4);
    let types: Vec<Ty> = batched.outputs().iter().map(|output| batched.ty(output.val).clone()).collect();
    assert_eq!(types, [Ty::f64([4, 2]), Ty::f64([4, 2])]);
    let alone = batched.vals().find(|&val| matches!(batched.def(val), Def::Apply { op: Prim::Exp(_), .. }));
    assert_eq!(batched.ty(alone.unwrap()), &Ty::f64([2]));
}

#[test]
fn per_example_gradients_equal_a_loop() {
    let mut b = Builder::new("example");
    let w = b.parameter("w", Ty::f64([3, 4]));
    let x = b.data("x", Ty::f64([4]));
    let label = b.data("label", Ty::i32([]));
    let row = b.reshape(x, &[1, 4].into());
    let logits = b.dot_transposed(row, w);
    let labels = b.reshape(label, &[1].into());
    let losses = b.cross_entropy(logits, labels);
    let loss = b.reshape(losses, &[].into());
    b.output("loss", loss);
    let example = b.finish();
    let key = Key::new(2);
    let w = sample::normal(&Ty::f64([3, 4]), key);
    let xs: Vec<Tensor> = (0..5).map(|k| sample::normal(&Ty::f64([4]), key.fold(k))).collect();
    let labels: Vec<Tensor> = [0i32, 2, 1, 1, 0].map(Tensor::scalar).to_vec();
    let all = per_example_grad(&example, 0, &[0], &[1, 2], 5);
    let found = evaluate(&all, &[w.clone(), stacked(&xs), stacked(&labels)]);
    let one = grad(&example, 0, &[0]);
    let looped: Vec<Vec<Tensor>> = xs
        .iter()
        .zip(&labels)
        .map(|(x, label)| evaluate(&one, &[w.clone(), x.clone(), label.clone()]))
        .collect();
    for (position, found) in found.iter().enumerate() {
        let expected = stacked(&looped.iter().map(|results| results[position].clone()).collect::<Vec<_>>());
        assert_eq!(found, &expected);
    }
}

#[test]
fn an_empty_batch_of_convolutions_has_no_results() {
    let mut b = Builder::new("line");
    let (x, w) = (b.data("x", Ty::f64([2, 5, 3])), b.data("w", Ty::f64([4, 3, 2])));
    let y = b.convolution(graph::ops::Convolution::new(1), x, w);
    b.output("y", y);
    let graph = b.finish();
    for which in [&[0][..], &[1], &[0, 1]] {
        let batched = batch(&graph, which, 0);
        assert_eq!(*batched.ty(batched.outputs()[0].val), Ty::f64([0, 2, 4, 4]), "{which:?}");
    }
}
