//! The executor contract, on the reference evaluator, and how graphs are put together.

use isoloss_graph::{Argument, Builder, Donation, ExecError, Executor, Graph, Reference, Role, Ty};
use tensor::{DType, Tensor};

/// `p - rate * g`, and the sum of `g`.
fn step() -> Graph {
    let mut b = Builder::new("step");
    let p = b.parameter("p", Ty::f64([2]));
    let g = b.data("g", Ty::f64([2]));
    let change = b.scale(g, 0.5);
    let moved = b.subtract(p, change);
    let total = b.reduce_sum(g, &[0]);
    b.output("p", moved);
    b.output("total", total);
    b.finish()
}

fn vector(elements: [f64; 2]) -> Tensor {
    Tensor::from_fn([2], |i| elements[i])
}

#[test]
fn a_compiled_graph_runs_with_borrowed_and_donated_arguments() {
    let mut step = Reference.compile(&step(), &[Donation { input: 0, output: 0 }]).unwrap();
    let gradient = vector([2.0, 4.0]);
    let mut p = vector([1.0, 1.0]);
    for expected in [[0.0, -1.0], [-1.0, -3.0]] {
        let mut results = step.run(vec![Argument::Donated(p), Argument::Borrowed(&gradient)]).unwrap();
        assert_eq!(results[1], Tensor::scalar(6.0));
        p = results.swap_remove(0);
        assert_eq!(p, vector(expected));
    }
}

#[test]
fn wrong_arguments_are_refused() {
    let mut executable = Reference.compile(&step(), &[]).unwrap();
    let (p, g) = (vector([0.0, 0.0]), Tensor::zeros(DType::F32, [2]));
    let error = executable.run(vec![Argument::from(&p)]).unwrap_err();
    assert_eq!(error.to_string(), "graph 'step' takes 2 arguments, 1 were given");
    let error = executable.run(vec![Argument::from(&p), Argument::from(&g)]).unwrap_err();
    assert_eq!(error.to_string(), "graph 'step', input 'g': expected f64[2], found f32[2]");
}

#[test]
fn wrong_donations_are_refused() {
    let reason = |donations: &[(usize, usize)]| {
        let donations: Vec<Donation> =
            donations.iter().map(|&(input, output)| Donation { input, output }).collect();
        match Reference.compile(&step(), &donations).err() {
            Some(ExecError::Donation { reason, .. }) => reason,
            other => panic!("a refusal of the donation is expected, not {other:?}"),
        }
    };
    assert_eq!(reason(&[(0, 2)]), "there is no such input or output");
    assert_eq!(reason(&[(2, 0)]), "there is no such input or output");
    assert_eq!(reason(&[(0, 1)]), "their types differ");
    assert_eq!(reason(&[(0, 0), (1, 0)]), "one of them is donated twice");
}

#[test]
fn an_inlined_graph_means_the_same() {
    let inner = step();
    let mut b = Builder::new("two steps");
    let p = b.parameter("p", Ty::f64([2]));
    let g = b.data("g", Ty::f64([2]));
    let once = b.inline(&inner, &[p, g])[inner.outputs()[0].val.position()];
    let twice = b.inline(&inner, &[once, g])[inner.outputs()[0].val.position()];
    b.output("p", twice);
    let results = Reference::evaluate(&b.finish(), &[&vector([1.0, 1.0]), &vector([2.0, 4.0])]).unwrap();
    assert_eq!(results, [vector([-1.0, -3.0])]);
}

#[test]
#[should_panic(expected = "one argument for each input of 'step'")]
fn inlining_with_too_few_arguments_panics() {
    let mut b = Builder::new("outer");
    let p = b.parameter("p", Ty::f64([2]));
    b.inline(&step(), &[p]);
}

#[test]
fn inputs_and_outputs_are_found_by_name_and_role() {
    let graph = step();
    assert_eq!((graph.input_position("g"), graph.input_position("h")), (Some(1), None));
    assert_eq!((graph.output_position("total"), graph.output_position("g")), (Some(1), None));
    assert_eq!(graph.inputs_with(Role::Parameter).collect::<Vec<_>>(), [0]);
    let of_parameter = graph.depends_on(&[graph.inputs()[0].val]);
    assert!(of_parameter[graph.outputs()[0].val.position()]);
    assert!(!of_parameter[graph.outputs()[1].val.position()]);
}
