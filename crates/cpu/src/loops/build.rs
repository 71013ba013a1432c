//! From fused nodes to a loop: operands resolved, registers allocated.

use std::collections::BTreeMap;

use tensor::DType;

use super::{
    Input, Instruction, Loop, Operand, Output, Reduction, Scalar, Target,
    cell::{Cell, with_type},
    grid::Grid,
    join::Part,
    registers::Counts,
};
use crate::{
    node::{BufferId, Kind, MapOp, Node, Nodes, Origin, Unary},
    view::{Access, View},
};

/// What a loop must know of its surroundings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'a> {
    pub(crate) nodes: &'a Nodes,
    /// For each buffer, whether it is read outside of the loop that fills it.
    pub(crate) stored: &'a [bool],
    /// The buffer for the partial results of each reduction that needs one, by its result.
    pub(crate) partials: &'a BTreeMap<BufferId, BufferId>,
    /// Inputs in whose memory this loop writes.
    pub(crate) overwritten: &'a [BufferId],
}

/// The loop that runs the nodes at `members`, which are maps and reductions in order.
pub(crate) fn build(context: Context<'_>, members: &[usize], grid: Grid) -> Loop {
    let mut builder = LoopBuilder::new(context, grid);
    let members: Vec<&Node> = members.iter().map(|&member| &context.nodes.nodes[member]).collect();
    let resolved: Vec<Vec<Ref>> = members.iter().map(|node| builder.resolve(node)).collect();
    builder.find_last_uses(&members, &resolved);
    builder.load_overwritten();
    for (position, (node, refs)) in members.iter().zip(&resolved).enumerate() {
        match &node.kind {
            Kind::Map(op) => builder.map(position, *op, node, refs),
            Kind::Join(widths) => builder.join(widths, node),
            Kind::Fold { .. } => {}
            Kind::Product(_) | Kind::Gather(_) | Kind::ScatterAdd(_) | Kind::Evaluate(_) => {
                unreachable!("only maps, joins and reductions are fused into loops")
            }
        }
    }
    for (node, refs) in members.iter().zip(&resolved) {
        if let Kind::Fold { fold, along, .. } = node.kind {
            let dtype = context.nodes.buffer(node.result).dtype;
            let operand = builder.in_memory(refs[0], dtype);
            let partials = context.partials.get(&node.result).copied();
            let reduction = Reduction { fold, along, dtype, operand, result: node.result, partials };
            builder.kernel.reductions.push(reduction);
        }
    }
    builder.kernel
}

/// An operand before registers are allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Ref {
    /// The result of an earlier node of the loop.
    Inner(BufferId),
    Input(usize),
    Scalar(usize),
}

struct LoopBuilder<'a> {
    context: Context<'a>,
    kernel: Loop,
    /// Where inner results and inputs are.
    places: BTreeMap<Ref, Operand>,
    /// The position of the last node that reads each; past the end for reductions.
    last_uses: BTreeMap<Ref, usize>,
    free: BTreeMap<DType, Vec<usize>>,
}

impl<'a> LoopBuilder<'a> {
    fn new(context: Context<'a>, grid: Grid) -> Self {
        let kernel = Loop {
            grid,
            inputs: Vec::new(),
            scalars: Vec::new(),
            outputs: Vec::new(),
            code: Vec::new(),
            reductions: Vec::new(),
            counts: Counts::default(),
        };
        Self { context, kernel, places: BTreeMap::new(), last_uses: BTreeMap::new(), free: BTreeMap::new() }
    }

    fn resolve(&mut self, node: &Node) -> Vec<Ref> {
        // What is joined is read from memory, at positions of its own.
        let read = if matches!(node.kind, Kind::Join(_)) { &[][..] } else { &node.operands };
        let refs = read.iter().map(|view| self.reference(view)).collect();
        // The place is not known yet; the entry marks the buffer as filled by this loop.
        self.places.insert(Ref::Inner(node.result), Operand::Output(usize::MAX));
        refs
    }

    fn reference(&mut self, view: &View) -> Ref {
        if self.places.contains_key(&Ref::Inner(view.buffer)) {
            return Ref::Inner(view.buffer);
        }
        match view.access() {
            Access::Uniform => Ref::Scalar(self.scalar(view.buffer, view.offset)),
            access => Ref::Input(self.input(view.buffer, view.offset, access)),
        }
    }

    fn scalar(&mut self, buffer: BufferId, at: usize) -> usize {
        let spec = self.context.nodes.buffer(buffer);
        let scalar = match &spec.origin {
            Origin::Constant(tensor) => Scalar::Known(with_type!(spec.dtype, T => bits::<T>(tensor, at))),
            _ => Scalar::Read(buffer, spec.dtype, at),
        };
        position_or_push(&mut self.kernel.scalars, scalar)
    }

    fn input(&mut self, buffer: BufferId, offset: usize, access: Access) -> usize {
        let spec = self.context.nodes.buffer(buffer);
        let input = Input { buffer, dtype: spec.dtype, elements: spec.elements, offset, access };
        position_or_push(&mut self.kernel.inputs, input)
    }

    fn find_last_uses(&mut self, members: &[&Node], resolved: &[Vec<Ref>]) {
        for (position, (node, refs)) in members.iter().zip(resolved).enumerate() {
            let reads_at = if matches!(node.kind, Kind::Fold { .. }) { members.len() } else { position };
            for &reference in refs {
                let last = self.last_uses.entry(reference).or_insert(reads_at);
                *last = (*last).max(reads_at);
            }
        }
    }

    fn allocate(&mut self, dtype: DType) -> usize {
        if let Some(register) = self.free.entry(dtype).or_default().pop() {
            return register;
        }
        let count = match dtype {
            DType::F32 => &mut self.kernel.counts.f32,
            DType::F64 => &mut self.kernel.counts.f64,
            DType::I32 => &mut self.kernel.counts.i32,
            DType::Bool => &mut self.kernel.counts.bool,
        };
        *count += 1;
        *count - 1
    }

    fn load(&mut self, input: usize) -> Operand {
        let register = self.allocate(self.kernel.inputs[input].dtype);
        self.kernel.code.push(Instruction::Load { input, register });
        self.places.insert(Ref::Input(input), Operand::Register(register));
        Operand::Register(register)
    }

    /// Inputs in whose memory the loop writes are saved before its first result is.
    fn load_overwritten(&mut self) {
        for input in 0..self.kernel.inputs.len() {
            if self.context.overwritten.contains(&self.kernel.inputs[input].buffer) {
                self.load(input);
            }
        }
    }

    fn operand(&mut self, reference: Ref) -> Operand {
        match (reference, self.places.get(&reference)) {
            (Ref::Scalar(scalar), _) => Operand::Scalar(scalar),
            (_, Some(&place)) => place,
            (Ref::Input(input), None) if self.kernel.inputs[input].access == Access::Contiguous => {
                Operand::Input(input)
            }
            (Ref::Input(input), None) => self.load(input),
            (Ref::Inner(_), None) => unreachable!("nodes come after what they read"),
        }
    }

    fn map(&mut self, position: usize, op: MapOp, node: &Node, refs: &[Ref]) {
        let operands: Vec<Operand> = refs.iter().map(|&reference| self.operand(reference)).collect();
        let result = self.context.nodes.buffer(node.result).dtype;
        let last = node.operands.last().expect("elementwise operations have operands");
        let dtype = self.context.nodes.buffer(last.buffer).dtype;
        let target = self.target(node.result, result);
        self.kernel.code.push(Instruction::Map { op, dtype, result, operands, target });
        for &reference in refs {
            self.release(reference, position);
        }
    }

    fn join(&mut self, widths: &[usize], node: &Node) {
        let part = |(view, &width): (&View, &usize)| {
            let source = match view.access() {
                Access::Uniform => Operand::Scalar(self.scalar(view.buffer, view.offset)),
                access => Operand::Input(self.input(view.buffer, view.offset, access)),
            };
            Part { source, width }
        };
        let parts = node.operands.iter().zip(widths).map(part).collect();
        let dtype = self.context.nodes.buffer(node.result).dtype;
        let target = self.target(node.result, dtype);
        self.kernel.code.push(Instruction::Join { dtype, parts, target });
    }

    fn target(&mut self, buffer: BufferId, dtype: DType) -> Target {
        let (target, place) = if self.context.stored[buffer.0] {
            let output = position_or_push(&mut self.kernel.outputs, Output { buffer, dtype });
            (Target::Output(output), Operand::Output(output))
        } else {
            let register = self.allocate(dtype);
            (Target::Register(register), Operand::Register(register))
        };
        self.places.insert(Ref::Inner(buffer), place);
        target
    }

    /// Frees the register of an operand that is not read after `position`.
    fn release(&mut self, reference: Ref, position: usize) {
        if self.last_uses[&reference] > position {
            return;
        }
        let dtype = match reference {
            Ref::Inner(buffer) => self.context.nodes.buffer(buffer).dtype,
            Ref::Input(input) => self.kernel.inputs[input].dtype,
            Ref::Scalar(_) => return,
        };
        if let Some(&Operand::Register(register)) = self.places.get(&reference) {
            let free = self.free.entry(dtype).or_default();
            if !free.contains(&register) {
                free.push(register);
            }
        }
    }

    /// An operand of a reduction: scalars are spread over a register.
    fn in_memory(&mut self, reference: Ref, dtype: DType) -> Operand {
        let operand = self.operand(reference);
        if !matches!(operand, Operand::Scalar(_)) {
            return operand;
        }
        let register = self.allocate(dtype);
        let (op, target) = (MapOp::Unary(Unary::Copy), Target::Register(register));
        self.kernel.code.push(Instruction::Map { op, dtype, result: dtype, operands: vec![operand], target });
        Operand::Register(register)
    }
}

fn bits<T: Cell>(tensor: &tensor::Tensor, at: usize) -> u64 {
    tensor.as_slice::<T>().ok().and_then(|elements| elements.get(at)).map_or(0, |&element| element.to_bits())
}

fn position_or_push<T: PartialEq>(items: &mut Vec<T>, item: T) -> usize {
    items.iter().position(|other| *other == item).unwrap_or_else(|| {
        items.push(item);
        items.len() - 1
    })
}
