//! Gauss-Newton products.

use graph::{Builder, Def, Graph, Val};

use crate::{copy::only, eliminate_dead_code, fresh, hvp, jvp, simplify, vjp};

/// The Gauss-Newton product `Jᵀ H J v` of `graph` with respect to the inputs at positions `wrt`, where `J` is the
/// Jacobian of the output at position `logits` and `H` the Hessian of the scalar output at position `loss` with
/// respect to the logits (Schraudolph 2002, section 3). For a loss that is convex in the logits it is positive
/// semi-definite.
///
/// The result has the inputs of `graph` followed by one direction `d.<input>` for each position in `wrt`, and its
/// outputs followed by one product `gn.<input>` for each. What the loss takes from the inputs other than through the
/// logits counts as constant.
///
/// # Panics
/// Where a position is out of range, the logits are not floating-point, the loss is not a floating-point scalar, or
/// an input is not floating-point.
#[must_use]
#[track_caller]
pub fn gnvp(graph: &Graph, logits: usize, loss: usize, wrt: &[usize]) -> Graph {
    let network = only(graph, logits);
    let mut b = Builder::new(format!("gnvp.{}", graph.name()));
    let inputs = b.copy_inputs(graph);
    let directions = wrt.iter().map(|&position| {
        let input = &graph.inputs()[position];
        fresh::input(&mut b, format!("d.{}", input.name), graph.ty(input.val).clone())
    });
    let directions: Vec<Val> = directions.collect();
    let values = b.inline(graph, &inputs);
    let pushed = applied(&mut b, &jvp(&network, wrt), &[&inputs[..], &directions].concat());
    let head = head(graph, logits, loss);
    let at_logits = [&inputs[..], &[pushed[0], pushed[1]]].concat();
    let curved = applied(&mut b, &hvp(&head, 0, &[inputs.len()]), &at_logits);
    let pulled = [&inputs[..], &curved[curved.len() - 1..]].concat();
    let products = applied(&mut b, &vjp(&network, wrt), &pulled);
    for output in graph.outputs() {
        b.output(output.name.clone(), values[output.val.position()]);
    }
    for (&position, &product) in wrt.iter().zip(&products[1..]) {
        fresh::output(&mut b, format!("gn.{}", graph.inputs()[position].name), product);
    }
    simplify(&b.finish())
}

/// The outputs of `graph` applied to `arguments`.
fn applied(b: &mut Builder, graph: &Graph, arguments: &[Val]) -> Vec<Val> {
    let values = b.inline(graph, arguments);
    graph.outputs().iter().map(|output| values[output.val.position()]).collect()
}

/// The loss with the logits as one more input, the last.
fn head(graph: &Graph, logits: usize, loss: usize) -> Graph {
    let mut b = Builder::new(graph.name());
    let inputs = b.copy_inputs(graph);
    let logits = &graph.outputs()[logits];
    let given = fresh::input(&mut b, logits.name.clone(), graph.ty(logits.val).clone());
    let mut copies: Vec<Val> = Vec::with_capacity(graph.len());
    for val in graph.vals() {
        let copy = match graph.def(val) {
            _ if val == logits.val => given,
            Def::Input(position) => inputs[*position],
            Def::Apply { op, operands } => {
                let operands: Vec<Val> = operands.iter().map(|operand| copies[operand.position()]).collect();
                b.apply(op.clone(), &operands)
            }
        };
        copies.push(copy);
    }
    let loss = &graph.outputs()[loss];
    b.output(loss.name.clone(), copies[loss.val.position()]);
    eliminate_dead_code(&b.finish())
}
