//! Laws that derivatives and graphs obey, in f64.

use graph::{Builder, Graph, Reference, Role, Ty};
use tensor::{Key, Tensor};
use transform::{Rules, grad_with, hvp_forward_over_reverse, hvp_reverse_over_forward, jvp_with, vjp_with};

use crate::{sample, tolerance::roundoff};

/// A law does not hold.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{graph}: {law}: {detail}")]
pub struct Violation {
    /// The graph's name.
    pub graph: String,
    /// The law's name.
    pub law: &'static str,
    /// What was found.
    pub detail: String,
}

fn violated(graph: &Graph, law: &'static str, detail: String) -> Violation {
    Violation { graph: graph.name().to_owned(), law, detail }
}

/// The positions of the inputs that carry derivatives.
#[must_use]
pub fn float_inputs(graph: &Graph) -> Vec<usize> {
    (0..graph.inputs().len()).filter(|&k| graph.ty(graph.inputs()[k].val).dtype.is_float()).collect()
}

/// All laws of first and second order for one graph at one point.
///
/// # Errors
/// The first law that does not hold.
pub fn all(rules: Rules, graph: &Graph, point: &[Tensor], key: Key) -> Result<(), Violation> {
    difference(rules, graph, point, key.child("first"))?;
    adjoint(rules, graph, point, key.child("adjoint"))?;
    let wrt = float_inputs(graph);
    let forward = jvp_with(rules, graph, &wrt);
    let forward_point = extended(&forward, point, key.child("tangents"));
    difference(rules, &forward, &forward_point, key.child("second, forward"))?;
    adjoint(rules, &forward, &forward_point, key.child("second adjoint, forward"))?;
    let reverse = vjp_with(rules, graph, &wrt);
    let reverse_point = extended(&reverse, point, key.child("cotangents"));
    difference(rules, &reverse, &reverse_point, key.child("second, reverse"))?;
    adjoint(rules, &reverse, &reverse_point, key.child("second adjoint, reverse"))?;
    hessian(rules, graph, point, key.child("hessian"))
}

/// `point` followed by normal tensors for the inputs that a derivative graph has more.
fn extended(graph: &Graph, point: &[Tensor], key: Key) -> Vec<Tensor> {
    let more = graph.inputs()[point.len()..].iter().enumerate();
    let more = more.map(|(k, input)| sample::normal(graph.ty(input.val), key.fold(k as u64)));
    point.iter().cloned().chain(more).collect()
}

fn run(graph: &Graph, arguments: &[Tensor]) -> Vec<Tensor> {
    Reference::evaluate(graph, &arguments.iter().collect::<Vec<_>>()).expect("the arguments fit the graph")
}

/// The inner product of the floating-point tensors among two lists, and the sum of the terms' magnitudes.
fn inner<'a>(x: impl IntoIterator<Item = &'a Tensor>, y: &[Tensor]) -> (f64, f64) {
    let (mut sum, mut magnitude) = (0.0, 0.0);
    for (x, y) in x.into_iter().zip(y) {
        for (x, y) in x.to_f64_vec().iter().zip(y.to_f64_vec()) {
            sum += x * y;
            magnitude += (x * y).abs();
        }
    }
    (sum, magnitude)
}

fn float_outputs(graph: &Graph, values: Vec<Tensor>) -> Vec<Tensor> {
    debug_assert_eq!(values.len(), graph.outputs().len());
    values.into_iter().filter(|value| value.dtype().is_float()).collect()
}

fn normals(types: impl IntoIterator<Item = Ty>, key: Key) -> Vec<Tensor> {
    types.into_iter().enumerate().map(|(k, ty)| sample::normal(&ty, key.fold(k as u64))).collect()
}

fn output_types(graph: &Graph) -> Vec<Ty> {
    let types = graph.outputs().iter().map(|output| graph.ty(output.val).clone());
    types.filter(|ty| ty.dtype.is_float()).collect()
}

fn input_types(graph: &Graph, wrt: &[usize]) -> Vec<Ty> {
    wrt.iter().map(|&k| graph.ty(graph.inputs()[k].val).clone()).collect()
}

/// The central difference along a random direction differs from the Jacobian-vector product by an error that
/// falls fourfold when the step halves, or that is round-off.
///
/// # Errors
/// Where it does not.
pub fn difference(rules: Rules, graph: &Graph, point: &[Tensor], key: Key) -> Result<(), Violation> {
    let wrt = float_inputs(graph);
    let direction = normals(input_types(graph, &wrt), key.child("direction"));
    let weights = normals(output_types(graph), key.child("weights"));
    let forward = jvp_with(rules, graph, &wrt);
    let arguments: Vec<Tensor> = point.iter().chain(&direction).cloned().collect();
    let results = run(&forward, &arguments);
    let (slope, _) = inner(&results[graph.outputs().len()..], &weights);
    let value = |step: f64| {
        let moved = shifted(point, &wrt, &direction, step);
        inner(&float_outputs(graph, run(graph, &moved)), &weights)
    };
    let error = |step: f64| {
        let ((ahead, size), (behind, _)) = (value(step), value(-step));
        ((ahead - behind) / (2.0 * step) - slope, roundoff(size, 64) / step)
    };
    let steps = [1.0 / 64.0, 1.0 / 128.0, 1.0 / 256.0];
    let [(coarse, _), (middle, _), (fine, floor)] = steps.map(error);
    if fine.abs() <= floor {
        return Ok(());
    }
    let ratios = [coarse / middle, middle / fine];
    if ratios.iter().all(|ratio| (3.0..5.5).contains(ratio)) {
        return Ok(());
    }
    let detail = format!(
        "errors {coarse:.3e}, {middle:.3e}, {fine:.3e} fall by {ratios:.2?}, not by 4; slope {slope:.6e}"
    );
    Err(violated(graph, "central differences", detail))
}

fn shifted(point: &[Tensor], wrt: &[usize], direction: &[Tensor], step: f64) -> Vec<Tensor> {
    let mut moved = point.to_vec();
    for (&position, direction) in wrt.iter().zip(direction) {
        let (x, d) = (point[position].to_f64_vec(), direction.to_f64_vec());
        moved[position] = Tensor::from_fn(point[position].shape().clone(), |i| x[i] + step * d[i]);
    }
    moved
}

/// `<J t, c> = <t, Jᵀ c>` near round-off.
///
/// # Errors
/// Where it does not hold.
pub fn adjoint(rules: Rules, graph: &Graph, point: &[Tensor], key: Key) -> Result<(), Violation> {
    let wrt = float_inputs(graph);
    let tangents = normals(input_types(graph, &wrt), key.child("tangents"));
    let cotangents = normals(output_types(graph), key.child("cotangents"));
    let with = |more: &[Tensor]| point.iter().chain(more).cloned().collect::<Vec<_>>();
    let forward = run(&jvp_with(rules, graph, &wrt), &with(&tangents));
    let reverse = run(&vjp_with(rules, graph, &wrt), &with(&cotangents));
    let count = graph.outputs().len();
    let (left, left_size) = inner(&forward[count..], &cotangents);
    let (right, right_size) = inner(&reverse[count..], &tangents);
    let tolerance = roundoff(left_size.max(right_size), 64);
    if (left - right).abs() <= tolerance {
        return Ok(());
    }
    let detail = format!("<J t, c> = {left:.15e}, <t, J' c> = {right:.15e}, tolerance {tolerance:.1e}");
    Err(violated(graph, "adjoint identity", detail))
}

/// The Hessian of a random combination of the outputs is symmetric, and forward over reverse equals reverse
/// over forward.
///
/// # Errors
/// Where one does not hold.
pub fn hessian(rules: Rules, graph: &Graph, point: &[Tensor], key: Key) -> Result<(), Violation> {
    let wrt = float_inputs(graph);
    if output_types(graph).is_empty() || wrt.is_empty() {
        return Ok(());
    }
    let scalar = combined(graph, key.child("weights"));
    let forward = hvp_forward_over_reverse(rules, &scalar, 0, &wrt);
    let reverse = hvp_reverse_over_forward(rules, &scalar, 0, &wrt);
    let product = |hvp: &Graph, direction: &[Tensor]| {
        let results = run(hvp, &point.iter().chain(direction).cloned().collect::<Vec<_>>());
        results[results.len() - wrt.len()..].to_vec()
    };
    let [u, v] = ["u", "v"].map(|name| normals(input_types(graph, &wrt), key.child(name)));
    let hv = product(&forward, &v);
    let (uhv, size) = inner(&hv, &u);
    let (vhu, _) = inner(&product(&forward, &u), &v);
    let (other, _) = inner(&product(&reverse, &v), &u);
    let tolerance = roundoff(size, 256);
    if (uhv - vhu).abs() > tolerance {
        let detail = format!("u'Hv = {uhv:.15e}, v'Hu = {vhu:.15e}, tolerance {tolerance:.1e}");
        return Err(violated(graph, "Hessian symmetry", detail));
    }
    if (uhv - other).abs() > tolerance {
        let detail = format!("{uhv:.15e} and {other:.15e}, tolerance {tolerance:.1e}");
        return Err(violated(graph, "forward over reverse = reverse over forward", detail));
    }
    gradient_is_part_of_product(rules, &scalar, point, &wrt)
}

/// The Hessian-vector product's graph also returns the gradient.
fn gradient_is_part_of_product(
    rules: Rules,
    scalar: &Graph,
    point: &[Tensor],
    wrt: &[usize],
) -> Result<(), Violation> {
    let gradient = run(&grad_with(rules, scalar, 0, wrt), point);
    let directions = normals(input_types(scalar, wrt), Key::new(0));
    let hvp = hvp_forward_over_reverse(rules, scalar, 0, wrt);
    let results = run(&hvp, &point.iter().chain(&directions).cloned().collect::<Vec<_>>());
    if results[..gradient.len()] == gradient[..] {
        return Ok(());
    }
    Err(violated(scalar, "the gradient beside the product", "differs from the gradient alone".to_owned()))
}

/// A graph with one scalar output: a combination of the floating-point outputs of `graph` with normal weights.
fn combined(graph: &Graph, key: Key) -> Graph {
    let mut b = Builder::new(graph.name());
    let inputs: Vec<_> = graph
        .inputs()
        .iter()
        .map(|input| b.input(input.name.clone(), Role::Data, graph.ty(input.val).clone()))
        .collect();
    let values = b.inline(graph, &inputs);
    let mut sum = None;
    for (k, output) in graph.outputs().iter().enumerate() {
        let ty = graph.ty(output.val);
        if !ty.dtype.is_float() {
            continue;
        }
        let weights = b.constant(sample::normal(ty, key.fold(k as u64)));
        let weighted = b.multiply(values[output.val.position()], weights);
        let axes: Vec<usize> = (0..ty.shape.rank()).collect();
        let part = b.reduce_sum(weighted, &axes);
        sum = Some(sum.map_or(part, |sum| b.add(sum, part)));
    }
    b.output("combined", sum.expect("the caller checked that there is a floating-point output"));
    b.finish()
}

/// The graph that applies one case's primitive to its operands.
#[must_use]
pub fn case_graph(case: &graph::Case) -> Graph {
    let mut b = Builder::new(case.name);
    let operands: Vec<_> =
        case.operands.iter().enumerate().map(|(k, (ty, _))| b.data(format!("x{k}"), ty.clone())).collect();
    let result = b.apply(case.op.clone(), &operands);
    b.output("result", result);
    b.finish()
}
