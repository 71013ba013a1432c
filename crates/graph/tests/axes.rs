//! What primitives assert about index permutations, tried out.

use std::collections::{BTreeMap, BTreeSet};

use isoloss_graph::{
    Axis, AxisMap, Case, Domain, Prim, Run, Slot, Tie, Ty,
    ops::{Constant, Iota, Reshape},
};
use tensor::{DType, Key, Shape, Tensor};

/// For each axis of each slot, where the index at each place comes from.
type Move = BTreeMap<Axis, Vec<usize>>;

fn sample(ty: &Ty, domain: Domain, key: Key) -> Tensor {
    let draw = |i: usize| match domain {
        Domain::Below(bound) => key.below(i as u64, bound as u64) as f64,
        Domain::Truth => key.below(i as u64, 2) as f64,
        Domain::Dominant => match ty.shape.last().map(|n| (i / n % n, i % n)) {
            Some((row, column)) if row == column => 2.0 + key.uniform(i as u64),
            _ => key.uniform(i as u64) - 0.5,
        },
        Domain::Interval(..) | Domain::Signed(..) | Domain::Distinct { .. } => 0.5 + key.uniform(i as u64),
    };
    Tensor::from_fn(ty.shape.clone(), draw).convert(ty.dtype)
}

/// A random permutation that is not the identity where there is another.
fn permutation(size: usize, key: Key) -> Vec<usize> {
    let mut order: Vec<usize> = (0..size).collect();
    for i in (1..size).rev() {
        order.swap(i, key.below(i as u64, i as u64 + 1) as usize);
    }
    if order.is_sorted() {
        order.rotate_left(usize::from(size > 1));
    }
    order
}

/// The runs that move together with `start`, each whole run being tied to whole runs.
fn component(map: &AxisMap, start: Run) -> BTreeSet<Run> {
    let mut runs = BTreeSet::from([start]);
    loop {
        let touched = map.ties.iter().filter(|Tie(a, b)| runs.contains(a) || runs.contains(b));
        let grown: BTreeSet<Run> =
            touched.flat_map(|Tie(a, b)| [*a, *b]).chain(runs.iter().copied()).collect();
        if grown.len() == runs.len() {
            return runs;
        }
        runs = grown;
    }
}

fn size(axis: Axis, operands: &[Ty], result: &Ty) -> usize {
    match axis.slot {
        Slot::Operand(operand) => operands[operand].shape[axis.axis],
        Slot::Result => result.shape[axis.axis],
    }
}

fn is_fixed(map: &AxisMap, axis: Axis) -> bool {
    map.fixed.iter().any(|run| run.axis == axis)
}

fn all_axes(operands: &[Ty], result: &Ty) -> Vec<Axis> {
    let of_operands = operands.iter().enumerate();
    let of_operands =
        of_operands.flat_map(|(k, ty)| (0..ty.shape.rank()).map(move |axis| Axis::operand(k, axis)));
    of_operands.chain((0..result.shape.rank()).map(Axis::result)).collect()
}

/// A random move that the map allows: tied runs alike, fixed ones not at all, and the others at will.
fn random_move(map: &AxisMap, operands: &[Ty], result: &Ty, key: Key) -> Move {
    let axes = all_axes(operands, result);
    let mut moved: Move =
        axes.iter().map(|&axis| (axis, (0..size(axis, operands, result)).collect())).collect();
    let mut done: BTreeSet<Run> = BTreeSet::new();
    for (number, Tie(run, _)) in map.ties.iter().enumerate() {
        let runs = component(map, *run);
        let free = runs.iter().all(|run| !is_fixed(map, run.axis));
        if free && done.is_disjoint(&runs) {
            let order = permutation(run.count, key.fold(number as u64));
            for run in &runs {
                let indices: Vec<usize> = run.indices().collect();
                let axis = moved.get_mut(&run.axis).expect("the axis is there");
                indices.iter().zip(&order).for_each(|(&index, &from)| axis[index] = indices[from]);
            }
        }
        done.extend(runs);
    }
    for (number, axis) in axes.into_iter().enumerate() {
        let untied = !map.ties.iter().any(|Tie(a, b)| a.axis == axis || b.axis == axis);
        if untied && !is_fixed(map, axis) {
            let order = permutation(moved[&axis].len(), key.child("untied").fold(number as u64));
            moved.insert(axis, order);
        }
    }
    moved
}

fn apply(moved: &Move, slot: Slot, x: &Tensor) -> Tensor {
    let (shape, elements): (Shape, Vec<f64>) = (x.shape().clone(), x.to_f64_vec());
    let strides = shape.strides();
    let source = |position: usize| -> usize {
        let along = |axis: usize| moved[&Axis { slot, axis }][position / strides[axis] % shape[axis]];
        (0..shape.rank()).map(|axis| strides[axis] * along(axis)).sum()
    };
    Tensor::from_fn(shape.clone(), |position| elements[source(position)]).convert(x.dtype())
}

fn assert_equivariant(case: &Case, key: Key) {
    let types: Vec<Ty> = case.operands.iter().map(|(ty, _)| ty.clone()).collect();
    let references: Vec<&Ty> = types.iter().collect();
    let result = case.op.out_type(&references).expect("cases are well typed");
    let map = case.op.axes(&references, &result);
    let moved = random_move(&map, &types, &result, key.child("move"));
    let drawn = case.operands.iter().enumerate();
    let operands: Vec<Tensor> =
        drawn.map(|(k, (ty, domain))| sample(ty, *domain, key.child("operand").fold(k as u64))).collect();
    let moved_operands: Vec<Tensor> =
        operands.iter().enumerate().map(|(k, x)| apply(&moved, Slot::Operand(k), x)).collect();
    let expected = apply(&moved, Slot::Result, &case.op.eval(&operands.iter().collect::<Vec<_>>()));
    let found = case.op.eval(&moved_operands.iter().collect::<Vec<_>>());
    for (found, expected) in found.to_f64_vec().iter().zip(expected.to_f64_vec()) {
        assert!((found - expected).abs() <= 1e-12 * expected.abs().max(1.0), "{}: {map:?}", case.name);
    }
}

#[test]
fn every_allowed_move_of_the_operands_moves_the_result() {
    for case in Prim::cases() {
        (0..8).for_each(|seed| assert_equivariant(&case, Key::new(seed)));
    }
}

#[test]
fn a_claim_too_strong_is_caught() {
    let varying = Constant { value: Tensor::from_fn([4], |i| i as f64).into() };
    let free = AxisMap::default();
    let result = Ty::f64([4]);
    let moved = random_move(&free, &[], &result, Key::new(1));
    assert_ne!(apply(&moved, Slot::Result, &varying.value), *varying.value);
}

fn axes(op: impl Into<Prim>, operands: &[Ty]) -> AxisMap {
    let (op, operands): (Prim, Vec<&Ty>) = (op.into(), operands.iter().collect());
    let result = op.out_type(&operands).expect("the operands fit");
    op.axes(&operands, &result)
}

fn reshape(from: &[usize], to: &[usize]) -> AxisMap {
    axes(Reshape { shape: to.into() }, &[Ty::f32(from)])
}

#[test]
fn unit_axes_are_seen_through() {
    let mut expected = AxisMap::default();
    expected.tie(Axis::operand(0, 0), Axis::result(1), 2);
    expected.tie(Axis::operand(0, 2), Axis::result(2), 3);
    assert_eq!(reshape(&[2, 1, 3], &[1, 2, 3, 1]), expected);
    assert_eq!(reshape(&[1, 1], &[]), AxisMap::default());
}

#[test]
fn a_flattened_map_moves_in_blocks_of_its_outer_axis() {
    let outer = Axis::operand(0, 1);
    let run = |start| Run { axis: Axis::result(1), start, step: 4, count: 3 };
    let mut expected = AxisMap::default();
    expected.tie(Axis::operand(0, 0), Axis::result(0), 5);
    expected.ties.extend((0..4).map(|start| Tie(Run::whole(outer, 3), run(start))));
    expected.fix_inside(outer, Axis::operand(0, 2), 2);
    expected.fix_inside(outer, Axis::operand(0, 3), 2);
    assert_eq!(reshape(&[5, 3, 2, 2], &[5, 12]), expected);
}

#[test]
fn regrouped_and_empty_axes_are_fixed() {
    let fixed = |from: &[usize], to: &[usize]| {
        let map = reshape(from, to);
        assert!(map.ties.is_empty());
        map.fixed.len()
    };
    assert_eq!(fixed(&[4, 6], &[6, 4]), 4);
    assert_eq!(fixed(&[0, 3], &[3, 0]), 4);
}

#[test]
fn counting_and_varying_constants_fix_their_axes() {
    let iota = axes(Iota { dtype: DType::I32, shape: [2, 3].into(), axis: 1 }, &[]);
    assert_eq!((iota.ties.len(), iota.fixed), (0, vec![Run::whole(Axis::result(1), 3)]));
    let rows = Tensor::from_fn([2, 3], |i| (i / 3) as f64);
    let constant = axes(Constant { value: rows.into() }, &[]);
    assert_eq!((constant.ties.len(), constant.fixed), (0, vec![Run::whole(Axis::result(0), 2)]));
}
