//! Batched gathers and scatters, and random bits.

use graph::{
    Builder, Val,
    ops::{Gather, RandomBits, ScatterAdd},
};
use tensor::Shape;

use super::lifted::{Lifted, batch_size, with};

/// A batch of the operand or of the indices alone is one more of their own axes; where both have one, it is shared.
pub(super) fn gather(b: &mut Builder, op: &Gather, x: Lifted, indices: Lifted) -> Lifted {
    let Gather { axis, batch } = *op;
    match (x.axis, indices.axis) {
        (Some(place), None) => {
            let (x, place) = beyond(b, x, place, batch);
            let looked_up = b.shape(indices.val).rank() - batch;
            if place <= axis {
                return Lifted::at(b.gather(x, indices.val, axis + 1, batch), place);
            }
            Lifted::at(b.gather(x, indices.val, axis, batch), place + looked_up - 1)
        }
        (None, Some(place)) => {
            let (indices, place) = beyond(b, indices, place, batch);
            Lifted::at(b.gather(x.val, indices, axis, batch), axis + place - batch)
        }
        _ => {
            let [x, indices] = [x, indices].map(|operand| operand.with_axis(b, 0).val);
            Lifted::at(b.gather(x, indices, axis + 1, batch + 1), 0)
        }
    }
}

/// A batch of the updates alone is one more of their own axes; where the indices have one, it is shared.
pub(super) fn scatter_add(b: &mut Builder, op: &ScatterAdd, updates: Lifted, indices: Lifted) -> Lifted {
    let ScatterAdd { axis, batch, size } = *op;
    let (Some(place), None) = (updates.axis, indices.axis) else {
        let count = batch_size(b, &[updates, indices]);
        let [updates, indices] = [updates, indices].map(|operand| operand.batched_at(b, 0, count));
        return Lifted::at(b.scatter_add(updates, indices, axis + 1, batch + 1, size), 0);
    };
    let looked_up = b.shape(indices.val).rank() - batch;
    if place > axis && place >= axis + looked_up {
        let sums = b.scatter_add(updates.val, indices.val, axis, batch, size);
        return Lifted::at(sums, place + 1 - looked_up);
    }
    let (updates, place) =
        if place > axis { (updates.with_axis(b, axis).val, axis) } else { beyond(b, updates, place, batch) };
    Lifted::at(b.scatter_add(updates, indices.val, axis + 1, batch, size), place)
}

/// The value with its batch, which is on axis `place`, moved behind the first `shared` axes if it is among them; and
/// where it then is.
fn beyond(b: &mut Builder, x: Lifted, place: usize, shared: usize) -> (Val, usize) {
    let place = place.max(shared);
    (x.with_axis(b, place).val, place)
}

/// One draw for each key and counter: no two of them need share words.
pub(super) fn random_bits(b: &mut Builder, op: &RandomBits, key: Lifted, counter: Lifted) -> Lifted {
    let size = batch_size(b, &[key, counter]);
    let keys = key.batched_at(b, 0, size);
    let counters = counter.batched_at(b, 0, size);
    let one = Shape::from(with(&op.shape, 0, 1));
    let draws: Vec<Val> = (0..size)
        .map(|index| {
            let [key, counter] = [keys, counters].map(|stack| {
                let shape = b.shape(stack)[1..].into();
                let part = b.slice_axis(stack, 0, index..index + 1);
                b.reshape(part, &shape)
            });
            let bits = b.random_bits(key, counter, &op.shape);
            b.reshape(bits, &one)
        })
        .collect();
    if draws.is_empty() {
        let none = Shape::from(with(&op.shape, 0, 0));
        let zero = b.scalar(tensor::DType::I32, 0.0);
        return Lifted::at(b.broadcast(zero, &none, &[]), 0);
    }
    Lifted::at(b.concatenate(&draws, 0), 0)
}
