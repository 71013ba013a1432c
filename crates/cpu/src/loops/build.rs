//! From fused nodes to a loop: operands resolved, registers allocated.

use std::collections::BTreeMap;

use tensor::DType;

use super::{
    Input, Instruction, Loop, Operand, Output, Reduction, Scalar, Span, Target,
    cell::{Cell, with_type},
    grid::Grid,
    join::Part,
    registers::Counts,
};
use crate::{
    fuse::Level,
    node::{Along, BufferId, Fold, Kind, MapOp, Node, Nodes, Origin, Unary},
    pattern::Pattern,
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
            Kind::Map(op) => builder.map(*op, node, refs),
            Kind::Join(widths) => builder.join(widths, node),
            Kind::Fold { fold, .. } if builder.is_inner(node) => builder.fold(*fold, node, refs[0]),
            Kind::Fold { .. } => {}
            _ => unreachable!("only maps, joins and reductions are fused into loops"),
        }
        refs.iter().for_each(|&reference| builder.release(reference, position));
    }
    for (node, refs) in members.iter().zip(&resolved) {
        if let Kind::Fold { fold, along, .. } = node.kind
            && !builder.is_inner(node)
        {
            builder.reduction(fold, along, node, refs[0]);
        }
    }
    builder.kernel
}

/// Something that is computed in the loop or read by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Value {
    /// The result of an earlier node of the loop.
    Inner(BufferId),
    Input(usize),
}

/// An operand before registers are allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Ref {
    Scalar(usize),
    Plain(Value),
    /// A value for each row, repeated along the rows.
    Spread(Value),
}

struct LoopBuilder<'a> {
    context: Context<'a>,
    kernel: Loop,
    /// At which level each result of an earlier node is there.
    levels: BTreeMap<BufferId, Level>,
    /// Where operands are.
    places: BTreeMap<Ref, Operand>,
    /// The position of the last node that reads each; past the end for what is read after all nodes.
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
            prologue: Vec::new(),
            code: Vec::new(),
            reductions: Vec::new(),
            counts: Counts { tile_len: grid.tile_len(), ..Counts::default() },
        };
        Self {
            context,
            kernel,
            levels: BTreeMap::new(),
            places: BTreeMap::new(),
            last_uses: BTreeMap::new(),
            free: BTreeMap::new(),
        }
    }

    const fn matrix(&self) -> (usize, usize) {
        (self.kernel.grid.rows, self.kernel.grid.columns)
    }

    fn dtype(&self, buffer: BufferId) -> DType {
        self.context.nodes.buffer(buffer).dtype
    }

    /// Whether a reduction is computed tile by tile, as an instruction.
    fn is_inner(&self, node: &Node) -> bool {
        let grid = self.kernel.grid;
        matches!(node.kind, Kind::Fold { along: Along::Columns, .. })
            && grid.has_whole_rows()
            && grid.elements() > 0
    }

    fn resolve(&mut self, node: &Node) -> Vec<Ref> {
        let level = Level::computed(self.context.nodes, node, self.matrix());
        // What is joined is read from memory, at positions of its own.
        let read = if matches!(node.kind, Kind::Join(_)) { &[][..] } else { &node.operands };
        let refs = read.iter().map(|view| self.reference(view, level)).collect();
        let result = if matches!(node.kind, Kind::Fold { .. }) { Level::Row } else { level };
        self.levels.insert(node.result, result);
        refs
    }

    fn reference(&mut self, view: &View, level: Level) -> Ref {
        if let Some(&found) = self.levels.get(&view.buffer) {
            let value = Value::Inner(view.buffer);
            return if found == level { Ref::Plain(value) } else { Ref::Spread(value) };
        }
        let pattern = match level {
            Level::Full => view.pattern(self.matrix()),
            Level::Row => view.pattern((1, self.kernel.grid.rows)),
        };
        let plain = |input| Ref::Plain(Value::Input(input));
        let spread = |input| Ref::Spread(Value::Input(input));
        match (pattern, level) {
            (Pattern::Uniform, _) => Ref::Scalar(self.scalar(view.buffer, view.offset)),
            (Pattern::Row(access), _) => spread(self.input(view, Span::Rows, access)),
            (Pattern::Column(access), _) => plain(self.input(view, Span::Columns, access)),
            (Pattern::Full(access), Level::Full) => plain(self.input(view, Span::Elements, access)),
            (Pattern::Full(access), Level::Row) => plain(self.input(view, Span::Rows, access)),
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

    fn input(&mut self, view: &View, span: Span, access: Access) -> usize {
        let spec = self.context.nodes.buffer(view.buffer);
        let (dtype, elements) = (spec.dtype, spec.elements);
        let input = Input { buffer: view.buffer, dtype, elements, offset: view.offset, span, access };
        position_or_push(&mut self.kernel.inputs, input)
    }

    fn find_last_uses(&mut self, members: &[&Node], resolved: &[Vec<Ref>]) {
        for (position, (node, refs)) in members.iter().zip(resolved).enumerate() {
            let is_last = matches!(node.kind, Kind::Fold { .. }) && !self.is_inner(node);
            let reads_at = if is_last { members.len() } else { position };
            for &reference in refs {
                self.note_use(reference, reads_at);
                if let Ref::Spread(value) = reference {
                    self.note_use(Ref::Plain(value), reads_at);
                }
            }
        }
    }

    fn note_use(&mut self, reference: Ref, position: usize) {
        let last = self.last_uses.entry(reference).or_insert(position);
        *last = (*last).max(position);
    }

    fn allocate(&mut self, dtype: DType) -> usize {
        if let Some(register) = self.free.entry(dtype).or_default().pop() {
            return register;
        }
        self.kernel.counts.add(dtype)
    }

    /// Inputs in whose memory the loop writes are saved before its first result is.
    fn load_overwritten(&mut self) {
        for input in 0..self.kernel.inputs.len() {
            if self.context.overwritten.contains(&self.kernel.inputs[input].buffer) {
                self.load(input);
            }
        }
    }

    /// Brings an input into a register: once for each block where it is the same for all tiles.
    fn load(&mut self, input: usize) -> Operand {
        let Input { dtype, span, .. } = self.kernel.inputs[input];
        let repeats = span == Span::Columns && self.kernel.grid.has_whole_rows();
        // A register that outlives the tile must not be one that others have used before.
        let register = if repeats { self.kernel.counts.add(dtype) } else { self.allocate(dtype) };
        let code = if repeats { &mut self.kernel.prologue } else { &mut self.kernel.code };
        code.push(Instruction::Load { input, register });
        self.places.insert(Ref::Plain(Value::Input(input)), Operand::Register(register));
        Operand::Register(register)
    }

    fn operand(&mut self, reference: Ref) -> Operand {
        match (reference, self.places.get(&reference)) {
            (Ref::Scalar(scalar), _) => Operand::Scalar(scalar),
            (_, Some(&place)) => place,
            (Ref::Spread(value), None) => self.spread(value),
            (Ref::Plain(Value::Input(input)), None) if self.is_direct(input) => Operand::Input(input),
            (Ref::Plain(Value::Input(input)), None) => self.load(input),
            (Ref::Plain(Value::Inner(_)), None) => unreachable!("nodes come after what they read"),
        }
    }

    /// Whether instructions can read an input where it is.
    fn is_direct(&self, input: usize) -> bool {
        let Input { span, access, .. } = &self.kernel.inputs[input];
        *access == Access::Contiguous && (*span != Span::Columns || self.kernel.grid.height() == 1)
    }

    fn spread(&mut self, value: Value) -> Operand {
        let operand = self.operand(Ref::Plain(value));
        let dtype = match value {
            Value::Inner(buffer) => self.dtype(buffer),
            Value::Input(input) => self.kernel.inputs[input].dtype,
        };
        let register = self.allocate(dtype);
        self.kernel.code.push(Instruction::Spread { dtype, operand, register });
        self.places.insert(Ref::Spread(value), Operand::Register(register));
        Operand::Register(register)
    }

    fn map(&mut self, op: MapOp, node: &Node, refs: &[Ref]) {
        let operands: Vec<Operand> = refs.iter().map(|&reference| self.operand(reference)).collect();
        let level = self.levels[&node.result];
        let result = self.dtype(node.result);
        let last = node.operands.last().expect("elementwise operations have operands");
        let dtype = self.dtype(last.buffer);
        let target = self.target(node.result, level);
        self.kernel.code.push(Instruction::Map { op, level, dtype, result, operands, target });
    }

    fn join(&mut self, widths: &[usize], node: &Node) {
        let part = |(view, &width): (&View, &usize)| {
            let source = match view.access() {
                Access::Uniform => Operand::Scalar(self.scalar(view.buffer, view.offset)),
                access => Operand::Input(self.input(view, Span::Elements, access)),
            };
            Part { source, width }
        };
        let parts = node.operands.iter().zip(widths).map(part).collect();
        let (level, dtype) = (self.levels[&node.result], self.dtype(node.result));
        let target = self.target(node.result, level);
        self.kernel.code.push(Instruction::Join { level, dtype, parts, target });
    }

    fn fold(&mut self, fold: Fold, node: &Node, reference: Ref) {
        let dtype = self.dtype(node.result);
        let operand = self.in_memory(reference, dtype);
        let target = self.target(node.result, Level::Row);
        self.kernel.code.push(Instruction::Fold { fold, dtype, operand, target });
    }

    fn reduction(&mut self, fold: Fold, along: Along, node: &Node, reference: Ref) {
        let dtype = self.dtype(node.result);
        let operand = self.in_memory(reference, dtype);
        let accumulates = along == Along::Rows && self.kernel.grid.height() > 1;
        let accumulator = accumulates.then(|| self.kernel.counts.add(dtype));
        let partials = self.context.partials.get(&node.result).copied();
        let result = node.result;
        self.kernel.reductions.push(Reduction { fold, along, dtype, operand, result, accumulator, partials });
    }

    fn target(&mut self, buffer: BufferId, level: Level) -> Target {
        let dtype = self.dtype(buffer);
        let (target, place) = if self.context.stored[buffer.0] {
            let output = position_or_push(&mut self.kernel.outputs, Output { buffer, dtype, level });
            (Target::Output(output), Operand::Output(output))
        } else {
            let register = self.allocate(dtype);
            (Target::Register(register), Operand::Register(register))
        };
        self.places.insert(Ref::Plain(Value::Inner(buffer)), place);
        target
    }

    /// Frees the registers of an operand, and of what it was spread from, that are not read after `position`.
    fn release(&mut self, reference: Ref, position: usize) {
        if let Ref::Spread(value) = reference {
            self.release(Ref::Plain(value), position);
        }
        let dtype = match reference {
            Ref::Scalar(_) => return,
            Ref::Plain(Value::Inner(buffer)) | Ref::Spread(Value::Inner(buffer)) => self.dtype(buffer),
            Ref::Plain(Value::Input(input)) if self.kernel.inputs[input].span == Span::Columns => return,
            Ref::Plain(Value::Input(input)) | Ref::Spread(Value::Input(input)) => {
                self.kernel.inputs[input].dtype
            }
        };
        if let (true, Some(&Operand::Register(register))) =
            (self.last_uses[&reference] <= position, self.places.get(&reference))
        {
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
        let (op, level, target) = (MapOp::Unary(Unary::Copy), Level::Full, Target::Register(register));
        let copy = Instruction::Map { op, level, dtype, result: dtype, operands: vec![operand], target };
        self.kernel.code.push(copy);
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
