//! Derivatives of factorisations and systems: closed forms, the triangle that is not read, and higher orders.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use graph::{
    Builder, Graph, Reference, Ty, Val,
    ops::{DotGeneral, TriangularSolve},
};
use isoloss_testkit::{laws, sample};
use tensor::{Key, Tensor};
use transform::{Rules, grad, jvp};

const N: usize = 3;

/// `x xᵀ + 1`, which is positive definite.
fn positive(b: &mut Builder, x: Val) -> Val {
    let square = b.dot_transposed(x, x);
    let [row, column] = [0, 1].map(|axis| b.iota(tensor::DType::I32, &[N, N].into(), axis));
    let diagonal = b.compare(graph::ops::Direction::Eq, row, column);
    let one = b.convert(diagonal, tensor::DType::F64);
    b.add(square, one)
}

/// `yᵀ A⁻¹ y + log det A` with `A` of [`positive`], as a Gaussian likelihood has it.
fn likelihood() -> Graph {
    let mut b = Builder::new("likelihood");
    let (x, y) = (b.data("x", Ty::f64([N, N])), b.data("y", Ty::f64([N, 1])));
    let a = positive(&mut b, x);
    let l = b.cholesky(a);
    let op = TriangularSolve { left: true, lower: true, transpose: false, unit: false };
    let white = b.triangular_solve(op, l, y);
    let square = b.multiply(white, white);
    let fit = b.reduce_sum(square, &[0, 1]);
    let [row, column] = [0, 1].map(|axis| b.iota(tensor::DType::I32, &[N, N].into(), axis));
    let diagonal = b.compare(graph::ops::Direction::Eq, row, column);
    let one = b.splat_like(l, 1.0);
    let diagonal = b.select(diagonal, l, one);
    let logs = b.log(diagonal);
    let half = b.reduce_sum(logs, &[0, 1]);
    let volume = b.scale(half, 2.0);
    let sum = b.add(fit, volume);
    b.output("sum", sum);
    b.finish()
}

fn run(graph: &Graph, arguments: &[&Tensor]) -> Vec<Tensor> {
    Reference::evaluate(graph, arguments).unwrap()
}

#[test]
fn a_likelihood_obeys_the_laws_and_so_does_its_gradient() {
    let graph = likelihood();
    let key = Key::new(4);
    let point =
        [sample::normal(&Ty::f64([N, N]), key.child("x")), sample::normal(&Ty::f64([N, 1]), key.child("y"))];
    laws::all(Rules::own(), &graph, &point, key.child("value")).unwrap();
    laws::all(Rules::own(), &grad(&graph, 0, &[0, 1]), &point, key.child("gradient")).unwrap();
}

#[test]
fn the_gradient_of_a_likelihood_is_the_closed_form() {
    let key = Key::new(5);
    let (x, y) =
        (sample::normal(&Ty::f64([N, N]), key.child("x")), sample::normal(&Ty::f64([N, 1]), key.child("y")));
    let found = run(&grad(&likelihood(), 0, &[1]), &[&x, &y])[1].to_f64_vec();
    // The gradient for y is g = 2 A⁻¹ y: A g = 2 y.
    let mut b = Builder::new("system");
    let (x_val, g) = (b.data("x", Ty::f64([N, N])), b.data("g", Ty::f64([N, 1])));
    let a = positive(&mut b, x_val);
    let op = DotGeneral { lhs_contract: vec![1], rhs_contract: vec![0], ..DotGeneral::default() };
    let product = b.dot_general(op, a, g);
    b.output("product", product);
    let g = Tensor::new([N, 1], found).unwrap();
    for (twice, y) in run(&b.finish(), &[&x, &g])[0].to_f64_vec().iter().zip(y.to_f64_vec()) {
        assert!((twice - 2.0 * y).abs() < 1e-12, "{twice} is not twice {y}");
    }
}

#[test]
fn the_upper_triangle_has_no_derivative_and_no_influence_on_one() {
    let mut b = Builder::new("factor");
    let a = b.data("a", Ty::f64([2, 2]));
    let l = b.cholesky(a);
    b.output("l", l);
    let forward = jvp(&b.finish(), &[0]);
    let tangent = |above: f64| {
        let a = Tensor::new([2, 2], vec![4.0, f64::NAN, 2.0, 2.0]).unwrap();
        let da = Tensor::new([2, 2], vec![4.0, above, 2.0, 2.0]).unwrap();
        run(&forward, &[&a, &da])[1].to_f64_vec()
    };
    // A grows in proportion, so its factor grows half as fast.
    assert_eq!(tangent(2.0), [1.0, 0.0, 0.5, 0.5]);
    assert_eq!(tangent(f64::NAN), tangent(2.0));
}
