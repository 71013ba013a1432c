//! From a graph to nodes over buffers. Reshapes, transposes and broadcasts become views wherever strides can
//! express them; dead values are left out.

mod convolution;
mod kernels;
mod parts;
mod sums;

use std::sync::Arc;

use graph::{
    Def, Donation, ExecError, Graph, Prim, Val,
    ops::{DotGeneral, Iota},
};
use tensor::{Buffer, DType, Tensor};

use crate::{
    isa::Isa,
    kernel::What,
    memory::zero_buffer,
    node::{Along, Binary, BufferId, BufferSpec, Fold, Kind, MapOp, Node, Nodes, Origin, Unary},
    product::{Product, Side},
    view::View,
};

/// Lowers the live part of a graph.
///
/// # Errors
/// [`ExecError::Memory`] where the indices of an iota cannot be held.
pub(crate) fn lower(graph: &Graph, donations: &[Donation], isa: Isa) -> Result<Nodes, ExecError> {
    let (nodes, views) = (Nodes::default(), vec![None; graph.len()]);
    let live = live(graph);
    let uses = uses(graph, &live);
    let mut lowering = Lowering { graph, isa, nodes, views, uses, current: Val::new(0) };
    for val in graph.vals().filter(|val| live[val.position()]) {
        lowering.current = val;
        let view = lowering.value(val)?;
        lowering.views[val.position()] = Some(view);
    }
    lowering.outputs(donations);
    Ok(without_unread(lowering.nodes))
}

/// The nodes whose results are read or returned. Others come from values of which only no element is used.
fn without_unread(mut nodes: Nodes) -> Nodes {
    let mut read = vec![false; nodes.buffers.len()];
    nodes.outputs.iter().for_each(|buffer| read[buffer.0] = true);
    for node in nodes.nodes.iter().rev() {
        if read[node.result.0] {
            node.operands.iter().for_each(|view| read[view.buffer.0] = true);
        }
    }
    nodes.nodes.retain(|node| read[node.result.0]);
    nodes
}

fn live(graph: &Graph) -> Vec<bool> {
    let mut live = vec![false; graph.len()];
    for output in graph.outputs() {
        live[output.val.position()] = true;
    }
    for val in graph.vals().rev() {
        if live[val.position()] {
            for operand in graph.operands(val) {
                live[operand.position()] = true;
            }
        }
    }
    live
}

/// How often each value is an operand of a live one, or an output.
fn uses(graph: &Graph, live: &[bool]) -> Vec<usize> {
    let mut uses = vec![0; graph.len()];
    let operands =
        graph.vals().filter(|val| live[val.position()]).flat_map(|val| graph.operands(val).to_vec());
    for val in operands.chain(graph.outputs().iter().map(|output| output.val)) {
        uses[val.position()] += 1;
    }
    uses
}

fn out_of_memory(graph: &Graph, bytes: usize) -> ExecError {
    ExecError::Memory { graph: graph.name().to_owned(), bytes }
}

struct Lowering<'a> {
    graph: &'a Graph,
    isa: Isa,
    nodes: Nodes,
    views: Vec<Option<View>>,
    uses: Vec<usize>,
    /// The value that is being lowered.
    current: Val,
}

impl Lowering<'_> {
    fn view(&self, val: Val) -> View {
        self.views[val.position()].clone().expect("operands of live values are live and come first")
    }

    fn buffer(&mut self, dtype: DType, elements: usize, origin: Origin) -> BufferId {
        self.nodes.buffers.push(BufferSpec { dtype, elements, origin });
        BufferId(self.nodes.buffers.len() - 1)
    }

    /// Adds a node whose result has `shape`, row-major.
    fn node(&mut self, kind: Kind, operands: Vec<View>, dtype: DType, shape: &[usize]) -> View {
        let result = self.buffer(dtype, shape.iter().product(), Origin::Computed);
        self.nodes.nodes.push(Node { kind, operands, result, val: self.current });
        View::contiguous(result, shape)
    }

    fn copy(&mut self, view: View) -> View {
        let (dtype, shape) = (self.nodes.buffer(view.buffer).dtype, view.shape.clone());
        self.node(Kind::Map(MapOp::Unary(Unary::Copy)), vec![view], dtype, &shape)
    }

    /// The view where it is all of its buffer in order, and a copy otherwise.
    fn whole(&mut self, view: View) -> View {
        let elements = self.nodes.buffer(view.buffer).elements;
        if view.is_whole(elements) { view } else { self.copy(view) }
    }

    fn value(&mut self, val: Val) -> Result<View, ExecError> {
        let ty = self.graph.ty(val);
        match self.graph.def(val) {
            Def::Input(position) => {
                let buffer = self.buffer(ty.dtype, ty.shape.elements(), Origin::Argument(*position));
                Ok(View::contiguous(buffer, &ty.shape))
            }
            Def::Apply { op: Prim::Iota(op), .. } => self.iota(op),
            Def::Apply { op, operands } => {
                if let (Prim::Add(_), &[x, y]) = (op, &operands[..])
                    && let Some(sum) = self.joint_sum([x, y])
                {
                    return Ok(sum);
                }
                let operands = operands.iter().map(|&operand| self.view(operand)).collect();
                Ok(self.apply(val, op, operands))
            }
        }
    }

    /// The indices of one axis as a constant, broadcast along the others.
    fn iota(&mut self, op: &Iota) -> Result<View, ExecError> {
        let size = op.shape[op.axis];
        let out_of_memory = || out_of_memory(self.graph, size.saturating_mul(op.dtype.size_bytes()));
        let mut indices = zero_buffer(op.dtype, size).ok_or_else(out_of_memory)?;
        match &mut indices {
            Buffer::F32(indices) => indices.iter_mut().enumerate().for_each(|(i, index)| *index = i as f32),
            Buffer::F64(indices) => indices.iter_mut().enumerate().for_each(|(i, index)| *index = i as f64),
            Buffer::I32(indices) => indices.iter_mut().enumerate().for_each(|(i, index)| *index = i as i32),
            Buffer::Bool(_) => unreachable!("the type rule admits numbers only"),
        }
        let tensor = Tensor::from_buffer([size], indices).expect("one index for each position");
        let buffer = self.buffer(op.dtype, size, Origin::Constant(Arc::new(tensor)));
        Ok(View::contiguous(buffer, &[size]).broadcast(&op.shape, &[op.axis]))
    }

    fn apply(&mut self, val: Val, op: &Prim, mut operands: Vec<View>) -> View {
        let ty = self.graph.ty(val);
        if let Some(op) = map_op(op) {
            return self.node(Kind::Map(op), operands, ty.dtype, &ty.shape);
        }
        match op {
            Prim::Constant(op) => {
                let origin = Origin::Constant(Arc::clone(&op.value));
                View::contiguous(self.buffer(ty.dtype, ty.shape.elements(), origin), &ty.shape)
            }
            Prim::BroadcastInDim(op) => operands[0].broadcast(&op.shape, &op.axes),
            Prim::Transpose(op) => operands[0].select(&op.permutation),
            Prim::StopGradient(_) => operands.remove(0),
            Prim::Reshape(op) => match operands[0].reshape(&op.shape) {
                Some(view) => view,
                None => View {
                    shape: op.shape.to_vec(),
                    strides: op.shape.strides(),
                    ..self.copy(operands.remove(0))
                },
            },
            Prim::ReduceSum(op) => self.fold(Fold::Sum, &operands[0], &op.axes, &ty.shape),
            Prim::ReduceMax(op) => self.fold(Fold::Max, &operands[0], &op.axes, &ty.shape),
            Prim::DotGeneral(op) => self.dot(op, &operands[0], &operands[1], &ty.shape),
            Prim::Slice(op) => operands[0].slice(&op.start, &op.stride, &ty.shape),
            Prim::Concatenate(op) => self.concatenate(&operands, op.axis, &ty.shape),
            Prim::Gather(op) => self.gather(op, operands.remove(0), operands.remove(0), &ty.shape),
            Prim::Pad(op) => self.pad(op, &operands[0], &ty.shape),
            Prim::RandomBits(op) => self.random_bits(op, &operands[0], &operands[1]),
            Prim::Reverse(op) => self.reverse(operands.remove(0), &op.axes),
            Prim::ScatterAdd(op) => self.scatter_add(op, operands.remove(0), operands.remove(0), &ty.shape),
            Prim::Convolution(op) => self.convolution(op, operands.remove(0), operands.remove(0), &ty.shape),
            Prim::Cholesky(_) => self.cholesky(operands.remove(0), ty.dtype),
            Prim::TriangularSolve(op) => self.triangular_solve(op, operands, ty.dtype),
            Prim::WindowArgmax(op) => self.slide(What::Argmax, &op.windows, operands, ty.dtype, &ty.shape),
            Prim::WindowGather(op) => self.slide(What::Gather, &op.windows, operands, ty.dtype, &ty.shape),
            Prim::WindowScatter(op) => self.slide(What::Scatter, &op.windows, operands, ty.dtype, &ty.shape),
            Prim::WindowSum(op) => self.slide(What::Sum, &op.windows, operands, ty.dtype, &ty.shape),
            _ => unreachable!("'{}' is elementwise or an iota", op.name()),
        }
    }

    /// A reduction, with the reduced axes moved to whichever end keeps the innermost runs long.
    fn fold(&mut self, fold: Fold, operand: &View, reduced: &[usize], shape: &[usize]) -> View {
        let axes = (0..operand.shape.len()).filter(|&axis| operand.shape[axis] != 1);
        let (reduced, kept): (Vec<usize>, Vec<usize>) = axes.partition(|axis| reduced.contains(axis));
        if reduced.is_empty() {
            return operand.reshape(shape).expect("axes of one index need no stride");
        }
        let size = |axes: &[usize]| axes.iter().map(|&axis| operand.shape[axis]).product::<usize>();
        let (order, along, rows, columns) = if kept.iter().any(|&axis| operand.strides[axis] == 1) {
            ([&reduced[..], &kept[..]].concat(), Along::Rows, size(&reduced), size(&kept))
        } else {
            ([&kept[..], &reduced[..]].concat(), Along::Columns, size(&kept), size(&reduced))
        };
        let dtype = self.nodes.buffer(operand.buffer).dtype;
        self.node(Kind::Fold { fold, along, rows, columns }, vec![operand.select(&order)], dtype, shape)
    }

    fn dot(&mut self, op: &DotGeneral, lhs: &View, rhs: &View, shape: &[usize]) -> View {
        let order = depth_order(op, lhs, rhs);
        let pick = |axes: &[usize]| order.iter().map(|&pair| axes[pair]).collect::<Vec<usize>>();
        let (lhs_free, rhs_free) = (op.lhs_free(lhs.shape.len()), op.rhs_free(rhs.shape.len()));
        let (left, left_view) = self.side(lhs, &op.lhs_batch, &lhs_free, &pick(&op.lhs_contract));
        let (right, right_view) = self.side(rhs, &op.rhs_batch, &rhs_free, &pick(&op.rhs_contract));
        let batch: Vec<usize> = op.lhs_batch.iter().map(|&axis| lhs.shape[axis]).collect();
        let dtype = self.nodes.buffer(lhs.buffer).dtype;
        let product = Product::new(batch, left, right);
        self.node(Kind::Product(product), vec![left_view, right_view], dtype, shape)
    }

    /// An operand of a product as a batch of matrices, copied where its strides do not make it one.
    fn side(&mut self, view: &View, batch: &[usize], free: &[usize], depth: &[usize]) -> (Side, View) {
        if let Some(side) = Side::of(view, batch, free, depth) {
            return (side, view.clone());
        }
        let packed = self.copy(view.select(&[batch, free, depth].concat()));
        let free_end = batch.len() + free.len();
        let axes: Vec<usize> = (0..packed.shape.len()).collect();
        let side = Side::of(&packed, &axes[..batch.len()], &axes[batch.len()..free_end], &axes[free_end..]);
        (side.expect("a row-major copy is a batch of matrices"), packed)
    }

    /// Gives each output a buffer of its own: a computed one, or the very argument that is donated to it.
    fn outputs(&mut self, donations: &[Donation]) {
        for (position, output) in self.graph.outputs().iter().enumerate() {
            self.current = output.val;
            let view = self.view(output.val);
            let spec = self.nodes.buffer(view.buffer);
            let whole = view.is_whole(spec.elements);
            let own = match spec.origin {
                Origin::Computed => !self.nodes.outputs.contains(&view.buffer),
                Origin::Argument(input) => donations.contains(&Donation { input, output: position }),
                Origin::Constant(_) => false,
            };
            let buffer = if whole && own { view.buffer } else { self.copy(view).buffer };
            self.nodes.outputs.push(buffer);
        }
    }
}

/// An order of the contracted axes in which as many operands as possible need no copy.
fn depth_order(op: &DotGeneral, lhs: &View, rhs: &View) -> Vec<usize> {
    let sorted_by = |view: &View, axes: &[usize]| {
        let mut order: Vec<usize> = (0..axes.len()).collect();
        order.sort_by_key(|&pair| std::cmp::Reverse(view.strides[axes[pair]]));
        order
    };
    let fits = |order: &[usize]| {
        let merges = |view: &View, axes: &[usize]| {
            let axes: Vec<usize> = order.iter().map(|&pair| axes[pair]).collect();
            usize::from(view.select(&axes).merged_stride().is_some())
        };
        merges(lhs, &op.lhs_contract) + merges(rhs, &op.rhs_contract)
    };
    let (left, right) = (sorted_by(lhs, &op.lhs_contract), sorted_by(rhs, &op.rhs_contract));
    if fits(&right) > fits(&left) { right } else { left }
}

/// The elementwise primitives.
fn map_op(op: &Prim) -> Option<MapOp> {
    Some(match op {
        Prim::Abs(_) => MapOp::Unary(Unary::Abs),
        Prim::Exp(_) => MapOp::Unary(Unary::Exp),
        Prim::Erf(_) => MapOp::Unary(Unary::Erf),
        Prim::Log(_) => MapOp::Unary(Unary::Log),
        Prim::Log1p(_) => MapOp::Unary(Unary::Log1p),
        Prim::Logistic(_) => MapOp::Unary(Unary::Logistic),
        Prim::Negate(_) => MapOp::Unary(Unary::Negate),
        Prim::Rsqrt(_) => MapOp::Unary(Unary::Rsqrt),
        Prim::Sign(_) => MapOp::Unary(Unary::Sign),
        Prim::Sqrt(_) => MapOp::Unary(Unary::Sqrt),
        Prim::Tanh(_) => MapOp::Unary(Unary::Tanh),
        Prim::Sin(_) => MapOp::Unary(Unary::Sin),
        Prim::Cos(_) => MapOp::Unary(Unary::Cos),
        Prim::Not(_) => MapOp::Unary(Unary::Not),
        Prim::And(_) => MapOp::Binary(Binary::And),
        Prim::Or(_) => MapOp::Binary(Binary::Or),
        Prim::Xor(_) => MapOp::Binary(Binary::Xor),
        Prim::Add(_) => MapOp::Binary(Binary::Add),
        Prim::Divide(_) => MapOp::Binary(Binary::Divide),
        Prim::Maximum(_) => MapOp::Binary(Binary::Maximum),
        Prim::Minimum(_) => MapOp::Binary(Binary::Minimum),
        Prim::Multiply(_) => MapOp::Binary(Binary::Multiply),
        Prim::Power(_) => MapOp::Binary(Binary::Power),
        Prim::Subtract(_) => MapOp::Binary(Binary::Subtract),
        Prim::Compare(op) => MapOp::Compare(op.direction),
        Prim::Convert(_) => MapOp::Convert,
        Prim::Select(_) => MapOp::Select,
        Prim::BroadcastInDim(_)
        | Prim::Concatenate(_)
        | Prim::Constant(_)
        | Prim::Cholesky(_)
        | Prim::Convolution(_)
        | Prim::DotGeneral(_)
        | Prim::Gather(_)
        | Prim::Iota(_)
        | Prim::Pad(_)
        | Prim::RandomBits(_)
        | Prim::ReduceMax(_)
        | Prim::ReduceSum(_)
        | Prim::Reshape(_)
        | Prim::Reverse(_)
        | Prim::ScatterAdd(_)
        | Prim::Slice(_)
        | Prim::StopGradient(_)
        | Prim::Transpose(_)
        | Prim::TriangularSolve(_)
        | Prim::WindowArgmax(_)
        | Prim::WindowGather(_)
        | Prim::WindowScatter(_)
        | Prim::WindowSum(_) => return None,
    })
}
