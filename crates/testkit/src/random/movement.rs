//! Operations that move elements.

use graph::{Val, ops};
use tensor::{DType, Shape};

use super::Random;

impl Random<'_> {
    pub(super) fn broadcast(&mut self, x: Val) -> Val {
        let mut shape = self.shape_of(x);
        if shape.len() >= 4 {
            return x;
        }
        let axis = self.below(shape.len() + 1);
        shape.insert(axis, 1 + self.below(4));
        let axes: Vec<usize> = (0..shape.len()).filter(|&kept| kept != axis).collect();
        self.attempt(ops::BroadcastInDim { shape: shape.into(), axes }, &[x], x)
    }

    pub(super) fn transpose(&mut self, x: Val) -> Val {
        let mut permutation: Vec<usize> = (0..self.b.shape(x).rank()).collect();
        for last in (1..permutation.len()).rev() {
            let other = self.below(last + 1);
            permutation.swap(last, other);
        }
        let y = self.b.transpose(x, &permutation);
        if self.below(3) == 0 { self.binary(y) } else { y }
    }

    pub(super) fn reshape(&mut self, x: Val) -> Val {
        let shape = self.b.shape(x).clone();
        let (first, all) = (shape.first().copied().unwrap_or(1), shape.elements());
        let new: Shape = match self.below(3) {
            0 => Shape::from([all]),
            1 if first > 0 => Shape::from([first, 1, all / first]),
            _ if all.is_multiple_of(2) => Shape::from([all / 2, 2]),
            _ => Shape::from([1, all]),
        };
        self.b.reshape(x, &new)
    }

    /// A part, or the axes backwards.
    pub(super) fn cut(&mut self, x: Val) -> Val {
        let shape = self.shape_of(x);
        if self.below(3) == 0 {
            let axes = (0..shape.len()).filter(|_| self.below(2) == 0).collect();
            return self.attempt(ops::Reverse { axes }, &[x], x);
        }
        let start: Vec<usize> = shape.iter().map(|&size| self.below(size + 1)).collect();
        let limit =
            shape.iter().zip(&start).map(|(&size, &start)| start + self.below(size + 2 - start)).collect();
        let stride = self.each(shape.len(), 4);
        self.attempt(ops::Slice { start, limit, stride }, &[x], x)
    }

    pub(super) fn pad(&mut self, x: Val) -> Val {
        let rank = self.b.shape(x).rank();
        let edge = |random: &mut Self| -> Vec<i64> {
            random.each(rank, 6).into_iter().map(|pad| pad as i64 - 2).collect()
        };
        let (low, high) = (edge(self), edge(self));
        let interior = self.each(rank, 3);
        self.attempt(ops::Pad { low, high, interior }, &[x], x)
    }

    /// `x` beside a part of itself and another value, where that fits.
    pub(super) fn concatenate(&mut self, x: Val) -> Val {
        let rank = self.b.shape(x).rank();
        let (axis, other) = (self.below(rank + 1), self.pick());
        let part = self.cut(x);
        let joined = self.attempt(ops::Concatenate { axis }, &[x, part, x], x);
        self.attempt(ops::Concatenate { axis }, &[other, joined], joined)
    }

    /// Reading or adding at indices made of another value's numbers, some of them out of range.
    pub(super) fn index(&mut self, x: Val) -> Val {
        let shape = self.shape_of(x);
        let (y, axis, batch) = (self.pick(), self.below(shape.len() + 1), self.below(2));
        let y = self.b.apply(ops::Convert { dtype: DType::I32 }, &[y]);
        let flat = self.b.shape(y).elements().min(9);
        let all = self.b.shape(y).elements();
        let y = self.b.reshape(y, &Shape::from([all]));
        let y = self.b.apply(ops::Slice { start: vec![0], limit: vec![flat], stride: vec![1] }, &[y]);
        let batched = [shape.first().copied().unwrap_or(0), flat];
        let y = if batch == 1 { self.b.broadcast(y, &batched.into(), &[1]) } else { y };
        if self.below(2) == 0 {
            return self.attempt(ops::Gather { axis, batch }, &[x, y], x);
        }
        let size = self.below(7);
        let sums = self.attempt(ops::ScatterAdd { axis, batch, size }, &[x, y], x);
        self.tame(sums)
    }
}
