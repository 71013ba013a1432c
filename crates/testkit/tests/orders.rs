//! Derivatives of derivatives: the public functions compose to any order.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use graph::{Builder, Graph, Reference, Ty};
use isoloss_testkit::{laws, network, sample};
use tensor::{Key, Tensor};
use transform::{Rules, batch, gnvp, grad, hvp, jvp, value_and_grad, vjp};

fn evaluate(graph: &Graph, arguments: &[Tensor]) -> Vec<Tensor> {
    Reference::evaluate(graph, &arguments.iter().collect::<Vec<_>>()).unwrap()
}

fn vector(numbers: &[f64]) -> Tensor {
    Tensor::new([numbers.len()], numbers.to_vec()).unwrap()
}

/// `f(x) = x₀³ x₁ + 2 x₁⁴`.
fn polynomial() -> Graph {
    let mut b = Builder::new("polynomial");
    let x = b.data("x", Ty::f64([2]));
    let part = |b: &mut Builder, index| {
        let part = b.slice_axis(x, 0, index..index + 1);
        b.reshape(part, &[].into())
    };
    let (x0, x1) = (part(&mut b, 0), part(&mut b, 1));
    let square = b.multiply(x0, x0);
    let cube = b.multiply(square, x0);
    let first = b.multiply(cube, x1);
    let square = b.multiply(x1, x1);
    let fourth = b.multiply(square, square);
    let second = b.scale(fourth, 2.0);
    let f = b.add(first, second);
    b.output("f", f);
    b.finish()
}

#[test]
fn derivatives_of_a_polynomial_are_right_to_fourth_order() {
    let (a, c) = (0.5, -1.5);
    let x = vector(&[a, c]);
    let (u, v, w) = (vector(&[1.0, 2.0]), vector(&[-1.0, 0.5]), vector(&[0.25, 3.0]));
    let f = polynomial();
    let last = |graph: &Graph, arguments: &[Tensor]| evaluate(graph, arguments).last().unwrap().to_f64_vec();

    let first = value_and_grad(&f, 0, &[0]);
    assert_eq!(evaluate(&first, std::slice::from_ref(&x))[0].to_f64_vec(), [a.powi(3) * c + 2.0 * c.powi(4)]);
    assert_eq!(last(&first, std::slice::from_ref(&x)), [3.0 * a * a * c, a.powi(3) + 8.0 * c.powi(3)]);

    let second = hvp(&f, 0, &[0]);
    let hessian =
        |v: &[f64]| [6.0 * a * c * v[0] + 3.0 * a * a * v[1], 3.0 * a * a * v[0] + 24.0 * c * c * v[1]];
    assert_eq!(last(&second, &[x.clone(), u.clone()]), hessian(&[1.0, 2.0]));

    // D³f[u, v]: entries of the third derivative are 6c (000), 6a (001), 48c (111)
    let third = jvp(&second, &[0]);
    let cubic = |u: &[f64], v: &[f64]| {
        [
            6.0 * c * u[0] * v[0] + 6.0 * a * (u[0] * v[1] + u[1] * v[0]),
            6.0 * a * u[0] * v[0] + 48.0 * c * u[1] * v[1],
        ]
    };
    let found = last(&third, &[x.clone(), u.clone(), v.clone()]);
    assert_eq!(found, cubic(&[1.0, 2.0], &[-1.0, 0.5]));

    // D⁴f[u, v, w]: entries are 6 (0001) and 48 (1111)
    let fourth = jvp(&third, &[0]);
    let found = last(&fourth, &[x, u, v, w]);
    let mixed = 6.0 * (-0.25 * 2.0 + 0.5 * 0.25 - 3.0);
    assert_eq!(found, [mixed, 6.0 * -0.25 + 48.0 * 2.0 * 0.5 * 3.0]);
}

#[test]
fn the_derivative_of_a_hessian_vector_product_agrees_with_finite_differences() {
    let product = hvp(&network::deep_network(3, 4), 0, &[0, 1]);
    let inputs = product.inputs().iter().enumerate();
    let point: Vec<Tensor> =
        inputs.map(|(k, input)| sample::normal(product.ty(input.val), Key::new(4).fold(k as u64))).collect();
    laws::difference(Rules::own(), &product, &point, Key::new(5)).unwrap();
    laws::adjoint(Rules::own(), &product, &point, Key::new(6)).unwrap();
}

#[test]
fn public_functions_take_each_others_results() {
    let graph = network::relu_network(&[3, 4, 3]);
    let gradient = grad(&graph, 0, &[0, 1]);
    let directional = jvp(&gnvp(&graph, 1, 0, &[0]), &[1]);
    let pulled = vjp(&hvp(&graph, 0, &[0]), &[1]);
    let several = batch(&jvp(&gradient, &[1]), &[4], 2);
    for graph in [directional, pulled, several] {
        let names: std::collections::BTreeSet<&str> =
            graph.outputs().iter().map(|output| output.name.as_str()).collect();
        assert_eq!(names.len(), graph.outputs().len());
        assert_eq!(Graph::parse(&graph.to_string()).unwrap().to_string(), graph.to_string());
    }
}
