//! Methods that PyTorch lacks, against the formulas of their papers on plain numbers, and what all methods remember.
#![expect(clippy::unwrap_used, reason = "a failure is a failed test")]

use graph::{Builder, Reference, Role, Ty, Val};
use isoloss_optim::{Moment, Optimizer, Update};
use tensor::{DType, Key, Tensor};

const COUNT: usize = 6;
const STEPS: usize = 25;
const RATE: f64 = 0.02;

/// Of very different sizes, with zeros among the gradients.
fn numbers(name: &str, step: usize) -> Vec<f64> {
    let key = Key::new(3).child(name).fold(step as u64);
    let number = |i: usize| if i == 5 { 0.0 } else { 10f64.powi(-2 * i as i32) * key.normal(i as u64) };
    (0..COUNT).map(number).collect()
}

fn squares(step: usize) -> Vec<f64> {
    numbers("curvature", step).iter().map(|x| x * x).collect()
}

/// The parameter after all steps, with the curvature of each step that `optimizer` wants one for.
fn run(optimizer: &str) -> Vec<f64> {
    states(&optimizer.parse().unwrap(), 1.0)[0].clone()
}

/// The parameter and what the optimiser keeps for it after all steps, with gradients `factor` times as large.
fn states(optimizer: &Optimizer, factor: f64) -> Vec<Vec<f64>> {
    let mut state = vec![Tensor::new([COUNT], numbers("start", 0)).unwrap()];
    state.extend(optimizer.slots().iter().map(|_| Tensor::full([COUNT], optimizer.start())));
    let times = |numbers: Vec<f64>, factor: f64| numbers.iter().map(|x| factor * x).collect::<Vec<_>>();
    for step in 0..STEPS {
        let due = optimizer.curvature_every().is_some_and(|every| (step as u64).is_multiple_of(every));
        let mut arguments = vec![Tensor::new([COUNT], times(numbers("gradient", step), factor)).unwrap()];
        arguments.extend(due.then(|| Tensor::new([COUNT], times(squares(step), factor * factor)).unwrap()));
        arguments.extend(optimizer.hyper(step as u64 + 1, RATE).into_iter().map(Tensor::scalar));
        let graph = graph(optimizer, due);
        state = Reference::evaluate(&graph, &state.iter().chain(&arguments).collect::<Vec<_>>()).unwrap();
    }
    state.iter().map(Tensor::to_f64_vec).collect()
}

fn graph(optimizer: &Optimizer, with_curvature: bool) -> graph::Graph {
    let (mut b, ty) = (Builder::new("update"), Ty::new(DType::F64, [COUNT]));
    let parameter = b.parameter("p", ty.clone());
    let slots = optimizer.slots().iter();
    let state: Vec<Val> = slots.map(|slot| b.input(*slot, Role::State, ty.clone())).collect();
    let gradient = b.data("g", ty.clone());
    let curvature = with_curvature.then(|| b.data("h", ty.clone()));
    let scalar = ty.with_shape([]);
    let names = optimizer.hyper_names().iter();
    let hyper: Vec<Val> = names.map(|name| b.data(*name, scalar.clone())).collect();
    let (p, state) = optimizer.emit(&mut b, &hyper, Update { parameter, gradient, curvature, state: &state });
    for (position, value) in [p].into_iter().chain(state).enumerate() {
        b.output(position.to_string(), value);
    }
    b.finish()
}

fn assert_close(found: &[f64], expected: &[f64]) {
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= 1e-13 * expected.abs().max(RATE), "{found} {expected}");
    }
}

#[test]
fn lion_follows_program_1_of_its_paper() {
    let (mut p, mut m) = (numbers("start", 0), [0.0; COUNT]);
    for step in 0..STEPS {
        for (i, g) in numbers("gradient", step).into_iter().enumerate() {
            let blended = 0.8 * m[i] + (1.0 - 0.8) * g;
            let direction = if blended == 0.0 { 0.0 } else { blended.signum() };
            p[i] -= RATE * (direction + 0.3 * p[i]);
            m[i] = 0.95 * m[i] + (1.0 - 0.95) * g;
        }
    }
    assert_close(&run("lion:beta1=0.8,beta2=0.95,weight_decay=0.3"), &p);
    assert!((run("lion:beta1=0.8,beta2=0.95")[0] - p[0]).abs() > 1e-3);
}

#[test]
fn sophia_follows_algorithm_3_of_its_paper() {
    let (mut p, mut m, mut h) = (numbers("start", 0), [0.0; COUNT], [0.0; COUNT]);
    let mut clipped = [0; 2];
    for step in 0..STEPS {
        let (gradients, estimates) = (numbers("gradient", step), squares(step));
        for i in 0..COUNT {
            m[i] = 0.9 * m[i] + (1.0 - 0.9) * gradients[i];
            if step % 4 == 0 {
                h[i] = 0.95 * h[i] + (1.0 - 0.95) * estimates[i];
            }
            p[i] -= RATE * 0.3 * p[i];
            let quotient: f64 = m[i] / (0.5 * h[i]).max(1e-9);
            clipped[usize::from(quotient.abs() > 1.0)] += 1;
            p[i] -= RATE * quotient.clamp(-1.0, 1.0);
        }
    }
    assert!(clipped.iter().all(|&count| count > 10), "{clipped:?}");
    let options = "beta1=0.9,beta2=0.95,gamma=0.5,epsilon=1e-9,weight_decay=0.3";
    assert_close(&run(&format!("sophia:every=4,{options}")), &p);
    assert!((run(&format!("sophia:every=5,{options}"))[0] - p[0]).abs() > 1e-6);
}

#[test]
fn what_is_remembered_grows_with_gradients_as_its_kind_says() {
    for spec in [
        "sgd:momentum=0.9",
        "sgd",
        "adam",
        "adagrad",
        "rmsprop:epsilon=1e-30",
        "rmsprop:epsilon=1e-30,momentum=0.9",
        "rmsprop:centered",
        "rmsprop:epsilon=1e-30,momentum=0.9,centered",
        "lion",
        "sophia",
    ] {
        let optimizer: Optimizer = spec.parse().unwrap();
        assert_eq!(optimizer.moments().len(), optimizer.slots().len(), "{spec}");
        let (once, turned) = (states(&optimizer, 1.0), states(&optimizer, -4.0));
        for (slot, moment) in optimizer.moments().iter().enumerate() {
            let factor = match moment {
                Moment::Gradient => -4.0,
                Moment::Square => 16.0,
                Moment::Quotient => -1.0,
            };
            for (once, turned) in once[slot + 1].iter().zip(&turned[slot + 1]) {
                assert!((factor * once - turned).abs() <= 1e-12 * turned.abs(), "{spec}: {once} {turned}");
            }
        }
    }
}
