//! Factorisations and systems: numbers worked out by hand.

use isoloss_graph::{
    AttributeError, Prim, Ty,
    ops::{Cholesky, TriangularSolve},
};
use tensor::{DType, Tensor};

const NAN: f64 = f64::NAN;

fn matrix(rows: usize, elements: &[f64]) -> Tensor {
    Tensor::from_fn([rows, elements.len() / rows], |i| elements[i])
}

/// The result in f64, after a check that in f32 it is the same.
fn eval(op: impl Into<Prim>, operands: &[&Tensor]) -> Vec<f64> {
    let op = op.into();
    let types: Vec<Ty> = operands.iter().map(|x| Ty::of(x)).collect();
    let result = op.eval(operands);
    assert_eq!(op.out_type(&types.iter().collect::<Vec<_>>()), Ok(Ty::of(&result)));
    let single: Vec<Tensor> = operands.iter().map(|x| x.convert(DType::F32)).collect();
    let single = op.eval(&single.iter().collect::<Vec<_>>()).to_f64_vec();
    let same = |(a, b): (&f64, &f64)| a == b || (a.is_nan() && b.is_nan());
    assert!(single.iter().zip(&result.to_f64_vec()).all(same), "{single:?}");
    result.to_f64_vec()
}

#[test]
fn a_factor_times_its_transpose_is_the_matrix() {
    let lower = [2.0, 0.0, 0.0, 6.0, 1.0, 0.0, -8.0, 5.0, 3.0];
    // What stands above the diagonal is not read.
    let a = matrix(3, &[4.0, NAN, 7.0, 12.0, 37.0, NAN, -16.0, -43.0, 98.0]);
    assert_eq!(eval(Cholesky, &[&a]), lower);
}

#[test]
fn a_matrix_that_is_not_positive_definite_has_no_factor() {
    let stack = Tensor::from_fn([4, 2, 2], |i| {
        [4.0, 0.0, 2.0, 2.0, 1.0, 0.0, 1.0, 1.0, -1.0, 0.0, 0.0, 1.0, 4.0, 0.0, NAN, 5.0][i]
    });
    let found = eval(Cholesky, &[&stack]);
    assert_eq!(found[..4], [2.0, 0.0, 1.0, 1.0]);
    assert!(found[4..].iter().all(|value| value.is_nan()), "{found:?}");
}

fn solve([left, lower, transpose, unit]: [bool; 4], a: &Tensor, b: &Tensor) -> Vec<f64> {
    eval(TriangularSolve { left, lower, transpose, unit }, &[a, b])
}

#[test]
fn systems_read_the_named_triangle_only() {
    let low = matrix(2, &[2.0, NAN, 3.0, 4.0]);
    let up = matrix(2, &[2.0, 3.0, NAN, 4.0]);
    let column = matrix(2, &[2.0, 11.0]);
    // 2x = 2, 3x + 4y = 11.
    assert_eq!(solve([true, true, false, false], &low, &column), [1.0, 2.0]);
    assert_eq!(solve([true, false, true, false], &up, &column), [1.0, 2.0]);
    // 2x + 3y = 11, 4y = 4.
    let column = matrix(2, &[11.0, 4.0]);
    assert_eq!(solve([true, false, false, false], &up, &column), [4.0, 1.0]);
    assert_eq!(solve([true, true, true, false], &low, &column), [4.0, 1.0]);
    // x = 2, 3x + y = 11.
    let ones = matrix(2, &[NAN, NAN, 3.0, NAN]);
    assert_eq!(solve([true, true, false, true], &ones, &matrix(2, &[2.0, 11.0])), [2.0, 5.0]);
}

#[test]
fn systems_from_the_right_are_those_of_the_transposes() {
    let low = matrix(2, &[2.0, NAN, 3.0, 4.0]);
    let up = matrix(2, &[2.0, 3.0, NAN, 4.0]);
    let rows = matrix(2, &[11.0, 4.0, 2.0, 8.0]);
    // (x y) [[2 0] [3 4]] = (2x + 3y, 4y).
    assert_eq!(solve([false, true, false, false], &low, &rows), [4.0, 1.0, -2.0, 2.0]);
    assert_eq!(solve([false, false, true, false], &up, &rows), [4.0, 1.0, -2.0, 2.0]);
    // (x y) [[2 3] [0 4]] = (2x, 3x + 4y).
    let row = matrix(1, &[2.0, 11.0]);
    assert_eq!(solve([false, false, false, false], &up, &row), [1.0, 2.0]);
    assert_eq!(solve([false, true, true, false], &low, &row), [1.0, 2.0]);
}

#[test]
fn a_zero_on_the_diagonal_divides() {
    let a = matrix(1, &[0.0]);
    let found = solve([true, true, false, false], &a, &matrix(1, &[1.0, -1.0]));
    assert_eq!(found, [f64::INFINITY, f64::NEG_INFINITY]);
}

#[test]
fn flags_are_zero_or_one() {
    let op = Prim::from(TriangularSolve { left: true, lower: false, transpose: true, unit: false });
    let attributes = op.attributes().into_iter().map(|(name, value)| match name {
        "unit" => (name.to_owned(), isoloss_graph::Attr::Int(2)),
        _ => (name.to_owned(), value),
    });
    let error =
        Prim::from_attributes("triangular_solve", attributes.collect()).expect_err("2 is no truth value");
    assert!(matches!(error, AttributeError::Malformed { name: "unit", .. }), "{error}");
}
