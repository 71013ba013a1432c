//! What cannot be compiled or run.

use graph::{Argument, Builder, Donation, ExecError, Executor, Graph, Ty};
use tensor::{DType, Tensor};

use crate::Cpu;

fn doubled(elements: usize) -> Graph {
    let mut b = Builder::new("doubled");
    let x = b.data("x", Ty::f64([]));
    let x = b.broadcast(x, &[elements].into(), &[]);
    let y = b.exp(x);
    let y = b.reduce_sum(y, &[0]);
    b.output("y", y);
    b.finish()
}

#[test]
fn a_graph_beyond_the_memory_is_refused_at_compilation() {
    let mut b = Builder::new("huge");
    let x = b.data("x", Ty::f64([1 << 22]));
    let outer = b.dot_general(graph::ops::DotGeneral::default(), x, x);
    let sum = b.reduce_sum(outer, &[0, 1]);
    b.output("sum", sum);
    let refused = Cpu::new().compile(&b.finish(), &[]).err();
    assert!(matches!(refused, Some(ExecError::Memory { bytes, .. }) if bytes >= 1 << 47), "{refused:?}");
}

#[test]
fn a_result_beyond_the_memory_is_refused_before_it_is_computed() {
    let mut b = Builder::new("huge");
    let x = b.data("x", Ty::f64([]));
    let x = b.broadcast(x, &[1 << 44].into(), &[]);
    b.output("x", x);
    let mut executable = Cpu::new().compile(&b.finish(), &[]).unwrap();
    let refused = executable.run(vec![Argument::Donated(Tensor::scalar(1.0))]).unwrap_err();
    assert_eq!(refused, ExecError::Memory { graph: "huge".to_owned(), bytes: 1 << 47 });
}

#[test]
fn sums_that_fuse_need_no_memory_for_their_terms() {
    let executable = Cpu::new().compile(&doubled(1 << 28), &[]).unwrap();
    assert!(executable.workspace_bytes() < 1 << 22);
}

#[test]
fn wrong_arguments_and_donations_are_refused() {
    let cpu = Cpu::default();
    let graph = doubled(3);
    let refused = cpu.compile(&graph, &[Donation { input: 1, output: 0 }]).err();
    assert!(matches!(refused, Some(ExecError::Donation { input: 1, .. })));
    let mut executable = cpu.compile(&graph, &[]).unwrap();
    assert!(matches!(executable.run(Vec::new()), Err(ExecError::ArgumentCount { .. })));
    let wrong = Tensor::zeros(DType::F32, []);
    assert!(matches!(executable.run(vec![Argument::Borrowed(&wrong)]), Err(ExecError::ArgumentType { .. })));
}

#[test]
fn a_profile_names_every_step() {
    let graph = doubled(3);
    let times = Cpu::new().profile(&graph, &[], &[Tensor::scalar(0.0)], 2).unwrap();
    assert_eq!(times[0].cost, Cpu::new().steps(&graph, &[]).unwrap()[0]);
    // The exponentials and their sum; a number read and one written.
    assert_eq!((times[0].cost.operations, times[0].cost.bytes), (6, 16));
    assert_eq!(times[0].cost.values.len(), 2);
    assert_eq!(times.len(), 1);
    assert!(times[0].cost.what.starts_with("loop over [1, 3]"), "{times:?}");
}

#[test]
fn the_first_value_that_is_not_finite_is_named() {
    let mut b = Builder::new("checked");
    let x = b.data("x", Ty::f64([2]));
    let infinite = b.splat_like(x, f64::INFINITY);
    let y = b.log(x);
    let z = b.minimum(y, infinite);
    b.output("z", z);
    let graph = b.finish();
    let run = |cpu: &Cpu, numbers: Vec<f64>| {
        let x = Tensor::new([2], numbers).unwrap();
        cpu.compile(&graph, &[]).unwrap().run(vec![Argument::Borrowed(&x)])
    };
    let (cpu, checking) = (Cpu::new(), Cpu::new().checking_finite());
    assert_eq!(run(&cpu, vec![2.0, 3.0]), run(&checking, vec![2.0, 3.0]));
    assert!(run(&cpu, vec![2.0, 0.0]).is_ok());
    let refused = run(&checking, vec![2.0, 0.0]).unwrap_err();
    let (value, op) = (format!("%{}", y.position()), "log".to_owned());
    assert_eq!(refused, ExecError::NotFinite { graph: "checked".to_owned(), value, op });
    // What was not finite before is not the graph's fault.
    assert!(run(&checking, vec![2.0, f64::INFINITY]).is_ok());
}
