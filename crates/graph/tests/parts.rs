//! Slices, paddings, concatenations and reversals: numbers worked out by hand, and which indices move together.

use isoloss_graph::{
    Axis, AxisMap, Builder, Diff, Operand, Prim, Run, Tie, Ty,
    ops::{Concatenate, Pad, Reverse, Slice},
};
use tensor::{DType, Tensor};

/// 0, 1, 2, … in `shape`.
fn counted(shape: &[usize]) -> Tensor {
    Tensor::from_fn(shape, |i| i as i32)
}

fn integers(shape: &[usize], elements: &[i32]) -> Tensor {
    Tensor::from_fn(shape, |i| elements[i])
}

fn eval(op: impl Into<Prim>, operands: &[Tensor]) -> Tensor {
    let op = op.into();
    let types: Vec<Ty> = operands.iter().map(Ty::of).collect();
    let expected = op.out_type(&types.iter().collect::<Vec<_>>()).expect("the operands fit");
    let result = op.eval(&operands.iter().collect::<Vec<_>>());
    assert_eq!(Ty::of(&result), expected, "{}", op.name());
    result
}

fn slice(start: &[usize], limit: &[usize], stride: &[usize]) -> Slice {
    Slice { start: start.to_vec(), limit: limit.to_vec(), stride: stride.to_vec() }
}

#[test]
fn a_slice_takes_every_stride_th_index_below_the_limit() {
    let x = [counted(&[3, 4])];
    assert_eq!(eval(slice(&[1, 0], &[3, 4], &[1, 3]), &x), integers(&[2, 2], &[4, 7, 8, 11]));
    assert_eq!(eval(slice(&[0, 1], &[3, 3], &[2, 5]), &x), integers(&[2, 1], &[1, 9]));
    assert_eq!(eval(slice(&[3, 0], &[3, 4], &[1, 1]), &x), Tensor::zeros(DType::I32, [0, 4]));
    assert_eq!(eval(slice(&[], &[], &[]), &[Tensor::scalar(true)]), Tensor::scalar(true));
}

#[test]
fn padding_puts_zeros_around_and_between() {
    let x = [counted(&[3])];
    let pad = |low, high, interior| eval(Pad::new(&[(low, high, interior)]), &x);
    assert_eq!(pad(1, 2, 0), integers(&[6], &[0, 0, 1, 2, 0, 0]));
    assert_eq!(pad(0, 1, 1), integers(&[6], &[0, 0, 1, 0, 2, 0]));
    let truth = eval(Pad::new(&[(1, 0, 0)]), &[Tensor::full([1], true)]);
    assert_eq!(truth, Tensor::new([2], vec![false, true]).expect("two elements"));
}

#[test]
fn negative_padding_takes_elements_away() {
    let x = [counted(&[4])];
    let pad = |low, high, interior| eval(Pad::new(&[(low, high, interior)]), &x);
    assert_eq!(pad(-1, 0, 0), integers(&[3], &[1, 2, 3]));
    assert_eq!(pad(-1, -2, 2), integers(&[7], &[0, 0, 1, 0, 0, 2, 0]));
    assert_eq!(pad(-5, 4, 0), integers(&[3], &[0, 0, 0]));
    assert_eq!(pad(-2, -2, 0), integers(&[0], &[]));
}

#[test]
fn operands_are_joined_in_order() {
    let (x, y) = (counted(&[2, 2]), integers(&[2, 1], &[8, 9]));
    let joined = eval(Concatenate { axis: 1 }, &[y.clone(), x.clone(), y]);
    assert_eq!(joined, integers(&[2, 4], &[8, 0, 1, 8, 9, 2, 3, 9]));
    let empty = integers(&[0, 2], &[]);
    assert_eq!(eval(Concatenate { axis: 0 }, &[empty, x.clone()]), x);
}

#[test]
fn reversal_runs_backwards_along_its_axes() {
    let x = [counted(&[2, 3])];
    assert_eq!(eval(Reverse { axes: vec![1] }, &x), integers(&[2, 3], &[2, 1, 0, 5, 4, 3]));
    assert_eq!(eval(Reverse { axes: vec![0, 1] }, &x), integers(&[2, 3], &[5, 4, 3, 2, 1, 0]));
}

#[test]
fn the_builder_leaves_out_what_changes_nothing() {
    let mut b = Builder::new("g");
    let x = b.data("x", Ty::f32([2, 1]));
    assert_eq!(b.slice(x, &[0, 0], &[2, 1], &[1, 1]), x);
    assert_eq!(b.slice_axis(x, 0, 0..2), x);
    assert_eq!(b.pad(x, &[(0, 0, 0), (0, 0, 3)]), x);
    assert_eq!(b.concatenate(&[x], 1), x);
    assert_eq!(b.reverse(x, &[]), x);
}

#[test]
fn a_padding_is_transposed_without_a_tensor_larger_than_its_own() {
    let mut b = Builder::new("g");
    let ct = b.data("ct", Ty::f64([5]));
    let far = i64::MAX / 2;
    let op = Prim::from(Pad::new(&[(-1, 4 - far, far as usize)]));
    assert_eq!(op.out_type(&[&Ty::f64([2])]), Ok(Ty::f64([5])));
    let Diff::Linear(rule) = op.diff() else { panic!("a padding is linear") };
    let cotangent = rule.transpose(&mut b, ct, &[Operand::Linear(Ty::f64([2]))])[0];
    assert_eq!(cotangent.map(|val| b.ty(val).clone()), Some(Ty::f64([2])));
    let graph = b.graph();
    assert!(graph.vals().all(|val| graph.ty(val).shape.elements() <= 5));
}

fn axes(op: impl Into<Prim>, operands: &[Ty]) -> AxisMap {
    let (op, operands): (Prim, Vec<&Ty>) = (op.into(), operands.iter().collect());
    let result = op.out_type(&operands).expect("the operands fit");
    op.axes(&operands, &result)
}

const fn run(axis: Axis, start: usize, step: isize, count: usize) -> Run {
    Run { axis, start, step, count }
}

#[test]
fn what_a_slice_reads_moves_with_its_result() {
    let map = axes(slice(&[1], &[6], &[2]), &[Ty::f32([7])]);
    let expected = Tie(run(Axis::operand(0, 0), 1, 2, 3), run(Axis::result(0), 0, 1, 3));
    assert_eq!((map.ties, map.fixed), (vec![expected], vec![]));
}

#[test]
fn what_a_padding_keeps_moves_with_its_place() {
    let map = axes(Pad::new(&[(-1, -2, 2)]), &[Ty::f32([4])]);
    let expected = Tie(run(Axis::operand(0, 0), 1, 1, 2), run(Axis::result(0), 2, 3, 2));
    assert_eq!((map.ties, map.fixed), (vec![expected], vec![]));
}

#[test]
fn concatenated_operands_move_with_their_parts() {
    let map = axes(Concatenate { axis: 0 }, &[Ty::f32([2]), Ty::f32([3])]);
    let tie = |operand, start, count| {
        Tie(run(Axis::operand(operand, 0), 0, 1, count), run(Axis::result(0), start, 1, count))
    };
    assert_eq!((map.ties, map.fixed), (vec![tie(0, 0, 2), tie(1, 2, 3)], vec![]));
}

#[test]
fn the_last_index_of_a_reversed_axis_moves_with_the_first() {
    let map = axes(Reverse { axes: vec![0] }, &[Ty::f32([3])]);
    let expected = Tie(run(Axis::operand(0, 0), 2, -1, 3), run(Axis::result(0), 0, 1, 3));
    assert_eq!((map.ties, map.fixed), (vec![expected], vec![]));
}
