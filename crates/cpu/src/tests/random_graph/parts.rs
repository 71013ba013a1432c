//! Random slices, paddings, joins and look-ups.

use graph::{Val, ops};
use tensor::Tensor;

use super::Random;

impl Random {
    /// A part of `x`, or `x` as a part of something; `x` itself where nothing would be left for maxima.
    pub(super) fn part(&mut self, x: Val) -> Val {
        let rank = self.b.shape(x).rank();
        if rank == 0 {
            return x;
        }
        let axis = self.below(rank);
        let part = match self.below(6) {
            0 => self.slice(x),
            1 => self.pad(x),
            2 => self.concatenate(x, axis),
            3 => self.b.reverse(x, &[axis]),
            4 => self.gather(x, axis),
            _ => self.scatter_add(x, axis),
        };
        if self.b.shape(part).elements() == 0 { x } else { part }
    }

    fn slice(&mut self, x: Val) -> Val {
        let shape = self.b.shape(x).clone();
        let start: Vec<usize> = shape.iter().map(|&size| self.below(size + 1)).collect();
        let limit: Vec<usize> =
            shape.iter().zip(&start).map(|(&size, &start)| start + self.below(size - start + 1)).collect();
        let stride: Vec<usize> = shape.iter().map(|_| 1 + self.below(3)).collect();
        self.b.slice(x, &start, &limit, &stride)
    }

    fn pad(&mut self, x: Val) -> Val {
        let shape = self.b.shape(x).clone();
        if shape.elements() > 1500 {
            return self.slice(x);
        }
        let op = ops::Pad {
            low: shape.iter().map(|_| self.below(4) as i64 - 1).collect(),
            high: shape.iter().map(|_| self.below(4) as i64 - 1).collect(),
            interior: shape.iter().map(|_| self.below(4).saturating_sub(1)).collect(),
        };
        self.b.try_apply(op, &[x]).unwrap_or(x)
    }

    fn concatenate(&mut self, x: Val, axis: usize) -> Val {
        let size = self.b.shape(x)[axis];
        let first = self.below(size + 1);
        let (some, other) = (self.b.slice_axis(x, axis, 0..first), self.partner(x));
        if self.b.shape(x).elements() > 1500 {
            let rest = self.b.slice_axis(other, axis, first..size);
            return self.b.concatenate(&[some, rest], axis);
        }
        self.b.concatenate(&[other, some, x], axis)
    }

    /// Indices for an axis of `size`, some of them out of range.
    fn indices(&mut self, shape: &[usize], size: usize) -> Val {
        let drawn: Vec<i32> = (0..shape.iter().product()).map(|_| self.below(size + 2) as i32 - 1).collect();
        let indices = Tensor::new(shape, drawn).expect("one index for each element");
        self.b.constant(indices)
    }

    fn gather(&mut self, x: Val, axis: usize) -> Val {
        let shape = self.b.shape(x).clone();
        let batch = self.below(axis + 1);
        let mut looked_up = shape[..batch].to_vec();
        looked_up.push(1 + self.below(3));
        let indices = self.indices(&looked_up, shape[axis]);
        self.b.gather(x, indices, axis, batch)
    }

    fn scatter_add(&mut self, x: Val, axis: usize) -> Val {
        let shape = self.b.shape(x).clone();
        let (batch, size) = (self.below(axis + 1), 1 + self.below(4));
        let looked_up = [&shape[..batch], &shape[axis..=axis]].concat();
        let indices = self.indices(&looked_up, size);
        let sums = self.b.scatter_add(x, indices, axis, batch, size);
        self.tame(sums)
    }
}
