//! What a primitive becomes when operands have a batch axis.

use graph::{
    Builder, Prim, Val,
    ops::{
        Concatenate, ReduceMax, ReduceSum, Reverse, Window, WindowArgmax, WindowGather, WindowScatter,
        WindowSum,
    },
};

use super::{
    contraction::contraction,
    convolution::convolution,
    lifted::{Lifted, batch_size, common_axis, shifted, with},
    linear_algebra::{leading, triangular_solve},
    lookup::{gather, random_bits, scatter_add},
    rearrangement::{broadcast, pad, reshape, slice, transpose},
};

/// `op` applied to operands with or without a batch axis.
pub(super) fn apply(b: &mut Builder, op: &Prim, x: &[Lifted]) -> Lifted {
    let Some(batch) = common_axis(b, x) else {
        let operands: Vec<Val> = x.iter().map(|x| x.val).collect();
        return Lifted::alone(b.apply(op.clone(), &operands));
    };
    match op {
        Prim::Abs(_)
        | Prim::Add(_)
        | Prim::And(_)
        | Prim::Compare(_)
        | Prim::Convert(_)
        | Prim::Cos(_)
        | Prim::Divide(_)
        | Prim::Erf(_)
        | Prim::Exp(_)
        | Prim::Log(_)
        | Prim::Log1p(_)
        | Prim::Logistic(_)
        | Prim::Maximum(_)
        | Prim::Minimum(_)
        | Prim::Multiply(_)
        | Prim::Negate(_)
        | Prim::Not(_)
        | Prim::Or(_)
        | Prim::Power(_)
        | Prim::Rsqrt(_)
        | Prim::Select(_)
        | Prim::Sign(_)
        | Prim::Sin(_)
        | Prim::Sqrt(_)
        | Prim::StopGradient(_)
        | Prim::Subtract(_)
        | Prim::Tanh(_)
        | Prim::Xor(_) => aligned(b, op.clone(), x, batch),
        Prim::Constant(_) | Prim::Iota(_) => unreachable!("'{}' has no operands", op.name()),
        Prim::BroadcastInDim(op) => broadcast(b, op, x[0], batch),
        Prim::Concatenate(op) => aligned(b, Concatenate { axis: shifted(&[op.axis], batch)[0] }, x, batch),
        Prim::Cholesky(op) => aligned(b, op.clone(), x, leading(b, x[0], batch)),
        Prim::Convolution(op) => convolution(b, op, x[0], x[1]),
        Prim::DotGeneral(op) => contraction(b, op, x[0], x[1]),
        Prim::Gather(op) => gather(b, op, x[0], x[1]),
        Prim::Pad(op) => pad(b, op, x[0], batch),
        Prim::RandomBits(op) => random_bits(b, op, x[0], x[1]),
        Prim::ReduceMax(op) => reduction(b, |axes| ReduceMax { axes }.into(), x[0], batch, &op.axes),
        Prim::ReduceSum(op) => reduction(b, |axes| ReduceSum { axes }.into(), x[0], batch, &op.axes),
        Prim::Reshape(op) => reshape(b, op, x[0], batch),
        Prim::Reverse(op) => aligned(b, Reverse { axes: shifted(&op.axes, batch) }, x, batch),
        Prim::ScatterAdd(op) => scatter_add(b, op, x[0], x[1]),
        Prim::Slice(op) => slice(b, op, x[0], batch),
        Prim::Transpose(op) => transpose(b, op, x[0], batch),
        Prim::TriangularSolve(op) => triangular_solve(b, op, x[0], x[1]),
        Prim::WindowArgmax(op) => aligned(b, WindowArgmax { windows: beside(&op.windows, batch) }, x, batch),
        Prim::WindowGather(op) => aligned(b, WindowGather { windows: beside(&op.windows, batch) }, x, batch),
        Prim::WindowScatter(op) => window_scatter(b, op, x, batch),
        Prim::WindowSum(op) => aligned(b, WindowSum { windows: beside(&op.windows, batch) }, x, batch),
    }
}

/// The batch on the same axis of all operands and of the result.
fn aligned(b: &mut Builder, op: impl Into<Prim>, x: &[Lifted], batch: usize) -> Lifted {
    let size = batch_size(b, x);
    let operands: Vec<Val> = x.iter().map(|x| x.batched_at(b, batch, size)).collect();
    Lifted::at(b.apply(op, &operands), batch)
}

fn window_scatter(b: &mut Builder, op: &WindowScatter, x: &[Lifted], batch: usize) -> Lifted {
    let shape = with(&op.shape, batch, batch_size(b, x)).into();
    aligned(b, WindowScatter { windows: beside(&op.windows, batch), shape }, x, batch)
}

/// Windows that do not slide along the batch.
fn beside(windows: &[Window], batch: usize) -> Vec<Window> {
    with(windows, batch, Window::POINT)
}

/// The batch after those of the axes before it that are not reduced.
fn reduction(
    b: &mut Builder,
    op: impl FnOnce(Vec<usize>) -> Prim,
    x: Lifted,
    batch: usize,
    reduced: &[usize],
) -> Lifted {
    let gone = reduced.iter().filter(|&&axis| axis < batch).count();
    Lifted::at(b.apply(op(shifted(reduced, batch)), &[x.val]), batch - gone)
}
