//! Gathers and scatters: numbers worked out by hand, and which indices move together.

use isoloss_graph::{
    Axis, AxisMap, Prim, Run, Ty,
    ops::{Gather, ScatterAdd},
};
use tensor::Tensor;

fn floats(shape: &[usize], elements: &[f64]) -> Tensor {
    Tensor::from_fn(shape, |i| elements[i])
}

fn integers(shape: &[usize], elements: &[i32]) -> Tensor {
    Tensor::from_fn(shape, |i| elements[i])
}

fn eval(op: impl Into<Prim>, operands: [&Tensor; 2]) -> Tensor {
    let op = op.into();
    let types = operands.map(Ty::of);
    let expected = op.out_type(&types.iter().collect::<Vec<_>>()).expect("the operands fit");
    let result = op.eval(&operands);
    assert_eq!(Ty::of(&result), expected, "{}", op.name());
    result
}

#[test]
fn rows_are_read_at_their_indices() {
    let table = floats(&[3, 2], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    let indices = integers(&[2, 2], &[2, 0, 1, 2]);
    let rows = eval(Gather { axis: 0, batch: 0 }, [&table, &indices]);
    assert_eq!(rows, floats(&[2, 2, 2], &[4.0, 5.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0]));
    let columns = eval(Gather { axis: 1, batch: 0 }, [&table, &integers(&[], &[1])]);
    assert_eq!(columns, floats(&[3], &[1.0, 3.0, 5.0]));
}

#[test]
fn a_batched_gather_picks_one_element_of_each_row() {
    let x = floats(&[3, 2], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    let labels = integers(&[3], &[1, 0, 1]);
    assert_eq!(eval(Gather { axis: 1, batch: 1 }, [&x, &labels]), floats(&[3], &[1.0, 2.0, 5.0]));
}

#[test]
fn an_index_out_of_range_reads_zero_and_adds_nothing() {
    let indices = integers(&[4], &[-1, 2, i32::MIN, 1]);
    let x = floats(&[2], &[5.0, 7.0]);
    assert_eq!(eval(Gather { axis: 0, batch: 0 }, [&x, &indices]), floats(&[4], &[0.0, 0.0, 0.0, 7.0]));
    let truth = Tensor::full([2], true);
    let found = eval(Gather { axis: 0, batch: 0 }, [&truth, &indices]);
    assert_eq!(found, Tensor::from_fn([4], |i| i == 3));
    let updates = floats(&[4], &[1.0, 2.0, 3.0, 4.0]);
    let sums = eval(ScatterAdd { axis: 0, batch: 0, size: 2 }, [&updates, &indices]);
    assert_eq!(sums, floats(&[2], &[0.0, 4.0]));
}

#[test]
fn updates_of_one_index_are_summed_in_order() {
    let indices = integers(&[4], &[1, 0, 1, 1]);
    let updates = floats(&[4], &[1e16, 3.0, -1e16, 1.0]);
    let sums = eval(ScatterAdd { axis: 0, batch: 0, size: 3 }, [&updates, &indices]);
    assert_eq!(sums, floats(&[3], &[3.0, 1.0, 0.0]));
    let wrapped = eval(
        ScatterAdd { axis: 0, batch: 0, size: 1 },
        [&integers(&[2], &[i32::MAX, 1]), &integers(&[2], &[0, 0])],
    );
    assert_eq!(wrapped, integers(&[1], &[i32::MIN]));
}

#[test]
fn a_scatter_along_a_middle_axis_keeps_the_others() {
    // updates [1, 2, 2, 1] with one shared axis and one before the indices.
    let updates = floats(&[1, 2, 2, 1], &[1.0, 2.0, 3.0, 4.0]);
    let sums = eval(ScatterAdd { axis: 2, batch: 1, size: 2 }, [&updates, &integers(&[1, 2], &[1, 1])]);
    assert_eq!(sums, floats(&[1, 2, 2, 1], &[0.0, 3.0, 0.0, 7.0]));
}

fn axes(op: impl Into<Prim>, operands: &[Ty; 2]) -> AxisMap {
    let (op, operands): (Prim, Vec<&Ty>) = (op.into(), operands.iter().collect());
    let result = op.out_type(&operands).expect("the operands fit");
    op.axes(&operands, &result)
}

#[test]
fn the_axis_read_at_indices_is_fixed_and_the_others_are_tied() {
    let (x, indices) = (Ty::f64([2, 3, 4, 5]), Ty::i32([2, 6, 7]));
    let mut expected = AxisMap { fixed: vec![Run::whole(Axis::operand(0, 2), 4)], ..AxisMap::default() };
    for (operand, axis, result, size) in
        [(0, 0, 0, 2), (0, 1, 1, 3), (0, 3, 4, 5), (1, 0, 0, 2), (1, 1, 2, 6), (1, 2, 3, 7)]
    {
        expected.tie(Axis::operand(operand, axis), Axis::result(result), size);
    }
    assert_eq!(axes(Gather { axis: 2, batch: 1 }, &[x, indices]), expected);
}

#[test]
fn the_axis_added_up_at_indices_is_fixed_and_the_others_are_tied() {
    let (updates, indices) = (Ty::f64([2, 3, 6, 5]), Ty::i32([2, 6]));
    let mut expected = AxisMap { fixed: vec![Run::whole(Axis::result(2), 4)], ..AxisMap::default() };
    for (slot, axis) in [(0, 0), (0, 1), (0, 3)] {
        let size = updates.shape[axis];
        expected.tie(Axis::result(axis), Axis::operand(slot, axis), size);
    }
    expected.tie(Axis::operand(1, 0), Axis::operand(0, 0), 2);
    expected.tie(Axis::operand(1, 1), Axis::operand(0, 2), 6);
    assert_eq!(axes(ScatterAdd { axis: 2, batch: 1, size: 4 }, &[updates, indices]), expected);
}
