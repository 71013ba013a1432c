//! Elementwise operations.

use graph::{
    Val,
    ops::{self, Direction},
};

use super::{Numbers, Random};

impl Random<'_> {
    pub(super) fn unary(&mut self, x: Val) -> Val {
        match (self.numbers, self.below(11)) {
            (Numbers::Integers, 0..=3) => self.b.apply(ops::Abs, &[x]),
            (Numbers::Integers, 4 | 5) => self.b.apply(ops::Sign, &[x]),
            (Numbers::Integers, _) => self.b.negate(x),
            (_, 0) => self.b.tanh(x),
            (_, 1) => self.b.erf(x),
            (_, 2) => self.b.apply(ops::Logistic, &[x]),
            (_, 3) => self.b.negate(x),
            (_, 4) => self.b.apply(ops::Sin, &[x]),
            (_, 5) => self.b.apply(ops::Cos, &[x]),
            (Numbers::Smooth, _) => {
                let y = self.b.exp(x);
                self.b.apply(ops::Log1p, &[y])
            }
            (Numbers::Wild, 6) => self.b.exp(x),
            (Numbers::Wild, 7) => self.b.apply(ops::Log, &[x]),
            (Numbers::Wild, 8) => self.b.apply(ops::Sqrt, &[x]),
            (Numbers::Wild, 9) => self.b.apply(ops::Rsqrt, &[x]),
            (Numbers::Wild, _) => self.b.apply(ops::Abs, &[x]),
        }
    }

    /// Another value brought to the shape of `x`: one that has it, a broadcast of a part, or a constant.
    pub(super) fn partner(&mut self, x: Val) -> Val {
        let ty = self.b.ty(x).clone();
        let same: Vec<Val> = self.pool.iter().copied().filter(|&y| *self.b.ty(y) == ty).collect();
        match self.below(4) {
            0 | 1 if !same.is_empty() => same[self.below(same.len())],
            2 if ty.shape.rank() > 0 => {
                let dropped = self.below(ty.shape.rank());
                let part = self.largest(x, &[dropped]);
                self.b.broadcast_back(part, &ty.shape, &[dropped])
            }
            0..=2 => x,
            _ => self.b.splat(&ty, 1.0),
        }
    }

    pub(super) fn binary(&mut self, x: Val) -> Val {
        let y = self.partner(x);
        let z = match self.below(6) {
            0 => self.b.add(x, y),
            1 => self.b.subtract(x, y),
            2 => self.b.multiply(x, y),
            3 if self.numbers != Numbers::Smooth => self.b.maximum(x, y),
            4 if self.numbers != Numbers::Smooth => self.b.minimum(x, y),
            5 if self.numbers == Numbers::Wild => self.b.apply(ops::Divide, &[x, y]),
            _ => self.b.add(x, y),
        };
        self.tame(z)
    }

    pub(super) fn choose(&mut self, x: Val) -> Val {
        if self.numbers == Numbers::Smooth {
            return self.unary(x);
        }
        let (y, z) = (self.partner(x), self.partner(x));
        let condition = self.condition(x, y);
        if self.below(3) == 0 {
            return self.b.apply(ops::Convert { dtype: self.dtype }, &[condition]);
        }
        self.b.select(condition, z, x)
    }

    fn condition(&mut self, x: Val, y: Val) -> Val {
        const DIRECTIONS: [Direction; 3] = [Direction::Gt, Direction::Eq, Direction::Le];
        let first = DIRECTIONS[self.below(3)];
        let first = self.b.compare(first, x, y);
        let second = self.b.compare(Direction::Lt, y, x);
        match self.below(6) {
            0 => self.b.apply(ops::And, &[first, second]),
            1 => self.b.apply(ops::Or, &[first, second]),
            2 => self.b.apply(ops::Xor, &[first, second]),
            3 => self.b.apply(ops::Not, &[first]),
            _ => first,
        }
    }
}
