//! Networks, whose shapes are those that panels, blocks and fusion are made for.

use graph::{Builder, Graph, Reference, Ty, Val, ops::Direction};
use tensor::{DType, Key, Shape, Tensor, parallel::with_threads};

use super::{BEST, bits, compile, run};
use crate::step::Step;

/// Uniform numbers between -1 and 1.
fn uniform(dtype: DType, shape: impl Into<Shape>, seed: u64) -> Tensor {
    let key = Key::new(seed);
    Tensor::from_fn(shape.into(), |i| 2.0 * key.uniform(i as u64) - 1.0).convert(dtype)
}

/// Squared error of a perceptron with one hidden layer, its gradients by hand, and a step against them.
fn step_graph(dtype: DType, [batch, features, hidden, classes]: [usize; 4]) -> (Graph, Vec<Tensor>) {
    let mut b = Builder::new("step");
    let shapes: [Shape; 5] = [
        [hidden, features].into(),
        [hidden].into(),
        [classes, hidden].into(),
        [batch, features].into(),
        [batch, classes].into(),
    ];
    let inputs: Vec<Val> = shapes
        .iter()
        .enumerate()
        .map(|(k, shape)| b.data(k.to_string(), Ty::new(dtype, shape.clone())))
        .collect();
    let [w, bias, v, x, target] = inputs[..] else { unreachable!("five inputs were declared") };
    let h = b.linear(x, w, Some(bias));
    let a = b.relu(h);
    let y = b.linear(a, v, None);
    let error = b.subtract(y, target);
    let square = b.multiply(error, error);
    let loss = b.mean(square, &[0, 1]);
    let dy = b.scale(error, 2.0 / (batch * classes) as f64);
    let by_first = |b: &mut Builder, x: Val, y: Val| {
        let (x, y) = (b.transpose(x, &[1, 0]), b.transpose(y, &[1, 0]));
        b.dot_transposed(x, y)
    };
    let dv = by_first(&mut b, dy, a);
    let turned = b.transpose(v, &[1, 0]);
    let da = b.dot_transposed(dy, turned);
    let zero = b.splat_like(h, 0.0);
    let active = b.compare(Direction::Gt, h, zero);
    let dh = b.select(active, da, zero);
    let dw = by_first(&mut b, dh, x);
    let dbias = b.reduce_sum(dh, &[0]);
    for (name, parameter, gradient) in [("w", w, dw), ("bias", bias, dbias), ("v", v, dv)] {
        let change = b.scale(gradient, 0.1);
        let updated = b.subtract(parameter, change);
        b.output(name, updated);
    }
    b.output("loss", loss);
    let arguments = shapes.iter().zip(1..).map(|(shape, seed)| uniform(dtype, shape.clone(), seed)).collect();
    (b.finish(), arguments)
}

#[test]
fn a_training_step_agrees_with_the_reference() {
    for (dtype, tolerance) in [(DType::F32, 1e-5), (DType::F64, 1e-13)] {
        let (graph, arguments) = step_graph(dtype, [33, 20, 40, 10]);
        let expected = Reference::evaluate(&graph, &arguments.iter().collect::<Vec<_>>()).unwrap();
        for (expected, found) in expected.iter().zip(run(&graph, &arguments, BEST())) {
            let pairs = expected.to_f64_vec().into_iter().zip(found.to_f64_vec());
            let worst = pairs.map(|(e, f)| (e - f).abs()).fold(0.0, f64::max);
            assert!(worst <= tolerance, "{dtype}: {worst}");
        }
    }
}

#[test]
fn a_training_step_has_the_same_bits_on_any_number_of_threads() {
    let (graph, arguments) = step_graph(DType::F32, [300, 200, 256, 10]);
    let on = |threads| with_threads(threads, || bits(&run(&graph, &arguments, BEST()))).unwrap();
    let one = on(1);
    for threads in [2, 3, 5] {
        assert_eq!(one, on(threads), "{threads} threads");
    }
}

#[test]
fn transposes_around_products_cost_nothing() {
    let (graph, _) = step_graph(DType::F32, [33, 20, 40, 10]);
    let compiled = compile(&graph, &[], BEST());
    let products = compiled.steps().iter().filter(|step| matches!(step, Step::Product { .. })).count();
    let loops = compiled.steps().len() - products;
    // Bias and rectifier; error and the mean of its square; mask and bias gradient; three updates.
    assert_eq!(
        (products, loops),
        (5, 6),
        "{:#?}",
        compiled.steps().iter().map(Step::describe).collect::<Vec<_>>()
    );
}

#[test]
fn a_sum_of_products_is_one_step() {
    let mut b = Builder::new("tangent");
    let shapes: [Shape; 4] = [[40, 30].into(), [20, 30].into(), [40, 50].into(), [20, 50].into()];
    let x: Vec<Val> = (0..4).map(|k| b.data(k.to_string(), Ty::f32(shapes[k].clone()))).collect();
    let (one, other) = (b.dot_transposed(x[0], x[1]), b.dot_transposed(x[2], x[3]));
    let sum = b.add(one, other);
    b.output("sum", sum);
    let graph = b.finish();
    let arguments: Vec<Tensor> =
        shapes.iter().zip(1..).map(|(shape, seed)| uniform(DType::F32, shape.clone(), seed)).collect();
    assert_eq!(compile(&graph, &[], BEST()).steps().len(), 1);
    let expected = Reference::evaluate(&graph, &arguments.iter().collect::<Vec<_>>()).unwrap();
    let found = run(&graph, &arguments, BEST());
    let pairs = expected[0].to_f64_vec().into_iter().zip(found[0].to_f64_vec());
    assert!(pairs.map(|(e, f)| (e - f).abs()).fold(0.0, f64::max) < 1e-5);
}

#[test]
fn a_normalisation_over_rows_is_one_loop() {
    let mut b = Builder::new("norm");
    let ty = Ty::f32([300, 70]);
    let (x, gain) = (b.data("x", ty), b.data("gain", Ty::f32([70])));
    let normal = b.layer_norm(x, Some(gain), None, 1e-5);
    let weights = b.softmax(normal, 1);
    b.output("weights", weights);
    let graph = b.finish();
    let arguments = [uniform(DType::F32, [300, 70], 1), uniform(DType::F32, [70], 2)];
    let compiled = compile(&graph, &[], BEST());
    assert_eq!((compiled.steps().len(), graph::Executable::workspace_bytes(&compiled)), (1, 0));
    let expected = Reference::evaluate(&graph, &arguments.iter().collect::<Vec<_>>()).unwrap();
    let found = run(&graph, &arguments, BEST());
    let pairs = expected[0].to_f64_vec().into_iter().zip(found[0].to_f64_vec());
    assert!(pairs.map(|(e, f)| (e - f).abs()).fold(0.0, f64::max) < 1e-5);
}
