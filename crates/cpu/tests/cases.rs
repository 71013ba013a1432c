//! Every case of every primitive, against the reference evaluator.

use graph::{Argument, Builder, Case, Domain, Executor, Prim, Reference, Role, Ty};
use isoloss_cpu::Cpu;
use tensor::{DType, Key, Tensor};

fn draw(ty: &Ty, domain: Domain, key: Key) -> Tensor {
    let count = ty.shape.elements();
    let shuffled = key.permutation(count);
    let element = |i: usize| {
        let u = key.uniform(i as u64);
        match domain {
            Domain::Interval(low, high) => low + (high - low) * u,
            Domain::Signed(low, high) => {
                (low + (high - low) * u) * if key.below(i as u64 + 1_000_000, 2) == 0 { 1.0 } else { -1.0 }
            }
            Domain::Distinct { offset } => shuffled[i] as f64 * 0.25 - 0.5 + offset,
            Domain::Dominant => match ty.shape.last().map(|n| (i / n % n, i % n)) {
                Some((row, column)) if row == column => 2.0 + u,
                _ => u - 0.5,
            },
            Domain::Below(bound) => key.below(i as u64, bound as u64) as f64,
            Domain::Truth => key.below(i as u64, 2) as f64,
        }
    };
    Tensor::from_fn(ty.shape.clone(), element).convert(ty.dtype)
}

fn check(case: &Case, float: DType) {
    let mut b = Builder::new(case.name);
    let mut arguments = Vec::new();
    let mut operands = Vec::new();
    for (position, (ty, domain)) in case.operands.iter().enumerate() {
        let ty = if ty.dtype.is_float() { ty.with_dtype(float) } else { ty.clone() };
        arguments.push(draw(&ty, *domain, Key::new(5).fold(position as u64)));
        operands.push(b.input(format!("x{position}"), Role::Data, ty));
    }
    let Ok(result) = b.try_apply(case.op.clone(), &operands) else { return };
    b.output("y", result);
    let graph = b.finish();
    let expected =
        Reference::evaluate(&graph, &arguments.iter().collect::<Vec<_>>()).expect("the arguments fit");
    let mut executable = Cpu::new().compile(&graph, &[]).expect("the graph fits in memory");
    let found =
        executable.run(arguments.iter().map(Argument::Borrowed).collect()).expect("the arguments fit");
    assert_eq!(expected[0].shape(), found[0].shape(), "{}", case.name);
    assert_eq!(expected[0].dtype(), found[0].dtype(), "{}", case.name);
    let epsilon = if float == DType::F32 { 1e-6 } else { 1e-14 };
    for (e, f) in expected[0].to_f64_vec().iter().zip(found[0].to_f64_vec()) {
        assert!(
            (e - f).abs() <= epsilon * e.abs().max(1.0),
            "{} {float}: expected {e}, found {f}",
            case.name
        );
    }
}

#[test]
fn every_case_of_every_primitive_agrees_with_the_reference() {
    for case in Prim::cases() {
        check(&case, DType::F64);
        check(&case, DType::F32);
    }
}
