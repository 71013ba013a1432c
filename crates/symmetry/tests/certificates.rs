//! True groups pass their certificate, planted false ones do not.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod common;

use cpu::Cpu;
use graph::{Executor, Graph, Reference, Role, Ty};
use isoloss_symmetry::{Generator, Group, ParameterAxis, Slots, SymmetryError, certified, certify, infer};
use models::{Loss, Model};
use tensor::{DType, Key};

fn forward(spec: &str) -> Graph {
    Model::parse(spec).unwrap().forward(3, DType::F64)
}

fn action(parameter: &str, axis: usize, size: usize) -> ParameterAxis {
    ParameterAxis { parameter: parameter.to_owned(), axis, slots: Slots::whole(size) }
}

/// The inferred group with one generator more.
fn with_planted(graph: &Graph, size: usize, actions: Vec<ParameterAxis>) -> Group {
    let group = infer(graph);
    let mut generators = group.generators().to_vec();
    generators.push(Generator::permutations("planted".to_owned(), size, actions));
    Group::new(group.subjects().to_vec(), generators).unwrap()
}

#[test]
fn inferred_groups_pass() {
    let perceptrons = [
        "mlp:5-4-3-2",
        "mlp:5-4-3-2,act=leaky_relu",
        "mlp:5-4-3-2,act=gelu,norm=layer",
        "mlp:5-6-6-2,act=tanh,bias=off",
    ];
    let small = [common::residual_stream(), common::weight_used_twice(4), common::channels(3)];
    for graph in perceptrons.map(forward).into_iter().chain(small) {
        let certificate = certify(&Reference, &[&graph], &infer(&graph).exact(), Key::new(1), 3).unwrap();
        assert!(certificate.passed() && certificate.worst_relative() < 1e-13, "{certificate:?}");
    }
}

#[test]
fn losses_pass_with_integer_labels() {
    let graph = Model::parse("mlp:5-4-3-2").unwrap().objective(3, DType::F64, Loss::CrossEntropy);
    let cpu = Cpu::new();
    let executors: [&dyn Executor; 2] = [&Reference, &cpu];
    for executor in executors {
        assert!(certify(executor, &[&graph], &infer(&graph), Key::new(2), 2).unwrap().passed());
    }
}

#[test]
fn false_generators_are_refused_and_true_ones_kept() {
    let graph = forward("mlp:4-3-3-3");
    let inferred = infer(&graph);
    let planted = [
        ("an output axis", vec![action("4.weight", 0, 3), action("4.bias", 0, 3)]),
        ("a bias alone", vec![action("4.bias", 0, 3)]),
    ];
    for (name, actions) in planted {
        let certified =
            certified(&Reference, &[&graph], &with_planted(&graph, 3, actions), Key::new(3), 1).unwrap();
        assert_eq!(certified.group, inferred, "{name}");
        assert_eq!(
            certified.refused.iter().map(|check| &*check.name).collect::<Vec<_>>(),
            ["planted"],
            "{name}"
        );
        assert!(certified.refused[0].worst_relative > 1e-3, "{name}");
        assert!(certified.certificate.passed(), "{name}");
    }
}

#[test]
fn a_generator_that_forgets_one_of_its_axes_is_refused() {
    let graph = forward("mlp:4-3-5-2");
    let group = infer(&graph);
    for forgotten in 0..3 {
        let mut generators = group.generators().to_vec();
        generators[0].actions.remove(forgotten);
        generators[0].scales[0].exponents.remove(forgotten);
        let broken = Group::new(group.subjects().to_vec(), generators).unwrap();
        let certified = certified(&Reference, &[&graph], &broken, Key::new(4), 1).unwrap();
        assert_eq!(certified.group.generators(), &group.generators()[1..]);
        assert_eq!(certified.refused[0].name, "hidden units of 0.weight[0]");
    }
}

#[test]
fn permuted_features_are_refused_even_with_two_slots() {
    let graph = forward("mlp:2-3-2");
    let group = with_planted(&graph, 2, vec![action("0.weight", 1, 2)]);
    for seed in 0..20 {
        let certificate = certify(&Reference, &[&graph], &group, Key::new(seed), 1).unwrap();
        assert!(!certificate.passed(), "seed {seed}");
        assert_eq!(certificate.failures().next().unwrap().name, "planted", "seed {seed}");
    }
}

#[test]
fn positive_states_keep_a_normalisation_finite() {
    let graph = common::network(2, |b, x| {
        let hidden = common::linear(b, x, "0", 3, false);
        let variance = b.input("1.running_var", Role::State, Ty::f64([3]));
        let scale = b.rsqrt(variance);
        let scale = common::along_last(b, hidden, scale);
        let hidden = b.multiply(hidden, scale);
        common::linear(b, hidden, "2", 2, false)
    });
    assert!(certify(&Reference, &[&graph], &infer(&graph).exact(), Key::new(5), 3).unwrap().passed());
}

#[test]
fn a_function_that_is_not_finite_is_refused() {
    let graph = common::network(2, |b, x| {
        let hidden = common::linear(b, x, "0", 3, false);
        let hidden = b.log(hidden);
        common::linear(b, hidden, "2", 2, false)
    });
    let certified = certified(&Reference, &[&graph], &infer(&graph), Key::new(6), 1).unwrap();
    assert!(certified.group.generators().is_empty());
    assert_eq!(certified.refused[0].worst_relative, f64::INFINITY);
}

#[test]
fn a_graph_in_f32_and_no_trials_are_refused() {
    let model = Model::parse("mlp:4-3-2").unwrap();
    let graph = model.forward(2, DType::F32);
    let error = certify(&Reference, &[&graph], &infer(&graph).exact(), Key::new(0), 1).unwrap_err();
    assert!(
        error.to_string().contains("input '0.weight': expected elements of type f64, found f32[3, 4]"),
        "{error}"
    );
    let graph = model.forward(2, DType::F64);
    let error = certify(&Reference, &[&graph], &infer(&graph).exact(), Key::new(0), 0).unwrap_err();
    assert!(matches!(error, SymmetryError::Zero { .. }), "{error}");
}
