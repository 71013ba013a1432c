//! Graphs whose values are cut into parts compute what the whole ones do.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use graph::{
    Builder, Def, Graph, Prim, Reference, Role, Ty, Val,
    composite::{Attention, SelfAttention},
};
use isoloss_testkit::sample;
use tensor::{Key, Shape, Tensor};
use transform::{Cut, cut};

#[track_caller]
fn assert_same(whole: &Graph, parts: &Graph, inputs: &[Tensor], name: &str) {
    let arguments: Vec<&Tensor> = inputs.iter().collect();
    let [whole, parts] = [whole, parts].map(|graph| Reference::evaluate(graph, &arguments).unwrap());
    for (whole, part) in whole.iter().zip(&parts) {
        assert_eq!(whole.shape(), part.shape(), "{name}");
        for (x, y) in whole.to_f64_vec().iter().zip(part.to_f64_vec()) {
            let is_close = (x - y).abs() <= 1e-12 * x.abs().max(1.0);
            assert!(is_close || *x == y || (x.is_nan() && y.is_nan()), "{name}: {x} {y}");
        }
    }
}

/// A first part of one index and a second one of all others.
fn first_and_rest(shape: &Shape, axis: usize) -> Option<Cut> {
    (shape[axis] > 1).then(|| Cut { axis, sizes: vec![1, shape[axis] - 1] })
}

#[test]
fn every_primitive_is_the_same_when_its_result_or_an_operand_is_cut_along_any_axis() {
    for case in Prim::cases() {
        let mut b = Builder::new("case");
        let types = case.operands.iter().enumerate();
        let inputs: Vec<Val> =
            types.map(|(k, (ty, _))| b.input(format!("x{k}"), Role::Parameter, ty.clone())).collect();
        let result = b.apply(case.op.clone(), &inputs);
        b.output("y", result);
        let graph = b.finish();
        let tensors = sample::operands(&case, Key::new(3));
        for val in inputs.into_iter().chain([result]) {
            let shape = &graph.ty(val).shape;
            for own in (0..shape.rank()).filter_map(|axis| first_and_rest(shape, axis)) {
                let parts = cut(&graph, &BTreeMap::from([(val, own)]));
                assert_same(&graph, &parts, &tensors, case.name);
            }
        }
    }
}

/// Attention of two heads of depth three over four features.
fn attention() -> Graph {
    let mut b = Builder::new("attention");
    let x = b.data("x", Ty::f64([2, 5, 4]));
    let [projection, output] =
        [("in", [18, 4]), ("out", [4, 6])].map(|(name, shape)| b.parameter(name, Ty::f64(shape)));
    let parameters = SelfAttention {
        projection,
        projection_bias: None,
        output,
        output_bias: None,
        heads: 2,
        key_heads: 2,
        rotary: None,
        mask: Attention::default(),
    };
    let y = b.self_attention(x, parameters);
    b.output("y", y);
    b.finish()
}

/// The heads of a value of [`attention`]: an axis of blocks of three, or one of single heads.
fn heads(shape: &Shape) -> Option<Cut> {
    let blocks = shape.iter().position(|size| [6, 18].contains(size) && shape.rank() < 4);
    let single = || (1..shape.rank()).find(|&axis| [2, 6].contains(&shape[axis]));
    let (axis, block) = blocks.map(|axis| (axis, 3)).or_else(|| single().map(|axis| (axis, 1)))?;
    Some(Cut { axis, sizes: vec![block; shape[axis] / block] })
}

#[test]
fn heads_cut_apart_never_meet_before_they_are_summed() {
    let graph = attention();
    let cuts = graph.vals().filter_map(|val| Some((val, heads(&graph.ty(val).shape)?))).collect();
    let parts = cut(&graph, &cuts);
    let normal = |input: &graph::Input| sample::normal(graph.ty(input.val), Key::new(1).child(&input.name));
    assert_same(&graph, &parts, &graph.inputs().iter().map(normal).collect::<Vec<_>>(), "attention");
    let is_joined = |val: Val| matches!(parts.def(val), Def::Apply { op: Prim::Concatenate(_), .. });
    assert!(!parts.vals().any(is_joined), "{parts}");
}
