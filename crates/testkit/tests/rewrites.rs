//! Each rewrite of the simplification: what it leaves, and that the numbers stay.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use graph::{
    Builder, Def, Graph, Reference, Ty, Val,
    ops::{DotGeneral, Pad},
};
use isoloss_testkit::sample;
use tensor::{Key, Tensor};
use transform::simplify;

fn operations(graph: &Graph) -> Vec<&'static str> {
    let name = |val| match graph.def(val) {
        Def::Apply { op, .. } => Some(op.name()),
        Def::Input(_) => None,
    };
    graph.vals().filter_map(name).collect()
}

/// Checks that what `build` makes of `x: f64[2, 3, 4]` and `y` alike simplifies to these operations.
#[track_caller]
fn check(expected: &[&str], build: impl FnOnce(&mut Builder, Val, Val) -> Val) {
    let mut b = Builder::new("rewrite");
    let ty = Ty::f64([2, 3, 4]);
    let (x, y) = (b.data("x", ty.clone()), b.data("y", ty.clone()));
    let result = build(&mut b, x, y);
    b.output("result", result);
    let graph = b.finish();
    let simple = simplify(&graph);
    assert_eq!(operations(&simple), expected, "{simple}");
    let point = [sample::normal(&ty, Key::new(1)), sample::normal(&ty, Key::new(2))];
    let arguments: Vec<&Tensor> = point.iter().collect();
    let [before, after] = [&graph, &simple].map(|graph| Reference::evaluate(graph, &arguments).unwrap());
    let close = |(x, y): (&f64, &f64)| (x - y).abs() <= 1e-14 * x.abs();
    assert_eq!(before[0].shape(), after[0].shape());
    assert!(before[0].to_f64_vec().iter().zip(&after[0].to_f64_vec()).all(close));
    assert_eq!(simplify(&simple), simple);
}

#[test]
fn rearrangements_of_rearrangements_are_one_or_none() {
    check(&["transpose"], |b, x, _| {
        let once = b.transpose(x, &[1, 2, 0]);
        b.transpose(once, &[1, 0, 2])
    });
    check(&[], |b, x, _| {
        let once = b.transpose(x, &[1, 2, 0]);
        b.transpose(once, &[2, 0, 1])
    });
    check(&["reshape"], |b, x, _| {
        let flat = b.reshape(x, &[24].into());
        b.reshape(flat, &[6, 4].into())
    });
    check(&["reduce_sum", "broadcast_in_dim"], |b, x, _| {
        let sum = b.reduce_sum(x, &[0, 2]);
        let rows = b.broadcast(sum, &[3, 5].into(), &[0]);
        b.broadcast(rows, &[2, 3, 5].into(), &[1, 2])
    });
    check(&["reduce_sum", "broadcast_in_dim"], |b, x, _| {
        let sum = b.reduce_sum(x, &[0, 2]);
        let rows = b.broadcast(sum, &[3, 5].into(), &[0]);
        b.transpose(rows, &[1, 0])
    });
    check(&["concatenate"], |b, x, y| {
        let pair = b.concatenate(&[x, y], 1);
        b.concatenate(&[pair, x], 1)
    });
    check(&[], |b, x, y| {
        let pair = b.concatenate(&[x, y], 1);
        b.slice_axis(pair, 1, 3..6)
    });
    check(&[], |b, x, _| {
        let padded = b.apply(Pad::new(&[(0, 0, 0), (0, 0, 0), (0, 0, 0)]), &[x]);
        b.slice_axis(padded, 1, 0..3)
    });
}

#[test]
fn transposes_move_into_contractions_and_sums() {
    let op = |lhs: &[usize], rhs: &[usize]| DotGeneral {
        lhs_contract: lhs.to_vec(),
        rhs_contract: rhs.to_vec(),
        ..DotGeneral::default()
    };
    check(&["dot_general"], |b, x, y| {
        let (x, y) = (b.transpose(x, &[2, 0, 1]), b.transpose(y, &[0, 2, 1]));
        b.dot_general(op(&[0], &[1]), x, y)
    });
    check(&["transpose", "dot_general"], |b, x, y| {
        let x = b.transpose(x, &[1, 0, 2]);
        b.dot_general(op(&[2], &[2]), x, y)
    });
    check(&["reduce_sum"], |b, x, _| {
        let x = b.transpose(x, &[0, 2, 1]);
        b.reduce_sum(x, &[1])
    });
}

#[test]
fn sums_over_repetitions_are_products() {
    check(&["reduce_sum", "constant", "broadcast_in_dim", "multiply"], |b, x, _| {
        let sum = b.reduce_sum(x, &[0, 2]);
        let repeated = b.broadcast(sum, &[2, 3, 5].into(), &[1]);
        b.reduce_sum(repeated, &[0, 2])
    });
    check(&[], |b, x, _| {
        let split = b.reshape(x, &[2, 1, 3, 4].into());
        b.reduce_sum(split, &[1])
    });
}

#[test]
fn a_sum_over_no_repetitions_is_zero_whatever_would_be_repeated() {
    let mut b = Builder::new("empty");
    let x = b.data("x", Ty::f64([2]));
    let none = b.broadcast(x, &[0, 2].into(), &[1]);
    let sum = b.reduce_sum(none, &[0]);
    b.output("sum", sum);
    let simple = simplify(&b.finish());
    let x = Tensor::new([2], vec![f64::INFINITY, f64::NAN]).unwrap();
    assert_eq!(Reference::evaluate(&simple, &[&x]).unwrap()[0].to_f64_vec(), [0.0, 0.0]);
}

#[test]
fn quotients_by_powers_of_two_are_products() {
    check(&["constant", "broadcast_in_dim", "multiply"], |b, x, _| {
        let eight = b.splat_like(x, 8.0);
        b.divide(x, eight)
    });
    check(&["constant", "broadcast_in_dim", "divide"], |b, x, _| {
        let six = b.splat_like(x, 6.0);
        b.divide(x, six)
    });
}

#[test]
fn signs_and_choices_are_shortened() {
    check(&["subtract"], |b, x, y| {
        let minus = b.scale(y, -1.0);
        b.add(x, minus)
    });
    check(&["subtract"], |b, x, y| {
        let difference = b.subtract(x, y);
        b.negate(difference)
    });
    check(&["add"], |b, x, y| {
        let minus = b.negate(y);
        b.subtract(x, minus)
    });
    check(&["compare", "select"], |b, x, y| {
        let larger = b.compare(graph::ops::Direction::Gt, x, y);
        let inner = b.select(larger, x, y);
        b.select(larger, inner, y)
    });
    check(&["multiply", "add"], |b, x, y| {
        let (one, other) = (b.multiply(x, y), b.multiply(y, x));
        b.add(one, other)
    });
    check(&[], |b, x, _| {
        let zero = b.splat(&Ty::f64([3, 2, 4]), 0.0);
        let moved = b.transpose(zero, &[1, 0, 2]);
        b.add(x, moved)
    });
}

#[test]
fn slices_of_parts_read_the_parts() {
    check(&["slice"], |b, x, _| {
        let once = b.slice(x, &[0, 1, 0], &[2, 3, 4], &[1, 1, 3]);
        b.slice(once, &[1, 0, 0], &[2, 2, 2], &[1, 2, 1])
    });
    check(&["slice"], |b, x, y| {
        let joined = b.concatenate(&[x, y, x], 1);
        b.slice(joined, &[0, 4, 0], &[2, 6, 4], &[1, 1, 2])
    });
    check(&["slice", "broadcast_in_dim"], |b, x, _| {
        let repeated = b.broadcast(x, &[2, 5, 3, 4].into(), &[0, 2, 3]);
        b.slice(repeated, &[0, 1, 1, 0], &[2, 4, 3, 4], &[1, 2, 1, 1])
    });
    check(&[], |b, x, _| {
        let all = b.pad(x, &[(0, 0, 0), (0, 0, 0), (2, 1, 2)]);
        b.slice(all, &[0, 0, 2], &[2, 3, 12], &[1, 1, 3])
    });
    check(&["slice", "pad"], |b, x, _| {
        let padded = b.pad(x, &[(0, 0, 0), (1, 0, 0), (0, 2, 0)]);
        b.slice(padded, &[0, 1, 0], &[2, 3, 6], &[1, 1, 1])
    });
    for (start, stride) in [(0, 1), (9, 1), (3, 2)] {
        check(&["constant", "broadcast_in_dim"], |b, x, _| {
            let padded = b.pad(x, &[(0, 0, 0), (0, 0, 0), (2, 2, 1)]);
            b.slice(padded, &[0, 0, start], &[2, 3, start + 2 * stride], &[1, 1, stride])
        });
    }
}

#[test]
fn a_slice_across_the_edge_of_a_padding_or_a_piece_stays() {
    check(&["pad", "slice"], |b, x, _| {
        let padded = b.pad(x, &[(0, 0, 0), (0, 0, 0), (1, 1, 0)]);
        b.slice(padded, &[0, 0, 0], &[2, 3, 3], &[1, 1, 1])
    });
    check(&["concatenate", "slice"], |b, x, y| {
        let joined = b.concatenate(&[x, y], 2);
        b.slice_axis(joined, 2, 3..5)
    });
}

#[test]
fn paddings_of_paddings_are_one_and_those_that_take_away_are_slices() {
    check(&["pad"], |b, x, _| {
        let once = b.pad(x, &[(0, 0, 0), (1, 2, 0), (0, 0, 1)]);
        b.pad(once, &[(1, 0, 0), (-1, 0, 0), (0, 1, 2)])
    });
    check(&["slice"], |b, x, _| b.pad(x, &[(0, 0, 0), (-1, 0, 0), (-1, -2, 0)]));
    check(&["slice", "pad"], |b, x, _| {
        let cut = b.pad(x, &[(0, 0, 0), (-1, 0, 0), (0, 0, 0)]);
        b.pad(cut, &[(0, 0, 0), (1, 0, 0), (0, 0, 0)])
    });
    check(&["constant", "broadcast_in_dim"], |b, x, _| {
        let zero = b.splat_like(x, 0.0);
        b.pad(zero, &[(0, 0, 0), (1, 0, 0), (0, 0, 1)])
    });
}

#[test]
fn reversals_undo_each_other() {
    check(&[], |b, x, _| {
        let once = b.reverse(x, &[0, 2]);
        b.reverse(once, &[0, 2])
    });
    check(&["reverse"], |b, x, _| {
        let once = b.reverse(x, &[0, 2]);
        b.reverse(once, &[1, 2])
    });
    check(&["broadcast_in_dim"], |b, x, _| {
        let repeated = b.broadcast(x, &[5, 2, 3, 4].into(), &[1, 2, 3]);
        b.reverse(repeated, &[0])
    });
}

#[test]
fn pieces_that_add_up_are_joined() {
    check(&["concatenate"], |b, x, y| {
        let first = b.pad(x, &[(0, 0, 0), (0, 0, 0), (0, 4, 0)]);
        let last = b.pad(y, &[(0, 0, 0), (0, 0, 0), (4, 0, 0)]);
        b.add(last, first)
    });
    check(&["constant", "broadcast_in_dim", "concatenate"], |b, x, y| {
        let first = b.pad(x, &[(0, 0, 0), (0, 10, 0), (0, 0, 0)]);
        let last = b.pad(y, &[(0, 0, 0), (10, 0, 0), (0, 0, 0)]);
        let middle = b.pad(x, &[(0, 0, 0), (3, 7, 0), (0, 0, 0)]);
        let sum = b.add(first, last);
        b.add(sum, middle)
    });
    check(&["pad", "pad", "add"], |b, x, y| {
        let first = b.pad(x, &[(0, 0, 0), (0, 2, 0), (0, 0, 0)]);
        let last = b.pad(y, &[(0, 0, 0), (2, 0, 0), (0, 0, 0)]);
        b.add(first, last)
    });
}

#[test]
fn the_cotangents_of_all_slices_of_a_value_are_one_concatenation() {
    let mut b = Builder::new("steps");
    let x = b.parameter("x", Ty::f64([3, 6, 2]));
    let mut state = b.splat(&Ty::f64([3, 1, 2]), 0.0);
    for step in 0..6 {
        let input = b.slice_axis(x, 1, step..step + 1);
        let sum = b.add(state, input);
        state = b.tanh(sum);
    }
    let loss = b.reduce_sum(state, &[0, 1, 2]);
    b.output("loss", loss);
    let names = operations(&transform::grad(&b.finish(), 0, &[0]));
    let count = |name: &str| names.iter().filter(|&&other| other == name).count();
    assert_eq!((count("concatenate"), count("pad"), count("slice")), (1, 0, 6), "{names:?}");
}
