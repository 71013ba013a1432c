//! The derivatives that people ask for, made of [`crate::jvp()`] and [`crate::transpose()`].

use graph::{Builder, Graph, Val};

use crate::{
    Rules, copy::only, fresh, join::join_contractions, jvp::float_outputs, jvp_with, simplify, transpose_with,
};

/// The vector-Jacobian product of `graph` with respect to the inputs at positions `wrt`.
///
/// The result has the inputs of `graph` followed by one cotangent `ct.d.<output>` for each floating-point
/// output, and its outputs followed by one cotangent `ct.d.<input>` for each position in `wrt`.
///
/// # Panics
/// Where a position is out of range or names an input that is not floating-point.
#[must_use]
#[track_caller]
pub fn vjp(graph: &Graph, wrt: &[usize]) -> Graph {
    vjp_with(Rules::own(), graph, wrt)
}

/// As [`vjp`], with the derivative rules given.
///
/// # Panics
/// As [`vjp`].
#[must_use]
#[track_caller]
pub fn vjp_with(rules: Rules, graph: &Graph, wrt: &[usize]) -> Graph {
    let outputs: Vec<usize> = float_outputs(graph).collect();
    pulled_back(rules, graph, &outputs, wrt)
}

/// The vector-Jacobian product with cotangents for the listed outputs only.
fn pulled_back(rules: Rules, graph: &Graph, outputs: &[usize], wrt: &[usize]) -> Graph {
    let forward = jvp_with(rules, graph, wrt);
    let tangents: Vec<usize> = (graph.inputs().len()..forward.inputs().len()).collect();
    let forward = join_contractions(&keep_tangents(&forward, graph, outputs), &tangents);
    let slopes: Vec<usize> = (graph.outputs().len()..forward.outputs().len()).collect();
    simplify(&transpose_with(rules, &forward, &tangents, &slopes))
}

/// `forward` = jvp of `graph`, without the tangents of outputs that are not listed.
fn keep_tangents(forward: &Graph, graph: &Graph, outputs: &[usize]) -> Graph {
    let mut b = Builder::new(forward.name());
    let values = b.copy(forward);
    for (position, output) in forward.outputs().iter().enumerate() {
        let tangent_of = position.checked_sub(graph.outputs().len());
        let kept =
            tangent_of.is_none_or(|k| float_outputs(graph).nth(k).is_some_and(|o| outputs.contains(&o)));
        if kept {
            b.output(output.name.clone(), values[output.val.position()]);
        }
    }
    b.finish()
}

/// The gradient of the scalar output at position `output` with respect to the inputs at positions `wrt`.
///
/// The result has the inputs of `graph`, and its outputs followed by one gradient `d<output>/d<input>` for each
/// position in `wrt`.
///
/// # Panics
/// Where a position is out of range, the output is not a floating-point scalar, or an input is not
/// floating-point.
#[must_use]
#[track_caller]
pub fn grad(graph: &Graph, output: usize, wrt: &[usize]) -> Graph {
    grad_with(Rules::own(), graph, output, wrt)
}

/// As [`grad`], with the derivative rules given.
///
/// # Panics
/// As [`grad`].
#[must_use]
#[track_caller]
pub fn grad_with(rules: Rules, graph: &Graph, output: usize, wrt: &[usize]) -> Graph {
    let pulled = pulled_back_from(rules, graph, output, wrt);
    let mut b = Builder::new(format!("grad.{}", graph.name()));
    let mut arguments = b.copy_inputs(graph);
    arguments.push(b.scalar(graph.ty(graph.outputs()[output].val).dtype, 1.0));
    let values = b.inline(&pulled, &arguments);
    let outputs: Vec<Val> = pulled.outputs().iter().map(|output| values[output.val.position()]).collect();
    let (results, gradients) = outputs.split_at(graph.outputs().len());
    name_gradients(&mut b, graph, output, wrt, results, gradients);
    simplify(&b.finish())
}

/// Declares the outputs of a gradient.
pub(crate) fn name_gradients(
    b: &mut Builder,
    graph: &Graph,
    output: usize,
    wrt: &[usize],
    results: &[Val],
    gradients: &[Val],
) {
    for (result, &val) in graph.outputs().iter().zip(results) {
        b.output(result.name.clone(), val);
    }
    for (&gradient, &position) in gradients.iter().zip(wrt) {
        let name = format!("d{}/d{}", graph.outputs()[output].name, graph.inputs()[position].name);
        fresh::output(b, name, gradient);
    }
}

/// The vector-Jacobian product with a cotangent for one scalar output only.
///
/// # Panics
/// Where the output is not a floating-point scalar.
#[track_caller]
pub(crate) fn pulled_back_from(rules: Rules, graph: &Graph, output: usize, wrt: &[usize]) -> Graph {
    let objective = &graph.outputs()[output];
    let ty = graph.ty(objective.val);
    assert!(ty.shape.rank() == 0 && ty.dtype.is_float(), "the gradient of '{}' of type {ty}", objective.name);
    pulled_back(rules, graph, &[output], wrt)
}

/// The scalar output at position `output` and its gradient with respect to the inputs at positions `wrt`: [`grad`]
/// without the other outputs.
///
/// # Panics
/// As [`grad`].
#[must_use]
#[track_caller]
pub fn value_and_grad(graph: &Graph, output: usize, wrt: &[usize]) -> Graph {
    grad(&only(graph, output), 0, wrt)
}

/// The Hessian-vector product of the scalar output at position `output` with respect to the inputs at positions
/// `wrt`, forward over reverse.
///
/// The result has the inputs of `graph` followed by one direction `d.<input>` for each position in `wrt`; its
/// outputs are those of [`grad`] followed by the tangents of all of them: the last `wrt.len()` outputs are the
/// product.
///
/// # Panics
/// As [`grad`].
#[must_use]
#[track_caller]
pub fn hvp(graph: &Graph, output: usize, wrt: &[usize]) -> Graph {
    hvp_forward_over_reverse(Rules::own(), graph, output, wrt)
}

/// As [`hvp`], with the derivative rules given.
///
/// # Panics
/// As [`grad`].
#[must_use]
#[track_caller]
pub fn hvp_forward_over_reverse(rules: Rules, graph: &Graph, output: usize, wrt: &[usize]) -> Graph {
    let gradient = grad_with(rules, graph, output, wrt);
    let tangents: Vec<usize> = (graph.inputs().len()..graph.inputs().len() + wrt.len()).collect();
    simplify(&join_contractions(&jvp_with(rules, &gradient, wrt), &tangents))
}

/// The Hessian-vector product as the gradient of the directional derivative: the same numbers as [`hvp`] by
/// another route, for the law suites. The last `wrt.len()` outputs are the product.
///
/// # Panics
/// As [`grad`].
#[must_use]
#[track_caller]
pub fn hvp_reverse_over_forward(rules: Rules, graph: &Graph, output: usize, wrt: &[usize]) -> Graph {
    let tangent = float_outputs(graph).position(|position| position == output);
    let tangent =
        tangent.unwrap_or_else(|| panic!("output {output} of '{}' has no derivative", graph.name()));
    grad_with(rules, &jvp_with(rules, graph, wrt), graph.outputs().len() + tangent, wrt)
}
