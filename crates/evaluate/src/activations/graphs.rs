//! The graph that turns examples into moments.

use graph::{Builder, Graph, Role, Val, ops::DotGeneral};
use models::Model;
use tensor::{DType, Shape, Tensor};

use super::{Between, Compared, Features, Units};

/// What one chunk gives of each of the units, in this order: the number of samples; the means of the first network's units
/// `[units, block]` and the second's; the sums of squares about them `[units]` of either; the sums of products about
/// them `[units, units]`, or `[units]` between the same units. All are `f64`. Inputs: the parameters and buffers of the first network, those of the second, the
/// examples.
pub(super) const RESULTS: usize = 6;

pub(super) fn moments(model: &Model, examples: usize, compared: &Compared<'_>, between: Between) -> Graph {
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
    let pairs = compared(&mut b, &forward, [&values[0], &values[1]]);
    for (number, pair) in pairs.into_iter().enumerate() {
        emit(&mut b, number, pair, between);
    }
    b.finish()
}

/// Declares the parameters and buffers of one of the networks; the data come behind them.
fn declare(b: &mut Builder, forward: &Graph, side: &str) -> Vec<Val> {
    let own = forward.inputs().iter().filter(|input| input.role != Role::Data);
    own.map(|input| b.input(format!("{side}/{}", input.name), input.role, forward.ty(input.val).clone()))
        .collect()
}

fn emit(b: &mut Builder, number: usize, pair: [Features; 2], between: Between) {
    let values = pair.map(|features| features.val);
    let rank = b.shape(values[0]).rank();
    let without = |axes: &[usize]| (0..rank).filter(|other| !axes.contains(other)).collect::<Vec<_>>();
    let samples = pair.map(|Features { axis, .. }| without(&[axis, axis + 1]));
    let all = pair.map(|Features { axis, .. }| without(&[axis]));
    let count: usize = samples[0].iter().map(|&axis| b.shape(values[0])[axis]).product();
    let means = [0, 1].map(|side| b.mean(values[side], &samples[side]));
    let centred = [0, 1].map(|side| {
        let (shape, axis) = (b.shape(values[side]).clone(), pair[side].axis);
        let mean = b.broadcast(means[side], &shape, &[axis, axis + 1]);
        b.subtract(values[side], mean)
    });
    let squares = [0, 1].map(|side| {
        let squares = b.multiply(centred[side], centred[side]);
        b.reduce_sum(squares, &all[side])
    });
    let [lhs_contract, rhs_contract] = all;
    let cross = match between {
        Between::All => {
            let op = DotGeneral { lhs_contract, rhs_contract, ..DotGeneral::default() };
            b.dot_general(op, centred[0], centred[1])
        }
        Between::Same => {
            let products = b.multiply(centred[0], centred[1]);
            b.reduce_sum(products, &lhs_contract)
        }
    };
    let count = b.scalar(DType::F64, count as f64);
    let results = [count, means[0], means[1], squares[0], squares[1], cross];
    for (result, name) in
        results.into_iter().zip(["count", "mean a", "mean b", "square a", "square b", "cross"])
    {
        b.output(format!("{number} {name}"), result);
    }
}

impl Units {
    /// These units on a value in `f64`, with their axis replaced by two: the unit, and the rank of an index in its block.
    ///
    /// # Panics
    /// Where the value does not have the axis or the indices.
    #[track_caller]
    pub fn features(&self, b: &mut Builder, value: Val) -> Features {
        let mut val = b.convert(value, DType::F64);
        let Self { axis, indices, block, .. } = self;
        let shape = b.shape(val).clone();
        if !indices.iter().copied().eq(0..shape[*axis]) {
            let indices = b.constant(Tensor::from_fn([indices.len()], |i| indices[i] as i32));
            val = b.gather(val, indices, *axis, 0);
        }
        let split: Shape = [&shape[..*axis], &[self.count(), *block], &shape[axis + 1..]].concat().into();
        Features { val: b.reshape(val, &split), axis: *axis }
    }
}
