//! Every constraint of every primitive refuses what violates it, and names itself.

use std::{collections::BTreeSet, fs, path::Path, sync::Arc};

use isoloss_graph::{
    Attr, AttributeError, Builder, Prim, Ty,
    ops::{
        Abs, Add, And, BroadcastInDim, Compare, Concatenate, Constant, Convert, Cos, Direction, Divide,
        DotGeneral, Erf, Exp, Gather, Iota, Log, Log1p, Logistic, Maximum, Minimum, Multiply, Negate, Not,
        Or, Pad, Power, RandomBits, ReduceMax, ReduceSum, Reshape, Reverse, Rsqrt, ScatterAdd, Select, Sign,
        Sin, Slice, Sqrt, StopGradient, Subtract, Tanh, Transpose, Xor,
    },
};
use tensor::{DType, Tensor};

#[path = "violations/matrices.rs"]
mod matrix_violations;
#[path = "violations/windows.rs"]
mod window_violations;

/// An application that violates one constraint.
#[derive(Clone)]
struct Violation {
    constraint: &'static str,
    op: Prim,
    operands: Vec<Ty>,
}

fn violation(constraint: &'static str, op: impl Into<Prim>, operands: &[Ty]) -> Violation {
    Violation { constraint, op: op.into(), operands: operands.to_vec() }
}

fn unary_violations() -> Vec<Violation> {
    let (x, truth) = (Ty::f32([2]), Ty::bool([2]));
    let of_numbers: [Prim; 3] = [Abs.into(), Negate.into(), Sign.into()];
    let of_floats: [Prim; 10] = [
        Cos.into(),
        Sin.into(),
        Erf.into(),
        Exp.into(),
        Log.into(),
        Log1p.into(),
        Logistic.into(),
        Rsqrt.into(),
        Sqrt.into(),
        Tanh.into(),
    ];
    let mut violations = Vec::new();
    for op in of_numbers.iter().chain(&of_floats) {
        violations.push(violation("C1", op.clone(), &[x.clone(), x.clone()]));
        violations.push(violation("C3", op.clone(), std::slice::from_ref(&truth)));
    }
    let integers = Ty::i32([2]);
    violations.extend(of_floats.map(|op| violation("C3", op, std::slice::from_ref(&integers))));
    violations.push(violation("C1", StopGradient, &[]));
    violations.push(violation("C1", Convert { dtype: DType::F32 }, &[]));
    violations
}

fn binary_violations() -> Vec<Violation> {
    let (x, shape, dtype, truth) = (Ty::f32([2]), Ty::f32([3]), Ty::f64([2]), Ty::bool([2]));
    let ops: [Prim; 7] = [
        Add.into(),
        Divide.into(),
        Maximum.into(),
        Minimum.into(),
        Multiply.into(),
        Power.into(),
        Subtract.into(),
    ];
    let compare = Compare { direction: Direction::Eq };
    let mut violations = Vec::new();
    for op in ops.iter().cloned().chain([compare.into()]) {
        violations.push(violation("C1", op.clone(), std::slice::from_ref(&x)));
        violations.push(violation("C2", op.clone(), &[x.clone(), shape.clone()]));
        violations.push(violation("C2", op.clone(), &[x.clone(), dtype.clone()]));
    }
    violations.extend(ops.map(|op| violation("C3", op, &[truth.clone(), truth.clone()])));
    let integers = [Ty::i32([2]), Ty::i32([2])];
    violations.push(violation("C3", Divide, &integers));
    violations.push(violation("C3", Power, &integers));
    violations
}

fn choice_violations() -> Vec<Violation> {
    let (x, truth) = (Ty::f32([2]), Ty::bool([2]));
    vec![
        violation("C1", Select, &[truth.clone(), x.clone()]),
        violation("C2", Select, &[truth.clone(), x.clone(), Ty::f64([2])]),
        violation("C3", Select, &[x.clone(), x.clone(), x.clone()]),
        violation("C3", Select, &[Ty::bool([]), x.clone(), x]),
        violation("C1", Constant { value: Arc::new(Tensor::scalar(1.0)) }, &[truth]),
    ]
}

fn iota_violations() -> Vec<Violation> {
    let iota = |dtype, shape: &[usize], axis| Iota { dtype, shape: shape.into(), axis };
    vec![
        violation("C1", iota(DType::I32, &[2], 0), &[Ty::f32([])]),
        violation("C2", iota(DType::I32, &[2], 1), &[]),
        violation("C2", iota(DType::I32, &[], 0), &[]),
        violation("C3", iota(DType::Bool, &[2], 0), &[]),
        violation("C4", iota(DType::F32, &[(1 << 24) + 1], 0), &[]),
        violation("C4", iota(DType::I32, &[(1 << 31) + 1], 0), &[]),
    ]
}

fn axis_violations() -> Vec<Violation> {
    let x = [Ty::f32([2, 3])];
    let sum = |axes: &[usize]| ReduceSum { axes: axes.to_vec() };
    let max = |axes: &[usize]| ReduceMax { axes: axes.to_vec() };
    let broadcast =
        |shape: &[usize], axes: &[usize]| BroadcastInDim { shape: shape.into(), axes: axes.to_vec() };
    let transpose = |permutation: &[usize]| Transpose { permutation: permutation.to_vec() };
    let reshape = |shape: &[usize]| Reshape { shape: shape.into() };
    vec![
        violation("C1", sum(&[0]), &[]),
        violation("C2", sum(&[0]), &[Ty::bool([2])]),
        violation("C3", sum(&[2]), &x),
        violation("C3", sum(&[1, 0]), &x),
        violation("C3", sum(&[0, 0]), &x),
        violation("C1", max(&[0]), &[]),
        violation("C2", max(&[0]), &[Ty::bool([2])]),
        violation("C3", max(&[2]), &x),
        violation("C4", max(&[1]), &[Ty::f32([2, 0])]),
        violation("C1", broadcast(&[2], &[]), &[]),
        violation("C2", broadcast(&[2, 3, 4], &[0]), &x),
        violation("C2", broadcast(&[3, 2], &[1, 0]), &x),
        violation("C2", broadcast(&[2, 3], &[0, 2]), &x),
        violation("C3", broadcast(&[3, 3], &[0, 1]), &x),
        violation("C3", broadcast(&[2, 3], &[1]), &[Ty::f32([1])]),
        violation("C1", transpose(&[]), &[]),
        violation("C2", transpose(&[0]), &x),
        violation("C2", transpose(&[0, 0]), &x),
        violation("C2", transpose(&[0, 2]), &x),
        violation("C1", reshape(&[1]), &[]),
        violation("C2", reshape(&[5]), &x),
        violation("C2", reshape(&[usize::MAX, 2]), &x),
    ]
}

fn contraction_violations() -> Vec<Violation> {
    let (x, y) = (Ty::f32([2, 3]), Ty::f32([4, 3]));
    let dot = |batch: [&[usize]; 2], contract: [&[usize]; 2]| DotGeneral {
        lhs_batch: batch[0].to_vec(),
        rhs_batch: batch[1].to_vec(),
        lhs_contract: contract[0].to_vec(),
        rhs_contract: contract[1].to_vec(),
    };
    let none: [&[usize]; 2] = [&[], &[]];
    let both = [x.clone(), y];
    vec![
        violation("C1", dot(none, none), std::slice::from_ref(&x)),
        violation("C2", dot(none, none), &[x.clone(), Ty::f64([4, 3])]),
        violation("C2", dot(none, none), &[Ty::i32([2]), Ty::i32([2])]),
        violation("C3", dot(none, [&[2], &[1]]), &both),
        violation("C3", dot([&[1], &[0]], [&[1], &[1]]), &both),
        violation("C4", dot(none, [&[0], &[0]]), &both),
        violation("C4", dot(none, [&[1], &[]]), &both),
        violation("C4", dot([&[], &[1]], none), &both),
    ]
}

fn part_violations() -> Vec<Violation> {
    let x = [Ty::f32([2, 3])];
    let slice = |start: &[usize], limit: &[usize], stride: &[usize]| Slice {
        start: start.to_vec(),
        limit: limit.to_vec(),
        stride: stride.to_vec(),
    };
    let join = |axis| Concatenate { axis };
    let beside = |other: Ty| [x[0].clone(), other];
    vec![
        violation("C1", slice(&[], &[], &[]), &[]),
        violation("C2", slice(&[0], &[1, 1], &[1, 1]), &x),
        violation("C2", slice(&[0, 0], &[1], &[1, 1]), &x),
        violation("C2", slice(&[0, 0], &[1, 1], &[1, 1, 1]), &x),
        violation("C3", slice(&[2, 0], &[1, 1], &[1, 1]), &x),
        violation("C3", slice(&[0, 0], &[2, 4], &[1, 1]), &x),
        violation("C3", slice(&[0, 0], &[2, 3], &[1, 0]), &x),
        violation("C1", Pad::new(&[]), &[]),
        violation("C2", Pad::new(&[(0, 0, 0)]), &x),
        violation("C2", Pad { low: vec![0], ..Pad::new(&[(0, 0, 0); 2]) }, &x),
        violation("C3", Pad::new(&[(-2, -1, 0), (0, 0, 0)]), &x),
        violation("C3", Pad::new(&[(i64::MAX, 0, 0), (0, 0, 0)]), &x),
        violation("C3", Pad::new(&[(i64::MIN, 0, 0), (0, 0, usize::MAX)]), &x),
        violation("C1", join(0), &[]),
        violation("C2", join(0), &beside(Ty::f64([2, 3]))),
        violation("C2", join(0), &beside(Ty::f32([2]))),
        violation("C3", join(2), &x),
        violation("C3", join(0), &[Ty::f32([])]),
        violation("C4", join(0), &beside(Ty::f32([2, 4]))),
        violation("C1", Reverse { axes: vec![] }, &[]),
        violation("C2", Reverse { axes: vec![2] }, &x),
        violation("C2", Reverse { axes: vec![1, 0] }, &x),
    ]
}

fn index_violations() -> Vec<Violation> {
    let (x, rows) = (Ty::f32([4, 3]), Ty::i32([4]));
    let gather = |axis, batch| Gather { axis, batch };
    let scatter = |axis, batch| ScatterAdd { axis, batch, size: 2 };
    let bits = || RandomBits { shape: [2].into() };
    let (key, counter) = (Ty::i32([2]), Ty::i32([]));
    vec![
        violation("C1", gather(0, 0), std::slice::from_ref(&x)),
        violation("C2", gather(0, 0), &[x.clone(), x.clone()]),
        violation("C3", gather(2, 0), &[x.clone(), rows.clone()]),
        violation("C3", gather(0, 1), &[x.clone(), rows.clone()]),
        violation("C4", gather(1, 1), &[x.clone(), Ty::i32([3])]),
        violation("C4", gather(1, 1), &[x.clone(), Ty::i32([])]),
        violation("C1", scatter(0, 0), std::slice::from_ref(&x)),
        violation("C2", scatter(0, 0), &[x.clone(), x.clone()]),
        violation("C2", scatter(0, 0), &[Ty::bool([4]), rows.clone()]),
        violation("C3", scatter(1, 2), &[x.clone(), rows.clone()]),
        violation("C3", scatter(0, 1), &[x.clone(), rows.clone()]),
        violation("C4", scatter(1, 0), &[x.clone(), rows.clone()]),
        violation("C4", scatter(3, 0), &[x.clone(), rows.clone()]),
        violation("C4", scatter(usize::MAX, 0), &[x.clone(), rows.clone()]),
        violation("C4", scatter(1, 1), &[Ty::f32([3]), rows.clone()]),
        violation("C1", bits(), std::slice::from_ref(&key)),
        violation("C2", bits(), &[counter.clone(), counter.clone()]),
        violation("C3", bits(), &[key.clone(), key]),
    ]
}

fn bit_violations() -> Vec<Violation> {
    let (x, truth, floats) = (Ty::i32([2]), Ty::bool([2]), Ty::f32([2]));
    let mut violations = vec![
        violation("C1", Not, &[x.clone(), x.clone()]),
        violation("C3", Not, std::slice::from_ref(&floats)),
    ];
    for op in [Prim::from(And), Or.into(), Xor.into()] {
        violations.push(violation("C1", op.clone(), std::slice::from_ref(&x)));
        violations.push(violation("C2", op.clone(), &[x.clone(), truth.clone()]));
        violations.push(violation("C3", op, &[floats.clone(), floats.clone()]));
    }
    violations
}

fn violations() -> Vec<Violation> {
    let lists = [
        unary_violations(),
        binary_violations(),
        choice_violations(),
        iota_violations(),
        axis_violations(),
        contraction_violations(),
        part_violations(),
        index_violations(),
        bit_violations(),
        window_violations::all(),
        matrix_violations::all(),
    ];
    lists.into_iter().flatten().collect()
}

#[test]
fn every_violation_is_rejected_by_the_constraint_it_violates() {
    for Violation { constraint, op, operands } in violations() {
        let error = op.out_type(&operands.iter().collect::<Vec<_>>()).expect_err("a constraint is violated");
        assert_eq!((error.op, error.constraint), (op.name(), constraint), "{error}");
        assert!(error.to_string().contains(&format!("({constraint})")), "{error}");
    }
}

/// The constraints that the documentation of each primitive names, read from the sources.
fn documented() -> BTreeSet<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ops");
    let mut documented = BTreeSet::new();
    for entry in fs::read_dir(folder).expect("the sources are there") {
        let source = entry.and_then(|entry| fs::read_to_string(entry.path())).expect("a source reads");
        let Some((_, rest)) = source.split_once("const NAME: &'static str = \"") else { continue };
        let (name, _) = rest.split_once('"').expect("the name is quoted");
        for line in source.lines().filter_map(|line| line.strip_prefix("/// ")) {
            let labels = line.split('(').filter_map(|part| part.split_once(')')).map(|(label, _)| label);
            let is_label = |label: &&str| label.len() == 2 && label.starts_with('C');
            documented.extend(labels.filter(is_label).map(|label| (name.to_owned(), label.to_owned())));
        }
    }
    documented
}

#[test]
fn every_documented_constraint_has_a_violation_here_and_no_other() {
    let violated = violations().into_iter().map(|v| (v.op.name().to_owned(), v.constraint.to_owned()));
    assert_eq!(violated.collect::<BTreeSet<_>>(), documented());
    let named: BTreeSet<String> = documented().into_iter().map(|(name, _)| name).collect();
    assert_eq!(named, Prim::NAMES.iter().map(|&name| name.to_owned()).collect());
}

#[test]
fn a_result_beyond_the_address_space_is_rejected() {
    let op = BroadcastInDim { shape: [1 << 40, 1 << 40].into(), axes: vec![] };
    let error = Prim::from(op).out_type(&[&Ty::f32([])]).unwrap_err();
    assert_eq!(error.constraint, "size");
    let half = Ty::bool([isize::MAX as usize]);
    let error = Prim::from(Concatenate { axis: 0 }).out_type(&[&half, &half, &half]).unwrap_err();
    assert_eq!(error.constraint, "size");
}

#[test]
fn an_error_says_what_was_expected_and_found() {
    let mut b = Builder::new("g");
    let (x, y) = (b.data("x", Ty::f32([2, 3])), b.data("y", Ty::f64([3])));
    let error = b.try_apply(Add, &[x, y]).unwrap_err();
    let text =
        "add: operands must have the same type, found f32[2, 3] and f64[3] (C2); operands: f32[2, 3], f64[3]";
    assert_eq!(error.to_string(), text);
}

#[test]
fn attributes_read_back_as_the_primitive_they_came_from() {
    for case in Prim::cases() {
        let attributes =
            case.op.attributes().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        assert_eq!(Prim::from_attributes(case.op.name(), attributes), Ok(case.op));
    }
}

#[test]
fn missing_malformed_and_unknown_attributes_are_rejected() {
    let read = |name: &str, attributes: &[(&str, Attr)]| {
        let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        Prim::from_attributes(name, attributes).expect_err("the attributes are wrong")
    };
    let axes = ("axes", Attr::Ints(vec![0]));
    assert_eq!(read("tan", &[]), AttributeError::UnknownPrimitive { name: "tan".to_owned() });
    assert_eq!(read("reduce_sum", &[]), AttributeError::Missing { op: "reduce_sum", name: "axes" });
    assert_eq!(
        read("tanh", std::slice::from_ref(&axes)),
        AttributeError::Unknown { op: "tanh", name: "axes".to_owned() }
    );
    for (name, attributes) in [
        ("reduce_sum", vec![("axes", Attr::Ints(vec![-1]))]),
        ("reduce_max", vec![("axes", Attr::Int(0))]),
        ("compare", vec![("direction", Attr::Word("above".to_owned()))]),
        ("convert", vec![("dtype", Attr::Word("f16".to_owned()))]),
        ("reshape", vec![("shape", Attr::Ints(vec![i64::MAX, 4]))]),
        ("constant", vec![("value", Attr::Int(1))]),
        ("pad", vec![("low", Attr::Int(-1))]),
        ("broadcast_in_dim", vec![("shape", Attr::Word("f32".to_owned())), axes]),
    ] {
        let error = read(name, &attributes);
        assert!(matches!(error, AttributeError::Malformed { .. }), "{error}");
    }
}

#[test]
#[should_panic(expected = "add: operands must have the same type")]
fn applying_to_operands_that_do_not_fit_panics() {
    let mut b = Builder::new("g");
    let (x, y) = (b.data("x", Ty::f32([2])), b.data("y", Ty::f32([3])));
    b.add(x, y);
}
