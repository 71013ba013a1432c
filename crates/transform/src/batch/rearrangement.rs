//! Batched rearrangements: the batch axis stays where it is where it can.

use graph::{
    Builder,
    ops::{BroadcastInDim, Pad, Reshape, Slice, Transpose},
};
use tensor::Shape;

use super::lifted::{Lifted, shifted, with};

/// The batch comes right after where the axis before it goes.
pub(super) fn broadcast(b: &mut Builder, op: &BroadcastInDim, x: Lifted, batch: usize) -> Lifted {
    let size = b.shape(x.val)[batch];
    let place = batch.checked_sub(1).map_or(0, |before| op.axes[before] + 1);
    let axes = with(&shifted(&op.axes, place), batch, place);
    let shape = Shape::from(with(&op.shape, place, size));
    Lifted::at(b.broadcast(x.val, &shape, &axes), place)
}

/// The batch stays between the axes that multiply to the same number as those before it; else it goes to the front.
pub(super) fn reshape(b: &mut Builder, op: &Reshape, x: Lifted, batch: usize) -> Lifted {
    let size = b.shape(x.val)[batch];
    let before: usize = b.shape(x.val)[..batch].iter().product();
    let after: usize = b.shape(x.val)[batch + 1..].iter().product();
    let splits = |&place: &usize| {
        let (left, right) = op.shape.split_at(place);
        left.iter().product::<usize>() == before && right.iter().product::<usize>() == after
    };
    match (0..=op.shape.rank()).find(splits) {
        Some(place) => {
            let shape = Shape::from(with(&op.shape, place, size));
            Lifted::at(b.reshape(x.val, &shape), place)
        }
        None => {
            let front = x.with_axis(b, 0);
            let shape = Shape::from(with(&op.shape, 0, size));
            Lifted::at(b.reshape(front.val, &shape), 0)
        }
    }
}

/// The batch stays the axis that it is.
pub(super) fn transpose(b: &mut Builder, op: &Transpose, x: Lifted, batch: usize) -> Lifted {
    let permutation = with(&shifted(&op.permutation, batch), batch, batch);
    Lifted::at(b.transpose(x.val, &permutation), batch)
}

pub(super) fn slice(b: &mut Builder, op: &Slice, x: Lifted, batch: usize) -> Lifted {
    let size = b.shape(x.val)[batch];
    let op = Slice {
        start: with(&op.start, batch, 0),
        limit: with(&op.limit, batch, size),
        stride: with(&op.stride, batch, 1),
    };
    Lifted::at(b.apply(op, &[x.val]), batch)
}

pub(super) fn pad(b: &mut Builder, op: &Pad, x: Lifted, batch: usize) -> Lifted {
    let op = Pad {
        low: with(&op.low, batch, 0),
        high: with(&op.high, batch, 0),
        interior: with(&op.interior, batch, 0),
    };
    Lifted::at(b.apply(op, &[x.val]), batch)
}
