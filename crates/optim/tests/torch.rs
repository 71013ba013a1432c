//! Five steps of every method of PyTorch, and its clipping, against what PyTorch makes of the same numbers; `goldens/make.py` wrote them.

use graph::{Builder, Graph, Reference, Role, Ty};
use isoloss_optim::{Clip, Optimizer, Update};
use serde::Deserialize;
use tensor::{DType, Tensor};

#[derive(Deserialize)]
struct Golden {
    rates: Vec<f64>,
    start: Vec<f64>,
    gradients: Vec<Vec<f64>>,
    cases: Vec<Case>,
    clips: Vec<Clipped>,
}

#[derive(Deserialize)]
struct Case {
    optimizer: String,
    f32: Vec<Vec<f64>>,
    f64: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
struct Clipped {
    kind: String,
    bound: f64,
    f32: Vec<Vec<f64>>,
    f64: Vec<Vec<f64>>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("goldens/torch.json")).expect("the golden file reads")
}

fn update(optimizer: &Optimizer, ty: &Ty) -> Graph {
    let mut b = Builder::new("update");
    let p = b.parameter("p", ty.clone());
    let state: Vec<_> =
        optimizer.slots().iter().map(|slot| b.input(*slot, Role::State, ty.clone())).collect();
    let g = b.data("g", ty.clone());
    let scalar = ty.with_shape([]);
    let hyper: Vec<_> = optimizer.hyper_names().iter().map(|name| b.data(*name, scalar.clone())).collect();
    let update = Update { parameter: p, gradient: g, curvature: None, state: &state };
    let (p, state) = optimizer.emit(&mut b, &hyper, update);
    b.output("p", p);
    for (slot, value) in optimizer.slots().iter().zip(state) {
        b.output(*slot, value);
    }
    b.finish()
}

/// The parameter after each step.
fn run(golden: &Golden, optimizer: &Optimizer, dtype: DType) -> Vec<Vec<f64>> {
    let tensor =
        |elements: &[f64]| Tensor::new([8], elements.to_vec()).expect("eight elements").convert(dtype);
    let graph = update(optimizer, &Ty::new(dtype, [8]));
    let mut state = vec![tensor(&golden.start)];
    state.extend(optimizer.slots().iter().map(|_| tensor(&[optimizer.start(); 8])));
    let mut after = Vec::new();
    for (step, gradient) in golden.gradients.iter().enumerate() {
        let mut arguments = state;
        arguments.push(tensor(gradient));
        let hyper = optimizer.hyper(step as u64 + 1, golden.rates[step]);
        arguments.extend(hyper.into_iter().map(|scalar| Tensor::scalar(scalar).convert(dtype)));
        state = Reference::evaluate(&graph, &arguments.iter().collect::<Vec<_>>()).expect("the update runs");
        after.push(state[0].to_f64_vec());
    }
    after
}

/// The largest error beside the number, or beside the longest step that leads there if that is larger.
fn worst(found: &[Vec<f64>], expected: &[Vec<f64>]) -> f64 {
    let step = expected.windows(2).flat_map(|pair| pair[0].iter().zip(&pair[1]).map(|(a, b)| (a - b).abs()));
    let longest = step.fold(0.1, f64::max);
    apart(found, expected, longest)
}

/// The largest error beside the number, or beside `least` if that is larger.
fn apart(found: &[Vec<f64>], expected: &[Vec<f64>], least: f64) -> f64 {
    let errors = found.iter().flatten().zip(expected.iter().flatten());
    errors.map(|(found, expected)| (found - expected).abs() / expected.abs().max(least)).fold(0.0, f64::max)
}

/// Each step rounds about ten times, each time by at most half an epsilon of a number no larger than the
/// parameter; the corrected scalars are rounded elsewhere than in PyTorch.
fn tolerance(epsilon: f64) -> f64 {
    4.0 * epsilon
}

#[test]
fn single_precision_steps_are_pytorchs_up_to_rounding() {
    let golden = golden();
    for case in &golden.cases {
        let error = worst(&run(&golden, &case.optimizer.parse().unwrap(), DType::F32), &case.f32);
        assert!(error <= tolerance(f32::EPSILON.into()), "{}: {error:e}", case.optimizer);
    }
}

#[test]
fn double_precision_steps_are_pytorchs_up_to_rounding() {
    let golden = golden();
    for case in &golden.cases {
        let error = worst(&run(&golden, &case.optimizer.parse().unwrap(), DType::F64), &case.f64);
        assert!(error <= tolerance(f64::EPSILON), "{}: {error:e}", case.optimizer);
    }
}

#[test]
fn a_wrong_hyperparameter_is_caught() {
    let golden = golden();
    for (right, wrong) in [
        ("sgd:lr=0.1,weight_decay=0.05", "sgd:lr=0.1,weight_decay=0.0501"),
        ("sgd:lr=0.1,momentum=0.9", "sgd:lr=0.1,momentum=0.9,nesterov"),
        ("adam:lr=0.1", "adam:lr=0.1,epsilon=1.01e-8"),
        ("adamw:lr=0.1,weight_decay=0.2", "adam:lr=0.1,weight_decay=0.2"),
        ("adagrad:lr=0.1", "adagrad:lr=0.1,epsilon=1.01e-10"),
        ("rmsprop:lr=0.1", "rmsprop:lr=0.1,centered"),
    ] {
        let case = golden.cases.iter().find(|case| case.optimizer == right).unwrap();
        let error = worst(&run(&golden, &wrong.parse().unwrap(), DType::F64), &case.f64);
        assert!(error > 1e3 * tolerance(f64::EPSILON), "{wrong}: {error:e}");
    }
}

/// The five gradients of the golden file, taken for those of five parameters, clipped.
fn clip(golden: &Golden, clip: Clip, dtype: DType) -> Vec<Vec<f64>> {
    let mut b = Builder::new("clip");
    let names: Vec<String> = (0..golden.gradients.len()).map(|number| number.to_string()).collect();
    let gradients: Vec<_> = names.iter().map(|name| b.data(name, Ty::new(dtype, [8]))).collect();
    for (name, clipped) in names.iter().zip(clip.emit(&mut b, &gradients)) {
        b.output(name, clipped);
    }
    let tensor = |g: &Vec<f64>| Tensor::new([8], g.clone()).expect("eight elements").convert(dtype);
    let arguments: Vec<Tensor> = golden.gradients.iter().map(tensor).collect();
    let clipped = Reference::evaluate(&b.finish(), &arguments.iter().collect::<Vec<_>>());
    clipped.expect("clipping runs").iter().map(Tensor::to_f64_vec).collect()
}

#[test]
fn clipped_gradients_are_pytorchs_up_to_rounding() {
    let golden = golden();
    for case in &golden.clips {
        let kind = if case.kind == "norm" { Clip::Norm(case.bound) } else { Clip::Value(case.bound) };
        let single = apart(&clip(&golden, kind, DType::F32), &case.f32, 1e-30);
        let double = apart(&clip(&golden, kind, DType::F64), &case.f64, 1e-30);
        // The sum of 40 squares, in another order than in PyTorch, and five roundings more.
        let tolerance = |epsilon: f64| 25.0 * epsilon;
        assert!(single <= tolerance(f32::EPSILON.into()), "{kind:?}: {single:e}");
        assert!(double <= tolerance(f64::EPSILON), "{kind:?}: {double:e}");
    }
    let norm = |bound| clip(&golden, Clip::Norm(bound), DType::F64);
    assert!(apart(&norm(0.5001), &norm(0.5), 1e-30) > 1e-5);
}

#[test]
fn gradients_below_the_bound_stay_as_they_are() {
    let golden = golden();
    for kind in [Clip::Norm(1e3), Clip::Value(1e3)] {
        assert_eq!(clip(&golden, kind, DType::F64), golden.gradients);
    }
}
