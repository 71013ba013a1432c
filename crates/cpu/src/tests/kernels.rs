//! Windows, factorisations and systems of more than one unit of work.

use graph::{
    Builder, Graph, Prim, Reference, Ty,
    ops::{Cholesky, TriangularSolve, Window, WindowArgmax, WindowGather, WindowScatter, WindowSum},
};
use tensor::{DType, Key, Tensor, parallel};

use super::{BEST, bits, run};
use crate::{isa::Isa, program::Options};

/// The graph of one application.
fn applied(op: impl Into<Prim>, operands: &[Tensor]) -> Graph {
    let mut b = Builder::new("applied");
    let vals: Vec<_> = operands.iter().enumerate().map(|(k, x)| b.data(format!("{k}"), Ty::of(x))).collect();
    let y = b.apply(op, &vals);
    b.output("y", y);
    b.finish()
}

/// The result, after a check that it has the same bits for any number of threads and every instruction set.
fn same_everywhere(op: impl Into<Prim>, operands: &[Tensor]) -> Tensor {
    let graph = applied(op, operands);
    let threads = |count| parallel::with_threads(count, || run(&graph, operands, BEST())).expect("threads");
    let found = threads(1);
    assert_eq!(bits(&found), bits(&threads(4)));
    for isa in Isa::available() {
        assert_eq!(bits(&found), bits(&run(&graph, operands, Options { isa, ..BEST() })), "{isa:?}");
    }
    found.into_iter().next().expect("one output")
}

/// Checks that the result is the reference's, bit for bit.
fn check(op: impl Into<Prim>, operands: &[Tensor]) {
    let op = op.into();
    let graph = applied(op.clone(), operands);
    let expected = Reference::evaluate(&graph, &operands.iter().collect::<Vec<_>>()).expect("they fit");
    let found = same_everywhere(op.clone(), operands);
    assert_eq!(found.shape(), expected[0].shape());
    assert!(bits(&[found]) == bits(&expected), "{op:?}");
}

/// Windows over images with channels last, over lines, and over all axes at once.
fn sliding() -> Vec<(Vec<Window>, Vec<usize>)> {
    let (point, pair) = (Window::POINT, Window::sliding(2, 2, 0));
    let overlapping = Window { high: 2, ..Window::sliding(3, 2, 1) };
    vec![
        (vec![point, pair, pair, point], vec![3, 18, 20, 17]),
        (vec![point, overlapping, Window::sliding(3, 1, 1), point], vec![2, 13, 21, 19]),
        (vec![point, point, Window::sliding(5, 3, -1)], vec![40, 8, 70]),
        (vec![overlapping, pair, Window::sliding(3, 1, 0)], vec![31, 12, 30]),
        (vec![point, point], vec![30, 700]),
    ]
}

/// Numbers with ties, and with NaN and infinities where these are asked for.
fn numbers(dtype: DType, shape: &[usize], special: bool) -> Tensor {
    let element = |i: usize| match Key::new(3).below(i as u64, 40) {
        0 if special => f64::NAN,
        1 if special => f64::NEG_INFINITY,
        n => n as f64 - 20.0,
    };
    Tensor::from_fn(shape, element).convert(dtype)
}

#[test]
fn windows_have_the_reference_s_bits() {
    for (windows, shape) in sliding() {
        for dtype in [DType::F32, DType::F64, DType::I32] {
            let x = numbers(dtype, &shape, false);
            check(WindowSum { windows: windows.clone() }, std::slice::from_ref(&x));
            check(WindowArgmax { windows: windows.clone() }, &[numbers(dtype, &shape, true)]);
            let argmax = Prim::from(WindowArgmax { windows: windows.clone() });
            let results = argmax.out_type(&[&Ty::of(&x)]).expect("the windows fit").shape;
            let count: usize = windows.iter().map(|window| window.size).product();
            let position = |i: usize| Key::new(4).below(i as u64, count as u64 + 2) as i32 - 1;
            let positions = Tensor::from_fn(results.clone(), position);
            check(WindowGather { windows: windows.clone() }, &[x, positions.clone()]);
            let scatter = WindowScatter { windows: windows.clone(), shape: shape.as_slice().into() };
            check(scatter, &[numbers(dtype, &results, false), positions]);
        }
    }
}

#[test]
fn windows_of_padding_alone_have_nothing() {
    let windows = vec![Window::sliding(2, 1, 3), Window::POINT];
    let x = numbers(DType::F32, &[3, 20], false);
    let positions = Tensor::from_fn([8, 20], |i| (i % 3) as i32);
    check(WindowGather { windows: windows.clone() }, &[x, positions.clone()]);
    let updates = numbers(DType::F32, &[8, 20], false);
    check(WindowScatter { windows: windows.clone(), shape: [3, 20].into() }, &[updates, positions]);
    check(WindowSum { windows }, &[numbers(DType::F64, &[3, 20], false)]);
}

#[test]
fn dilated_windows_have_the_reference_s_sums() {
    let spread = Window { base_dilation: 3, dilation: 2, ..Window::sliding(4, 2, 3) };
    let holes = Window { dilation: 3, ..Window::sliding(3, 1, 2) };
    check(
        WindowSum { windows: vec![spread, holes, Window::POINT] },
        &[numbers(DType::F32, &[40, 30, 18], false)],
    );
}

/// The product of two stacks of matrices, the second transposed.
fn product_with_transposed(x: &Tensor, y: &Tensor) -> Vec<f64> {
    let rank = x.shape().rank();
    let (rows, depth, columns) = (x.shape()[rank - 2], x.shape()[rank - 1], y.shape()[rank - 2]);
    let (x, y) = (x.to_f64_vec(), y.to_f64_vec());
    let stacks = x.chunks(rows * depth).zip(y.chunks(columns * depth));
    let matrix = |(x, y): (&[f64], &[f64])| -> Vec<f64> {
        let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum();
        x.chunks(depth).flat_map(|x| y.chunks(depth).map(move |y| dot(x, y))).collect()
    };
    stacks.flat_map(matrix).collect()
}

fn assert_close(found: &[f64], expected: &[f64], tolerance: f64) {
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= tolerance * expected.abs().max(1.0), "{found}, not {expected}");
    }
}

/// A stack of well conditioned positive definite matrices.
fn positive(stack: usize, size: usize) -> Tensor {
    let key = Key::new(6);
    let x = Tensor::from_fn([stack, size, size], |i| key.normal(i as u64));
    let square = product_with_transposed(&x, &x);
    let diagonal = |i: usize| (i % (size * size)).is_multiple_of(size + 1);
    Tensor::from_fn([stack, size, size], |i| square[i] / size as f64 + f64::from(u8::from(diagonal(i))))
}

#[test]
fn factors_of_large_matrices_multiply_to_them() {
    for (dtype, tolerance) in [(DType::F64, 1e-13), (DType::F32, 1e-4)] {
        let a = positive(3, 67);
        let l = same_everywhere(Cholesky, &[a.convert(dtype)]);
        assert_close(&product_with_transposed(&l, &l), &a.to_f64_vec(), tolerance);
        let above = |i: usize| i % 67 > i / 67 % 67;
        assert!(l.to_f64_vec().iter().enumerate().all(|(i, &l)| !above(i) || l == 0.0));
    }
}

#[test]
fn one_matrix_that_is_not_positive_definite_does_not_spoil_the_others() {
    let mut elements = positive(3, 20).to_f64_vec();
    elements[20 * 20 + 5 * 21] = -1.0;
    let found = same_everywhere(Cholesky, &[Tensor::new([3, 20, 20], elements).expect("all elements")]);
    let nan: Vec<bool> = found.to_f64_vec().chunks(400).map(|l| l.iter().all(|l| l.is_nan())).collect();
    assert_eq!(nan, [false, true, false]);
    assert!(found.to_f64_vec()[..400].iter().all(|l| l.is_finite()));
}

#[test]
fn large_systems_have_the_reference_s_solutions() {
    let a = positive(2, 45);
    for code in 0..16 {
        let [left, lower, transpose, unit] = [1, 2, 4, 8].map(|bit| code & bit != 0);
        let op = TriangularSolve { left, lower, transpose, unit };
        // A unit diagonal wants small numbers beside it.
        let scale = if unit { 0.05 } else { 1.0 };
        let a = Tensor::from_fn([2, 45, 45], |i| a.to_f64_vec()[i] * scale);
        for sides in [1, 6] {
            let shape = if left { [2, 45, sides] } else { [2, sides, 45] };
            let b = Tensor::from_fn(shape, |i| Key::new(8).normal(i as u64));
            let expected = Prim::from(op.clone()).eval(&[&a, &b]).to_f64_vec();
            for (dtype, tolerance) in [(DType::F64, 1e-11), (DType::F32, 2e-3)] {
                let found = same_everywhere(op.clone(), &[a.convert(dtype), b.convert(dtype)]);
                assert_close(&found.to_f64_vec(), &expected, tolerance);
            }
        }
    }
}
