//! Local rewrites: an application as another, shorter one.

use graph::{
    Builder, Prim, Val,
    ops::{
        Add, BroadcastInDim, Concatenate, DotGeneral, Multiply, Negate, ReduceSum, Reshape, Select, Subtract,
        Transpose,
    },
};
use tensor::Shape;

use super::{
    fold::{definition, is_splat_of, splat},
    parts,
};

/// An application and its operands.
pub(super) type Rewritten = (Prim, Vec<Val>);

/// What an application may be replaced with. Results keep their bits, but for signs of zeros; and a sum over
/// repetitions becomes a product with their number.
pub(super) fn rewrite(b: &mut Builder, op: &Prim, x: &[Val]) -> Option<Rewritten> {
    match op {
        Prim::Add(_) => add(b, x).or_else(|| parts::sum_of_pieces(b, x)),
        Prim::BroadcastInDim(op) => broadcast(b, op, x[0]),
        Prim::Concatenate(op) => concatenate(b, op, x).or_else(|| parts::concatenate(b, op, x)),
        Prim::Divide(_) => divide(b, x),
        Prim::DotGeneral(op) => contraction(b, op, x),
        Prim::Multiply(_) => multiply(b, x),
        Prim::Negate(_) => negate(b, x[0]),
        Prim::Pad(op) => parts::pad(b, op, x[0]),
        Prim::ReduceSum(op) => reduce_sum(b, op, x[0]),
        Prim::Reshape(op) => reshape(b, op, x[0]),
        Prim::Reverse(op) => parts::reverse(b, op, x[0]),
        Prim::Select(_) => select(b, x),
        Prim::Slice(op) => parts::slice(b, op, x[0]),
        Prim::Subtract(_) => subtract(b, x),
        Prim::Transpose(op) => transpose(b, op, x[0]),
        _ => None,
    }
}

fn negated(b: &Builder, x: Val) -> Option<Val> {
    match definition(b, x)? {
        (Prim::Negate(_), operands) => Some(operands[0]),
        _ => None,
    }
}

fn add(b: &Builder, x: &[Val]) -> Option<Rewritten> {
    if let Some(y) = negated(b, x[1]) {
        return Some((Subtract.into(), vec![x[0], y]));
    }
    negated(b, x[0]).map(|y| (Subtract.into(), vec![x[1], y]))
}

fn subtract(b: &Builder, x: &[Val]) -> Option<Rewritten> {
    negated(b, x[1]).map(|y| (Add.into(), vec![x[0], y]))
}

fn negate(b: &Builder, x: Val) -> Option<Rewritten> {
    match definition(b, x)? {
        (Prim::Subtract(_), operands) => Some((Subtract.into(), vec![operands[1], operands[0]])),
        _ => None,
    }
}

fn multiply(b: &Builder, x: &[Val]) -> Option<Rewritten> {
    let other = if is_splat_of(b, x[1], -1.0) { x[0] } else { x[1] };
    let is_sign = is_splat_of(b, x[1], -1.0) || is_splat_of(b, x[0], -1.0);
    is_sign.then(|| (Negate.into(), vec![other]))
}

/// A quotient by a power of two, whose reciprocal is exact.
fn divide(b: &mut Builder, x: &[Val]) -> Option<Rewritten> {
    let number = splat(b, x[1])?.to_f64_vec()[0];
    let is_power_of_two = number.to_bits().trailing_zeros() >= f64::MANTISSA_DIGITS - 1;
    let is_float = b.ty(x[0]).dtype.is_float();
    // Far from where the reciprocal would lose bits or overflow in either type.
    let is_moderate = (1e-30..1e30).contains(&number.abs());
    (is_float && is_power_of_two && is_moderate).then(|| {
        let reciprocal = b.splat_like(x[0], number.recip());
        (Multiply.into(), vec![x[0], reciprocal])
    })
}

/// A choice within a choice by the same condition.
fn select(b: &Builder, x: &[Val]) -> Option<Rewritten> {
    let chosen = |side: usize| match definition(b, x[side])? {
        (Prim::Select(_), inner) if inner[0] == x[0] => Some(inner[side]),
        _ => None,
    };
    match (chosen(1), chosen(2)) {
        (None, None) => None,
        (first, second) => Some((Select.into(), vec![x[0], first.unwrap_or(x[1]), second.unwrap_or(x[2])])),
    }
}

fn transpose(b: &Builder, op: &Transpose, x: Val) -> Option<Rewritten> {
    match definition(b, x)? {
        (Prim::Transpose(inner), operands) => {
            let permutation = op.permutation.iter().map(|&axis| inner.permutation[axis]).collect();
            Some((Transpose { permutation }.into(), operands.to_vec()))
        }
        (Prim::BroadcastInDim(inner), operands) => {
            let inverse = op.inverse();
            let axes: Vec<usize> = inner.axes.iter().map(|&axis| inverse[axis]).collect();
            let shape: Shape = op.permutation.iter().map(|&axis| inner.shape[axis]).collect();
            axes.is_sorted().then(|| (BroadcastInDim { shape, axes }.into(), operands.to_vec()))
        }
        _ => None,
    }
}

fn reshape(b: &Builder, op: &Reshape, x: Val) -> Option<Rewritten> {
    match definition(b, x)? {
        (Prim::Reshape(_), operands) => Some((op.clone().into(), operands.to_vec())),
        (Prim::BroadcastInDim(inner), operands) if inner.axes.is_empty() => {
            let repeated = BroadcastInDim { shape: op.shape.clone(), axes: Vec::new() };
            Some((repeated.into(), operands.to_vec()))
        }
        _ => None,
    }
}

fn broadcast(b: &Builder, op: &BroadcastInDim, x: Val) -> Option<Rewritten> {
    match definition(b, x)? {
        (Prim::BroadcastInDim(inner), operands) => {
            let axes = inner.axes.iter().map(|&axis| op.axes[axis]).collect();
            Some((BroadcastInDim { shape: op.shape.clone(), axes }.into(), operands.to_vec()))
        }
        _ => None,
    }
}

/// Concatenations along one axis, one within another.
fn concatenate(b: &Builder, op: &Concatenate, x: &[Val]) -> Option<Rewritten> {
    let pieces = |&x: &Val| match definition(b, x) {
        Some((Prim::Concatenate(inner), operands)) if inner.axis == op.axis => operands.to_vec(),
        _ => vec![x],
    };
    let flat: Vec<Val> = x.iter().flat_map(pieces).collect();
    (flat.len() > x.len()).then(|| (op.clone().into(), flat))
}

fn reduce_sum(b: &mut Builder, op: &ReduceSum, x: Val) -> Option<Rewritten> {
    let shape = b.shape(x).clone();
    if op.axes.iter().all(|&axis| shape[axis] == 1) {
        return Some((Reshape { shape: shape.without(&op.axes) }.into(), vec![x]));
    }
    let (definition, operand) = match definition(b, x)? {
        (op @ (Prim::BroadcastInDim(_) | Prim::Transpose(_)), operands) => (op.clone(), operands[0]),
        _ => return None,
    };
    match definition {
        Prim::BroadcastInDim(inner) => sum_of_repetitions(b, op, &inner, operand),
        Prim::Transpose(inner) => sum_of_transpose(op, &inner, operand),
        _ => None,
    }
}

/// `Σ x` over axes along which `x` repeats is `n x`.
fn sum_of_repetitions(b: &mut Builder, op: &ReduceSum, inner: &BroadcastInDim, x: Val) -> Option<Rewritten> {
    if op.axes.iter().any(|axis| inner.axes.contains(axis)) {
        return None;
    }
    let count: usize = op.axes.iter().map(|&axis| inner.shape[axis]).product();
    if count == 0 {
        // The empty sum is zero, whatever is repeated: also where `0 x` is not a number.
        return None;
    }
    let shape = inner.shape.without(&op.axes);
    let gone = |axis: usize| op.axes.iter().filter(|&&reduced| reduced < axis).count();
    let axes: Vec<usize> = inner.axes.iter().map(|&axis| axis - gone(axis)).collect();
    let kept = b.broadcast(x, &shape, &axes);
    let count = b.splat_like(kept, count as f64);
    Some((Multiply.into(), vec![kept, count]))
}

/// The sum over the axes before the transpose, where neither order changes: of what is kept or of what is summed.
fn sum_of_transpose(op: &ReduceSum, inner: &Transpose, x: Val) -> Option<Rewritten> {
    let axes: Vec<usize> = op.axes.iter().map(|&axis| inner.permutation[axis]).collect();
    let kept = inner.permutation.iter().filter(|axis| !axes.contains(axis));
    (axes.is_sorted() && kept.is_sorted()).then(|| (ReduceSum { axes }.into(), vec![x]))
}

/// Transposes of operands, as long as the free axes keep their order.
fn contraction(b: &Builder, op: &DotGeneral, x: &[Val]) -> Option<Rewritten> {
    let transposed = |x: Val| match definition(b, x)? {
        (Prim::Transpose(inner), operands) => Some((inner.permutation.clone(), operands[0])),
        _ => None,
    };
    let through = |axes: &[usize], permutation: &[usize]| -> Vec<usize> {
        axes.iter().map(|&axis| permutation[axis]).collect()
    };
    if let Some((permutation, operand)) = transposed(x[0])
        && through(&op.lhs_free(permutation.len()), &permutation).is_sorted()
    {
        let lhs_batch = through(&op.lhs_batch, &permutation);
        let lhs_contract = through(&op.lhs_contract, &permutation);
        let op = DotGeneral { lhs_batch, lhs_contract, ..op.clone() };
        return Some((op.into(), vec![operand, x[1]]));
    }
    let (permutation, operand) = transposed(x[1])?;
    let keeps_order = through(&op.rhs_free(permutation.len()), &permutation).is_sorted();
    let rhs_batch = through(&op.rhs_batch, &permutation);
    let rhs_contract = through(&op.rhs_contract, &permutation);
    let op = DotGeneral { rhs_batch, rhs_contract, ..op.clone() };
    keeps_order.then(|| (op.into(), vec![x[0], operand]))
}

/// Whether an application is linear in all its operands and all of them are zero everywhere.
pub(super) fn is_linear_of_zeros(b: &Builder, op: &Prim, x: &[Val]) -> bool {
    let is_rearrangement = matches!(
        op,
        Prim::Add(_)
            | Prim::Concatenate(_)
            | Prim::Negate(_)
            | Prim::Pad(_)
            | Prim::ReduceSum(_)
            | Prim::Reshape(_)
            | Prim::Reverse(_)
            | Prim::Slice(_)
            | Prim::Subtract(_)
            | Prim::Transpose(_)
    );
    is_rearrangement && x.iter().all(|&x| splat(b, x).is_some_and(|scalar| scalar.to_f64_vec() == [0.0]))
}
