//! Primitives that run as their reference evaluation, on copies of their operands.

#![expect(unsafe_code, reason = "operands and results lie in shared memory")]

use graph::{Prim, Ty};
use tensor::Tensor;

use crate::{
    loops::cell::with_type,
    memory::Memory,
    node::{BufferId, Node, Nodes},
};

/// A step that evaluates a primitive on whole buffers.
#[derive(Clone, Debug)]
pub(crate) struct Evaluation {
    op: Prim,
    operands: Vec<(BufferId, Ty)>,
    result: BufferId,
}

impl Evaluation {
    pub(crate) fn new(op: &Prim, nodes: &Nodes, node: &Node) -> Self {
        let typed = |view: &crate::view::View| {
            (view.buffer, Ty::new(nodes.buffer(view.buffer).dtype, view.shape.as_slice()))
        };
        Self { op: op.clone(), operands: node.operands.iter().map(typed).collect(), result: node.result }
    }

    pub(crate) fn describe(&self) -> String {
        format!("reference evaluation of {}", self.op.name())
    }

    pub(crate) fn run(&self, memory: &Memory<'_>) {
        let operands: Vec<Tensor> = self.operands.iter().map(|(id, ty)| read(memory, *id, ty)).collect();
        let result = self.op.eval(&operands.iter().collect::<Vec<_>>());
        with_type!(result.dtype(), T => {
            let elements = result.as_slice::<T>().expect("a tensor holds its own element type");
            // SAFETY: the plan keeps the result apart from everything else that lives, and no other step runs.
            unsafe { memory.write::<T>(self.result, 0..elements.len()) }.copy_from_slice(elements);
        });
    }
}

fn read(memory: &Memory<'_>, buffer: BufferId, ty: &Ty) -> Tensor {
    with_type!(ty.dtype, T => {
        // SAFETY: the operand was filled by an earlier step or is an argument, and no other step runs.
        let elements = unsafe { memory.read::<T>(buffer, 0..ty.shape.elements()) };
        Tensor::new(ty.shape.clone(), elements.to_vec()).expect("the view has the shape's elements")
    })
}
