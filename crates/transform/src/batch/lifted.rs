//! Values with or without a batch axis.

use graph::{Builder, Def, Prim, Val};
use tensor::Shape;

/// A value of the batched graph.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lifted {
    pub(super) val: Val,
    /// Which axis is the batch, or `None` for a value that is the same for all of it.
    pub(super) axis: Option<usize>,
}

impl Lifted {
    /// A value that does not depend on the batched inputs.
    pub(super) const fn alone(val: Val) -> Self {
        Self { val, axis: None }
    }

    /// A value with the batch on this axis.
    pub(super) const fn at(val: Val, axis: usize) -> Self {
        Self { val, axis: Some(axis) }
    }

    /// The value with the batch on this axis: moved there, or repeated along it.
    pub(super) fn batched_at(self, b: &mut Builder, axis: usize, size: usize) -> Val {
        match self.axis {
            Some(from) => moved(b, self.val, from, axis),
            None => {
                let shape = Shape::from(with(b.shape(self.val), axis, size));
                let axes: Vec<usize> = (0..shape.rank()).filter(|&other| other != axis).collect();
                b.broadcast(self.val, &shape, &axes)
            }
        }
    }

    /// The value with its batch, if it has one, on this axis.
    pub(super) fn with_axis(self, b: &mut Builder, axis: usize) -> Self {
        match self.axis {
            Some(from) => Self::at(moved(b, self.val, from, axis), axis),
            None => self,
        }
    }
}

/// The size of the batch of operands at least one of which has one.
pub(super) fn batch_size(b: &Builder, x: &[Lifted]) -> usize {
    let batched = x.iter().find_map(|x| x.axis.map(|axis| b.shape(x.val)[axis]));
    batched.unwrap_or_else(|| unreachable!("rules are asked where an operand is batched"))
}

/// The axis on which the operands' batches meet with the fewest elements moved: the first of the best. `None` where no
/// operand is batched.
pub(super) fn common_axis(b: &Builder, x: &[Lifted]) -> Option<usize> {
    let elements = |x: &Lifted| if is_repeated(b, x.val) { 0 } else { b.shape(x.val).elements() };
    let moved = |axis: usize| -> usize {
        let elsewhere = x.iter().filter(|x| x.axis.is_some_and(|other| other != axis));
        elsewhere.map(elements).sum()
    };
    x.iter().filter_map(|x| x.axis).min_by_key(|&axis| (moved(axis), axis))
}

/// Whether a value is a repetition, which has no order in memory to keep.
fn is_repeated(b: &Builder, x: Val) -> bool {
    matches!(b.graph().def(x), Def::Apply { op: Prim::BroadcastInDim(_), .. })
}

/// Moves one axis to another place; the others keep their order.
pub(super) fn moved(b: &mut Builder, x: Val, from: usize, to: usize) -> Val {
    if from == to {
        return x;
    }
    let mut permutation: Vec<usize> = (0..b.shape(x).rank()).collect();
    let axis = permutation.remove(from);
    permutation.insert(to, axis);
    b.transpose(x, &permutation)
}

/// Axes of a value without batch, as axes of the value with the batch at `batch`.
pub(super) fn shifted(axes: &[usize], batch: usize) -> Vec<usize> {
    axes.iter().map(|&axis| axis + usize::from(axis >= batch)).collect()
}

/// A list with one more entry at `position`.
pub(super) fn with<T: Clone>(list: &[T], position: usize, entry: T) -> Vec<T> {
    let mut longer = list.to_vec();
    longer.insert(position, entry);
    longer
}
