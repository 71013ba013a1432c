//! Batching: a graph over a leading axis of some of its inputs.

mod contraction;
mod convolution;
mod lifted;
mod linear_algebra;
mod lookup;
mod rearrangement;
mod rules;

use graph::{Builder, Def, Graph, Role};

use crate::{grad, simplify};
use lifted::Lifted;

/// `graph` for `size` values at once of the inputs at positions `which`: these inputs get a leading axis of this size,
/// and so do all outputs; an output that depends on none of them is repeated. At each index of that axis the result
/// is `graph` at that index of the inputs.
///
/// What does not depend on the batched inputs is computed once. A contraction with one batched operand becomes one
/// larger contraction, with the batch among the free axes; only where both are batched is it a batched one.
///
/// # Panics
/// Where a position is out of range.
#[must_use]
#[track_caller]
pub fn batch(graph: &Graph, which: &[usize], size: usize) -> Graph {
    let mut b = Builder::new(format!("batch.{}", graph.name()));
    for &position in which {
        assert!(position < graph.inputs().len(), "'{}' has no input {position}", graph.name());
    }
    let inputs: Vec<Lifted> = (0..graph.inputs().len())
        .map(|position| input(&mut b, graph, position, which.contains(&position).then_some(size)))
        .collect();
    let mut lifted: Vec<Lifted> = Vec::with_capacity(graph.len());
    for val in graph.vals() {
        let value = match graph.def(val) {
            Def::Input(position) => inputs[*position],
            Def::Apply { op, operands } => {
                let operands: Vec<Lifted> =
                    operands.iter().map(|operand| lifted[operand.position()]).collect();
                rules::apply(&mut b, op, &operands)
            }
        };
        lifted.push(value);
    }
    for output in graph.outputs() {
        let leading = lifted[output.val.position()].batched_at(&mut b, 0, size);
        b.output(output.name.clone(), leading);
    }
    simplify(&b.finish())
}

fn input(b: &mut Builder, graph: &Graph, position: usize, size: Option<usize>) -> Lifted {
    let input = &graph.inputs()[position];
    let ty = graph.ty(input.val);
    let Some(size) = size else {
        return Lifted::alone(b.input(input.name.clone(), input.role, ty.clone()));
    };
    let shape: Vec<usize> = std::iter::once(size).chain(ty.shape.iter().copied()).collect();
    // A stack of parameters is no parameter: symmetries act on each of them, not on the stack.
    let role = if input.role == Role::Parameter { Role::Data } else { input.role };
    Lifted { val: b.input(input.name.clone(), role, ty.with_shape(shape)), axis: Some(0) }
}

/// The gradients of `size` examples, each by itself: [`grad`] of the graph of one example, over a leading axis of the
/// inputs at positions `examples`. The results are those of [`grad`] with a leading axis.
///
/// # Panics
/// As [`grad`] and [`batch()`].
#[must_use]
#[track_caller]
pub fn per_example_grad(
    example: &Graph,
    output: usize,
    wrt: &[usize],
    examples: &[usize],
    size: usize,
) -> Graph {
    batch(&grad(example, output, wrt), examples, size)
}
