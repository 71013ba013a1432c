//! Matrix products against the reference evaluator, on every instruction set.

use graph::{Builder, Graph, Reference, Ty, Val, ops::DotGeneral};
use tensor::{DType, Key, Tensor};

use super::{BEST, run};
use crate::{isa::Isa, program::Options};

/// A graph of products of the arguments, which are random.
fn graph_of(
    dtype: DType,
    shapes: &[&[usize]],
    build: impl FnOnce(&mut Builder, &[Val]) -> Val,
) -> (Graph, Vec<Tensor>) {
    let tensor = |k: usize, shape: &&[usize]| {
        let key = Key::new(k as u64);
        Tensor::from_fn(*shape, |i| 2.0 * key.uniform(i as u64) - 1.0).convert(dtype)
    };
    let arguments: Vec<Tensor> = shapes.iter().enumerate().map(|(k, shape)| tensor(k, shape)).collect();
    let mut b = Builder::new("products");
    let vals: Vec<Val> =
        arguments.iter().enumerate().map(|(k, x)| b.data(format!("{k}"), Ty::of(x))).collect();
    let y = build(&mut b, &vals);
    b.output("y", y);
    (b.finish(), arguments)
}

/// Checks every instruction set; the sums have `depth` terms below 1.
fn check(depth: usize, shapes: &[&[usize]], build: impl Fn(&mut Builder, &[Val]) -> Val) {
    for (dtype, epsilon) in [(DType::F32, f64::from(f32::EPSILON)), (DType::F64, f64::EPSILON)] {
        let (graph, arguments) = graph_of(dtype, shapes, &build);
        let expected = Reference::evaluate(&graph, &arguments.iter().collect::<Vec<_>>()).expect("they fit");
        let bound = epsilon * (depth as f64 + 1.0);
        for isa in Isa::available() {
            let found = run(&graph, &arguments, Options { isa, ..BEST() });
            assert_eq!(found[0].shape(), expected[0].shape());
            for (found, expected) in found[0].to_f64_vec().iter().zip(expected[0].to_f64_vec()) {
                assert!((found - expected).abs() <= bound, "{isa:?} {shapes:?}: {found}, not {expected}");
            }
        }
    }
}

fn dot(batch: [&[usize]; 2], contract: [&[usize]; 2]) -> DotGeneral {
    DotGeneral {
        lhs_batch: batch[0].to_vec(),
        rhs_batch: batch[1].to_vec(),
        lhs_contract: contract[0].to_vec(),
        rhs_contract: contract[1].to_vec(),
    }
}

#[test]
fn matrices_of_awkward_sizes_multiply() {
    for sizes in
        [[0, 5, 3], [4, 0, 3], [4, 5, 0], [1, 1, 1], [1, 70, 33], [37, 1, 41], [13, 129, 1], [33, 17, 65]]
    {
        let [rows, depth, columns] = sizes;
        for code in 0..4 {
            let [left, right] = [1, 2].map(|bit| code & bit != 0);
            let x = if left { [rows, depth] } else { [depth, rows] };
            let y = if right { [depth, columns] } else { [columns, depth] };
            let op = dot([&[], &[]], [&[usize::from(left)], &[usize::from(!right)]]);
            check(depth, &[&x, &y], |b, v| b.dot_general(op.clone(), v[0], v[1]));
        }
    }
}

#[test]
fn deep_products_of_few_elements_multiply() {
    let by_rows = dot([&[], &[]], [&[0], &[0]]);
    check(9000, &[&[9000, 13], &[9000, 21]], |b, v| b.dot_general(by_rows.clone(), v[0], v[1]));
    check(1300, &[&[1300, 150], &[1300, 70]], |b, v| b.dot_general(by_rows.clone(), v[0], v[1]));
}

#[test]
fn heads_of_attention_multiply() {
    // Queries by keys, then weights by values, where heads lie within the rows of each sequence.
    let shape = [3, 37, 2, 18];
    let scores = dot([&[0, 2], &[0, 2]], [&[3], &[3]]);
    check(18, &[&shape, &shape], |b, v| b.dot_general(scores.clone(), v[0], v[1]));
    let weights = [3, 2, 37, 37];
    for contract in [2, 3] {
        let mixed = dot([&[0, 1], &[0, 2]], [&[contract], &[1]]);
        check(37, &[&weights, &shape], |b, v| b.dot_general(mixed.clone(), v[0], v[1]));
    }
}

#[test]
fn batches_of_one_side_multiply() {
    check(19, &[&[16, 9, 19], &[10, 19]], |b, v| b.dot_general(dot([&[], &[]], [&[2], &[1]]), v[0], v[1]));
    check(19, &[&[10, 19], &[16, 9, 19]], |b, v| b.dot_general(dot([&[], &[]], [&[1], &[2]]), v[0], v[1]));
}

#[test]
fn several_contracted_axes_in_any_order_multiply() {
    let op = dot([&[1], &[0]], [&[0, 3], &[3, 2]]);
    check(35, &[&[5, 3, 21, 7], &[3, 11, 7, 5]], |b, v| b.dot_general(op.clone(), v[0], v[1]));
}

#[test]
fn strided_parts_multiply() {
    let op = dot([&[], &[]], [&[1], &[0]]);
    check(20, &[&[40, 60], &[21, 90]], |b, v| {
        let x = b.slice(v[0], &[3, 0], &[38, 60], &[2, 3]);
        let y = b.slice(v[1], &[1, 2], &[21, 85], &[1, 2]);
        b.dot_general(op.clone(), x, y)
    });
}

#[test]
fn sums_of_products_are_sums() {
    let op = dot([&[0], &[0]], [&[1], &[2]]);
    check(80, &[&[3, 40, 50], &[3, 35, 40], &[3, 50, 40], &[3, 35, 40]], |b, v| {
        let x = b.dot_general(op.clone(), v[0], v[1]);
        let turned = b.transpose(v[2], &[0, 2, 1]);
        let y = b.dot_general(op.clone(), turned, v[3]);
        b.add(x, y)
    });
}
