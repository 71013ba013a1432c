//! Reductions, products, windows and convolutions.

use graph::{
    Val,
    ops::{self, DotGeneral},
};

use super::{MOST_ELEMENTS, Numbers, Random};

impl Random<'_> {
    pub(super) fn reduce(&mut self, x: Val) -> Val {
        let rank = self.b.shape(x).rank();
        let axes: Vec<usize> = (0..rank).filter(|_| self.below(2) == 0).collect();
        if self.below(2) == 0 { self.largest(x, &axes) } else { self.sum(x, &axes) }
    }

    fn sum(&mut self, x: Val, axes: &[usize]) -> Val {
        let sum = self.b.reduce_sum(x, axes);
        self.tame(sum)
    }

    /// The maximum, or the sum where there is nothing to take the maximum of.
    pub(super) fn largest(&mut self, x: Val, axes: &[usize]) -> Val {
        let empty = axes.iter().any(|&axis| self.b.shape(x)[axis] == 0);
        if empty { self.sum(x, axes) } else { self.b.reduce_max(x, axes) }
    }

    /// A contraction of `x` with a value that shares an axis size with it, over that axis, the first of each kept as
    /// a batch axis where the sizes allow.
    pub(super) fn dot(&mut self, x: Val) -> Val {
        let y = self.pick();
        let (left, right) = (self.b.shape(x).clone(), self.b.shape(y).clone());
        let pairs = (0..left.rank()).flat_map(|l| (0..right.rank()).map(move |r| (l, r)));
        let pairs: Vec<(usize, usize)> = pairs.filter(|&(l, r)| left[l] == right[r]).collect();
        let Some(&(l, r)) = pairs.get(self.below(pairs.len().max(1))) else { return x };
        let mut op = DotGeneral { lhs_contract: vec![l], rhs_contract: vec![r], ..DotGeneral::default() };
        let other = pairs.iter().find(|&&(l2, r2)| l2 != l && r2 != r);
        if let (Some(&(l2, r2)), true) = (other, self.below(2) == 0) {
            (op.lhs_batch, op.rhs_batch) = (vec![l2], vec![r2]);
        }
        let product = self.attempt(op, &[x, y], x);
        self.tame(product)
    }

    /// Sums or maxima of windows.
    pub(super) fn pool(&mut self, x: Val) -> Val {
        let rank = self.b.shape(x).rank();
        let sums = self.below(2) == 0 || self.numbers == Numbers::Smooth;
        let windows: Vec<ops::Window> = (0..rank).map(|_| self.window(sums)).collect();
        if sums {
            let sums = self.attempt(ops::WindowSum { windows }, &[x], x);
            return self.tame(sums);
        }
        let positions = self.attempt(ops::WindowArgmax { windows: windows.clone() }, &[x], x);
        if positions == x {
            return x;
        }
        let maxima = self.attempt(ops::WindowGather { windows: windows.clone() }, &[x, positions], x);
        let shape = self.b.shape(x).clone();
        let sums = self.attempt(ops::WindowScatter { windows, shape }, &[maxima, positions], x);
        self.tame(sums)
    }

    fn window(&mut self, dilated: bool) -> ops::Window {
        let most = if dilated { 3 } else { 1 };
        ops::Window {
            size: self.below(4),
            stride: 1 + self.below(2),
            low: self.below(2) as i64,
            high: self.below(2) as i64,
            base_dilation: 1 + self.below(most),
            dilation: 1 + self.below(most),
        }
    }

    /// A convolution of `x` with a kernel cut from another value, with attributes that often do not fit.
    pub(super) fn convolve(&mut self, x: Val) -> Val {
        let rank = self.b.shape(x).rank();
        let Some(spatial) = rank.checked_sub(2) else { return self.unary(x) };
        let groups = 1 + self.below(2);
        let kernel = self.kernel(x, spatial, groups);
        let (low, high) = (self.paddings(spatial), self.paddings(spatial));
        let op = ops::Convolution {
            lhs: ops::ImageAxes { batch: 0, feature: rank - 1, spatial: (1..=spatial).collect() },
            rhs: ops::KernelAxes { output: 0, input: 1, spatial: (2..2 + spatial).collect() },
            out: ops::ImageAxes { batch: 0, feature: rank - 1, spatial: (1..=spatial).collect() },
            strides: self.mostly_one(spatial),
            low,
            high,
            lhs_dilation: self.mostly_one(spatial),
            rhs_dilation: self.mostly_one(spatial),
            reversal: self.each(spatial, 2).into_iter().map(|mirrored| mirrored == 1).collect(),
            feature_groups: groups,
            batch_groups: 1,
        };
        let sums = self.attempt(op, &[x, kernel], x);
        self.tame(sums)
    }

    /// A kernel for `x`, its numbers repeated from another value.
    fn kernel(&mut self, x: Val, spatial: usize, groups: usize) -> Val {
        let (y, outputs) = (self.pick(), groups * (1 + self.below(4)));
        let features = self.shape_of(x).last().copied().unwrap_or(1);
        let mut shape = vec![outputs, features / groups];
        shape.extend(self.each(spatial, 3).into_iter().map(|size| size + 1));
        let most = self.largest(y, &(0..self.b.shape(y).rank()).collect::<Vec<_>>());
        if shape.iter().product::<usize>() > MOST_ELEMENTS {
            return y;
        }
        let index = self.b.iota(self.dtype, &shape.clone().into(), 0);
        let index = self.tame(index);
        let most = self.b.broadcast(most, &shape.into(), &[]);
        let kernel = self.b.subtract(index, most);
        self.tame(kernel)
    }

    fn paddings(&mut self, spatial: usize) -> Vec<i64> {
        self.each(spatial, 4).into_iter().map(|pad| pad as i64 - 1).collect()
    }

    fn mostly_one(&mut self, count: usize) -> Vec<usize> {
        self.each(count, 4).into_iter().map(|step| step.max(1)).collect()
    }
}
