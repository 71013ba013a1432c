//! Forward mode: the Jacobian-vector product.

use graph::{Builder, Def, Diff, Graph, Prim, Val};

use crate::{Rules, fresh};

/// The Jacobian-vector product of `graph` with respect to the inputs at positions `wrt`.
///
/// The result has the inputs of `graph` followed by one tangent `d.<input>` for each position in `wrt`, and its
/// outputs followed by one tangent `d.<output>` for each floating-point output: the directional derivative at
/// the inputs along the tangents. Where such a name is taken, it gets a prime.
///
/// # Panics
/// Where a position in `wrt` is out of range or names an input that is not floating-point.
#[must_use]
#[track_caller]
pub fn jvp(graph: &Graph, wrt: &[usize]) -> Graph {
    jvp_with(Rules::own(), graph, wrt)
}

/// As [`jvp`], with the derivative rules given.
///
/// # Panics
/// As [`jvp`].
#[must_use]
#[track_caller]
pub fn jvp_with(rules: Rules, graph: &Graph, wrt: &[usize]) -> Graph {
    let mut b = Builder::new(format!("jvp.{}", graph.name()));
    let primals = b.copy_inputs(graph);
    let mut tangents = vec![None; primals.len()];
    for &position in wrt {
        let input = &graph.inputs()[position];
        let ty = graph.ty(input.val);
        assert!(ty.dtype.is_float(), "input '{}' of type {ty} has no derivative", input.name);
        tangents[position] = Some(fresh::input(&mut b, format!("d.{}", input.name), ty.clone()));
    }
    let (values, slopes) = push_forward(rules, &mut b, graph, &primals, &tangents);
    for output in graph.outputs() {
        b.output(output.name.clone(), values[output.val.position()]);
    }
    for output in float_outputs(graph) {
        let output = &graph.outputs()[output];
        let ty = graph.ty(output.val);
        let slope = slopes[output.val.position()].unwrap_or_else(|| b.splat(ty, 0.0));
        fresh::output(&mut b, format!("d.{}", output.name), slope);
    }
    b.finish()
}

/// The positions of the outputs that carry derivatives.
pub(crate) fn float_outputs(graph: &Graph) -> impl Iterator<Item = usize> + '_ {
    let is_float = |output: &graph::Output| graph.ty(output.val).dtype.is_float();
    graph
        .outputs()
        .iter()
        .enumerate()
        .filter(move |(_, output)| is_float(output))
        .map(|(position, _)| position)
}

/// Copies `graph` into `b` and emits the tangent of each of its values; `None` is a tangent known to be zero.
fn push_forward(
    rules: Rules,
    b: &mut Builder,
    graph: &Graph,
    primals: &[Val],
    tangents: &[Option<Val>],
) -> (Vec<Val>, Vec<Option<Val>>) {
    let values = b.inline(graph, primals);
    let mut slopes: Vec<Option<Val>> = Vec::with_capacity(graph.len());
    for val in graph.vals() {
        let slope = match graph.def(val) {
            Def::Input(position) => tangents[*position],
            Def::Apply { op, operands } => {
                let x: Vec<Val> = operands.iter().map(|operand| values[operand.position()]).collect();
                let dx: Vec<Option<Val>> =
                    operands.iter().map(|operand| slopes[operand.position()]).collect();
                tangent(rules.of(op), b, op, &x, values[val.position()], &dx)
            }
        };
        slopes.push(slope);
    }
    (values, slopes)
}

fn tangent(
    rule: Diff<'_>,
    b: &mut Builder,
    op: &Prim,
    x: &[Val],
    result: Val,
    dx: &[Option<Val>],
) -> Option<Val> {
    if dx.iter().all(Option::is_none) {
        return None;
    }
    match rule {
        Diff::Zero => None,
        Diff::Linear(_) => Some(linear(b, op, x, dx)),
        Diff::Bilinear(_) => bilinear(b, op, x, dx),
        Diff::Smooth(rule) | Diff::LinearIn(_, rule, _) => rule.jvp(b, x, result, dx),
    }
}

/// The primitive itself, applied to the tangents; operands without derivative (truth values) stay.
fn linear(b: &mut Builder, op: &Prim, x: &[Val], dx: &[Option<Val>]) -> Val {
    let operands: Vec<Val> = x
        .iter()
        .zip(dx)
        .map(|(&x, dx)| match dx {
            Some(dx) => *dx,
            None if b.ty(x).dtype.is_float() => b.splat_like(x, 0.0),
            None => x,
        })
        .collect();
    b.apply(op.clone(), &operands)
}

/// The sum of the products with one factor replaced by its tangent.
fn bilinear(b: &mut Builder, op: &Prim, x: &[Val], dx: &[Option<Val>]) -> Option<Val> {
    let left = dx[0].map(|dx| b.apply(op.clone(), &[dx, x[1]]));
    let right = dx[1].map(|dy| b.apply(op.clone(), &[x[0], dy]));
    match (left, right) {
        (Some(left), Some(right)) => Some(b.add(left, right)),
        (one, other) => one.or(other),
    }
}
