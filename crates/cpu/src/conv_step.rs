//! Convolutions as steps.

#![expect(unsafe_code, reason = "operands and results lie in shared memory")]

use tensor::DType;

use crate::{
    conv::{Convolution, Operands},
    layout::Layout,
    memory::Memory,
    node::{BufferId, Node, Nodes},
    step::Whole,
    vector::Real,
};

/// A sum of convolutions: its plan, and where operands, result and working memory are.
#[derive(Clone, Debug)]
pub(crate) struct Sum {
    plan: Convolution,
    dtype: DType,
    /// Each operand with its first element.
    operands: Vec<(Whole, usize)>,
    result: Whole,
    workspace: Option<BufferId>,
}

impl Sum {
    pub(crate) fn new(plan: &Convolution, nodes: &Nodes, node: &Node, layout: &Layout) -> Self {
        let whole = |buffer| Whole { buffer, elements: nodes.buffer(buffer).elements };
        Self {
            plan: plan.clone(),
            dtype: nodes.buffer(node.result).dtype,
            operands: node.operands.iter().map(|view| (whole(view.buffer), view.offset)).collect(),
            result: whole(node.result),
            workspace: layout.partials.get(&node.result).copied(),
        }
    }

    pub(crate) fn describe(&self) -> String {
        format!("convolution {} of {}", self.plan.describe(), self.dtype)
    }

    pub(crate) fn run(&self, memory: &Memory<'_>) {
        match self.dtype {
            DType::F32 => self.run_type::<f32>(memory),
            DType::F64 => self.run_type::<f64>(memory),
            DType::I32 | DType::Bool => unreachable!("the type rule admits floats only"),
        }
    }

    fn run_type<T: Real>(&self, memory: &Memory<'_>) {
        let read = |&(whole, offset): &(Whole, usize)| {
            // SAFETY: the operands were filled by earlier steps or are arguments, and the plan keeps the
            // result and the working memory apart from everything that the step reads. No other step runs
            // meanwhile.
            unsafe { memory.read::<T>(whole.buffer, offset..whole.elements) }
        };
        let operands: Vec<&[T]> = self.operands.iter().map(read).collect();
        let terms: Vec<Operands<'_, T>> =
            operands.chunks_exact(2).map(|pair| Operands { input: pair[0], kernel: pair[1] }).collect();
        // SAFETY: as above.
        let out = unsafe { memory.write::<T>(self.result.buffer, 0..self.result.elements) };
        let workspace = self.workspace.map_or(&mut [][..], |buffer| {
            // SAFETY: as above.
            unsafe { memory.write::<T>(buffer, 0..self.plan.workspace()) }
        });
        self.plan.run(out, &terms, workspace);
    }
}
