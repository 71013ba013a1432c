//! Constant folding and algebraic identities.

use graph::{
    AxisMap, Builder, Def, Graph, Prim, Ty, Val,
    ops::{Pad, Slice},
};
use tensor::Tensor;

use super::{
    rebuild,
    rewrite::{is_linear_of_zeros, rewrite},
};

/// Results of at most this many elements are computed at once; larger ones stay as the applications that make
/// them, since a graph should not carry them as text. Ours: it covers scalars, per-class and per-axis vectors.
const FOLDED_ELEMENTS: usize = 256;

/// Evaluates applications of small constants, and replaces what an identity shows to be one of its operands:
/// sums with zero, products and quotients with one, double negation, a choice between equals, rearrangements
/// that change nothing. Rearrangements of rearrangements become one, transposes move into the axes of contractions,
/// a sum with a negation becomes a difference, a sum over repetitions a product.
#[must_use]
pub fn fold_constants(graph: &Graph) -> Graph {
    rebuild(graph, |b, _, op, operands| emit(b, op, operands))
}

/// The shortest form of an application.
pub(super) fn emit(b: &mut Builder, op: &Prim, operands: &[Val]) -> Val {
    if let Some(same) = identity(b, op, operands) {
        return same;
    }
    if let Some(value) = evaluated(b, op, operands) {
        return b.constant(value);
    }
    if let Some(val) = evaluated_splat(b, op, operands) {
        return val;
    }
    if let Some((op, operands)) = rewrite(b, op, operands) {
        return emit(b, &op, &operands);
    }
    b.apply(op.clone(), operands)
}

/// The number that a value repeats everywhere, if it is a broadcast constant scalar (or one itself).
pub(crate) fn splat_number(graph: &Graph, val: Val) -> Option<f64> {
    splat_in(graph, val).map(|scalar| scalar.to_f64_vec()[0])
}

pub(super) fn definition(b: &Builder, val: Val) -> Option<(&Prim, &[Val])> {
    match b.graph().def(val) {
        Def::Input(_) => None,
        Def::Apply { op, operands } => Some((op, operands)),
    }
}

fn constant(graph: &Graph, val: Val) -> Option<&Tensor> {
    match graph.def(val) {
        Def::Apply { op: Prim::Constant(constant), .. } => Some(&constant.value),
        _ => None,
    }
}

/// The scalar that a value repeats everywhere, if it is a broadcast constant scalar (or one itself).
pub(super) fn splat(b: &Builder, val: Val) -> Option<&Tensor> {
    splat_in(b.graph(), val)
}

fn splat_in(graph: &Graph, val: Val) -> Option<&Tensor> {
    let scalar = match graph.def(val) {
        Def::Apply { op: Prim::BroadcastInDim(_), operands } => constant(graph, operands[0])?,
        _ => constant(graph, val)?,
    };
    (scalar.shape().rank() == 0).then_some(scalar)
}

pub(super) fn is_splat_of(b: &Builder, val: Val, number: f64) -> bool {
    splat(b, val).is_some_and(|scalar| scalar.to_f64_vec() == [number])
}

fn identity(b: &Builder, op: &Prim, x: &[Val]) -> Option<Val> {
    match op {
        Prim::Add(_) if is_splat_of(b, x[1], 0.0) => Some(x[0]),
        Prim::Add(_) if is_splat_of(b, x[0], 0.0) => Some(x[1]),
        Prim::Subtract(_) if is_splat_of(b, x[1], 0.0) => Some(x[0]),
        Prim::Multiply(_) | Prim::Divide(_) if is_splat_of(b, x[1], 1.0) => Some(x[0]),
        Prim::Multiply(_) if is_splat_of(b, x[0], 1.0) => Some(x[1]),
        Prim::Select(_) if x[1] == x[2] => Some(x[1]),
        Prim::Negate(_) => match definition(b, x[0])? {
            (Prim::Negate(_), inner) => Some(inner[0]),
            _ => None,
        },
        Prim::Not(_) => match definition(b, x[0])? {
            (Prim::Not(_), inner) => Some(inner[0]),
            _ => None,
        },
        Prim::Reshape(reshape) => unchanged(b, x[0], &b.ty(x[0]).with_shape(reshape.shape.clone())),
        Prim::Convert(convert) => unchanged(b, x[0], &b.ty(x[0]).with_dtype(convert.dtype)),
        Prim::ReduceSum(sum) if sum.axes.is_empty() => Some(x[0]),
        Prim::WindowSum(sum)
            if sum.windows.iter().zip(b.shape(x[0]).iter()).all(|(w, &size)| w.is_pointwise(size)) =>
        {
            Some(x[0])
        }
        Prim::Transpose(outer) if outer.permutation.is_sorted() => Some(x[0]),
        Prim::Concatenate(_) if x.len() == 1 => Some(x[0]),
        Prim::Slice(op) => sliced(b, op, x[0]),
        Prim::Pad(op) if is_no_padding(op) => Some(x[0]),
        Prim::Reverse(op) if op.axes.iter().all(|&axis| b.shape(x[0])[axis] < 2) => Some(x[0]),
        Prim::And(_) | Prim::Or(_) if x[0] == x[1] => Some(x[0]),
        _ => None,
    }
}

fn unchanged(b: &Builder, x: Val, result: &Ty) -> Option<Val> {
    (b.ty(x) == result).then_some(x)
}

/// What a slice takes whole: its operand, or one of the operands of a concatenation.
fn sliced(b: &Builder, op: &Slice, x: Val) -> Option<Val> {
    let is_whole =
        |axis: usize| (op.start[axis], op.limit[axis], op.stride[axis]) == (0, b.shape(x)[axis], 1);
    let cut: Vec<usize> = (0..op.start.len()).filter(|&axis| !is_whole(axis)).collect();
    let &[axis] = &cut[..] else { return cut.is_empty().then_some(x) };
    let (Prim::Concatenate(joined), pieces) = definition(b, x)? else { return None };
    if joined.axis != axis || op.stride[axis] != 1 {
        return None;
    }
    let mut start = 0;
    pieces.iter().copied().find(|&piece| {
        let range = (start, start + b.shape(piece)[axis]);
        start = range.1;
        range == (op.start[axis], op.limit[axis])
    })
}

fn is_no_padding(op: &Pad) -> bool {
    let edges = op.low.iter().chain(&op.high).all(|&count| count == 0);
    edges && op.interior.iter().all(|&count| count == 0)
}

/// The value of a small application whose operands are all constants.
fn evaluated(b: &Builder, op: &Prim, operands: &[Val]) -> Option<Tensor> {
    if matches!(op, Prim::Constant(_)) {
        return None;
    }
    let constants: Vec<&Tensor> =
        operands.iter().map(|&operand| constant(b.graph(), operand)).collect::<Option<_>>()?;
    let types: Vec<Ty> = constants.iter().map(|constant| Ty::of(constant)).collect();
    let result = op.out_type(&types.iter().collect::<Vec<_>>()).ok()?;
    // A broadcast of a scalar is the short form; folding it would only make the graph longer.
    let is_splat = matches!(op, Prim::BroadcastInDim(_));
    (!is_splat && result.shape.elements() <= FOLDED_ELEMENTS).then(|| op.eval(&constants))
}

/// An elementwise application of repeated scalars, as the repeated result.
fn evaluated_splat(b: &mut Builder, op: &Prim, operands: &[Val]) -> Option<Val> {
    let types: Vec<&Ty> = operands.iter().map(|&operand| b.ty(operand)).collect();
    let result = op.out_type(&types).ok()?;
    if !operands.is_empty() && is_linear_of_zeros(b, op, operands) {
        return Some(b.splat(&result, 0.0));
    }
    let types: Vec<&Ty> = operands.iter().map(|&operand| b.ty(operand)).collect();
    if operands.is_empty() || op.axes(&types, &result) != AxisMap::elementwise(operands.len(), &result) {
        return None;
    }
    let shape = result.shape;
    let scalars: Vec<&Tensor> = operands.iter().map(|&operand| splat(b, operand)).collect::<Option<_>>()?;
    let value = op.eval(&scalars);
    let scalar = b.constant(value);
    Some(b.broadcast(scalar, &shape, &[]))
}
