//! The graph that turns examples into moments.

use graph::{Builder, Graph, Role, Val, ops::DotGeneral};
use models::Model;
use tensor::{DType, Shape, Tensor};

use super::Units;

/// What one chunk gives of each of the units, in this order: the number of samples; the means of the first network's units
/// `[units, block]` and the second's; the sums of squares about them `[units]` of either; the sums of products about
/// them `[units, units]`. All are `f64`. Inputs: the parameters and buffers of the first network, those of the second, the
/// examples.
pub(super) const RESULTS: usize = 6;

pub(super) fn moments(model: &Model, examples: usize, units: &dyn Fn(&Graph) -> Vec<Units>) -> Graph {
    let forward = model.forward(examples, DType::F32);
    let mut b = Builder::new("activation_moments");
    let sides = ["a", "b"].map(|side| declare(&mut b, &forward, side));
    let data: Vec<Val> = forward
        .inputs()
        .iter()
        .filter(|input| input.role == Role::Data)
        .map(|input| b.data(input.name.clone(), forward.ty(input.val).clone()))
        .collect();
    let values = sides.map(|own| b.inline(&forward, &[own, data.clone()].concat()));
    for (number, units) in units(&forward).iter().enumerate() {
        emit(&mut b, number, units, [&values[0], &values[1]].map(|of| of[units.val.position()]));
    }
    b.finish()
}

/// Declares the parameters and buffers of one of the networks; the data come behind them.
fn declare(b: &mut Builder, forward: &Graph, side: &str) -> Vec<Val> {
    let own = forward.inputs().iter().filter(|input| input.role != Role::Data);
    own.map(|input| b.input(format!("{side}/{}", input.name), input.role, forward.ty(input.val).clone()))
        .collect()
}

fn emit(b: &mut Builder, number: usize, units: &Units, values: [Val; 2]) {
    let axis = units.axis;
    let values = values.map(|value| arrange(b, value, units));
    let rank = b.shape(values[0]).rank();
    let samples: Vec<usize> = (0..rank).filter(|&other| other != axis && other != axis + 1).collect();
    let all: Vec<usize> = (0..rank).filter(|&other| other != axis).collect();
    let count: usize = samples.iter().map(|&axis| b.shape(values[0])[axis]).product();
    let means = values.map(|value| b.mean(value, &samples));
    let centred = [0, 1].map(|side| {
        let shape = b.shape(values[side]).clone();
        let mean = b.broadcast(means[side], &shape, &[axis, axis + 1]);
        b.subtract(values[side], mean)
    });
    let squares = centred.map(|centred| {
        let squares = b.multiply(centred, centred);
        b.reduce_sum(squares, &all)
    });
    let op = DotGeneral { lhs_contract: all.clone(), rhs_contract: all, ..DotGeneral::default() };
    let cross = b.dot_general(op, centred[0], centred[1]);
    let count = b.scalar(DType::F64, count as f64);
    let results = [count, means[0], means[1], squares[0], squares[1], cross];
    for (result, name) in
        results.into_iter().zip(["count", "mean a", "mean b", "square a", "square b", "cross"])
    {
        b.output(format!("{number} {name}"), result);
    }
}

/// A value in `f64`, with its axis of units replaced by two: the unit, and the rank of an index in its block.
fn arrange(b: &mut Builder, value: Val, units: &Units) -> Val {
    let mut value = b.convert(value, DType::F64);
    let Units { axis, indices, block, .. } = units;
    let shape = b.shape(value).clone();
    if !indices.iter().copied().eq(0..shape[*axis]) {
        let indices = b.constant(Tensor::from_fn([indices.len()], |i| indices[i] as i32));
        value = b.gather(value, indices, *axis, 0);
    }
    let split: Shape = [&shape[..*axis], &[units.count(), *block], &shape[axis + 1..]].concat().into();
    b.reshape(value, &split)
}
