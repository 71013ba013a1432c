//! Random composite graphs.

mod parts;

use graph::{
    Builder, Graph, Ty, Val,
    ops::{self, Direction, DotGeneral},
};
use tensor::{DType, Key, Shape, Tensor};

/// What the numbers of a random graph are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Numbers {
    /// Small integers, on which sums and products are exact in any order.
    Integers,
    /// Anything between -1 and 1, kept there by smooth functions; no comparisons, which would tear results apart.
    Smooth,
    /// Anything, with comparisons, division by zero and NaN.
    Wild,
}

/// A random graph of about `size` applications with arguments for it.
pub(super) fn random_graph(key: Key, dtype: DType, numbers: Numbers, size: usize) -> (Graph, Vec<Tensor>) {
    let mut random = Random { b: Builder::new("random"), key, drawn: 0, dtype, numbers, pool: Vec::new() };
    let arguments: Vec<Tensor> = (0..3).map(|position| random.input(position)).collect();
    while random.b.graph().len() < size {
        let val = random.apply();
        random.pool.push(val);
    }
    for position in 0..3 {
        let val = random.pick();
        random.b.output(format!("random{position}"), val);
    }
    let last = random.pool[random.pool.len() - 1];
    random.b.output("last", last);
    (random.b.finish(), arguments)
}

struct Random {
    b: Builder,
    key: Key,
    drawn: u64,
    dtype: DType,
    numbers: Numbers,
    pool: Vec<Val>,
}

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.drawn += 1;
        self.key.below(self.drawn, bound as u64) as usize
    }

    fn pick(&mut self) -> Val {
        let position = self.below(self.pool.len());
        self.pool[position]
    }

    fn size(&mut self) -> usize {
        const SIZES: [usize; 10] = [1, 2, 3, 3, 5, 8, 17, 40, 64, 1100];
        SIZES[self.below(SIZES.len())]
    }

    /// A shape of at most three axes and a few thousand elements.
    fn shape(&mut self) -> Shape {
        loop {
            let rank = self.below(4);
            let shape: Shape = (0..rank).map(|_| self.size()).collect();
            if shape.elements() <= 4500 {
                return shape;
            }
        }
    }

    fn input(&mut self, position: usize) -> Tensor {
        let shape = self.shape();
        let key = self.key.child("input").fold(position as u64);
        let integers = self.numbers == Numbers::Integers;
        let element = |i: usize| {
            let u = 2.0 * key.uniform(i as u64) - 1.0;
            if integers { (u * 4.0).round() } else { u }
        };
        let tensor = Tensor::from_fn(shape, element).convert(self.dtype);
        let val = self.b.data(position.to_string(), Ty::of(&tensor));
        self.pool.push(val);
        tensor
    }

    fn apply(&mut self) -> Val {
        let x = self.pick();
        match self.below(14) {
            0..=2 => self.unary(x),
            3..=5 => self.binary(x),
            6 => self.choose(x),
            7 => self.broadcast(x),
            8 => self.reduce(x),
            9 => self.transpose(x),
            10 => self.reshape(x),
            11 | 12 => self.part(x),
            _ => self.dot(x),
        }
    }

    /// Brings numbers back into range after an operation that grows them.
    fn tame(&mut self, x: Val) -> Val {
        match self.numbers {
            Numbers::Integers => {
                let (low, high) = (self.b.splat_like(x, -4.0), self.b.splat_like(x, 4.0));
                let x = self.b.maximum(x, low);
                self.b.minimum(x, high)
            }
            Numbers::Smooth => self.b.tanh(x),
            Numbers::Wild => x,
        }
    }

    fn unary(&mut self, x: Val) -> Val {
        match (self.numbers, self.below(11)) {
            (Numbers::Integers, 0..=3) => self.b.apply(ops::Abs, &[x]),
            (Numbers::Integers, 4 | 5) => self.b.apply(ops::Sign, &[x]),
            (Numbers::Integers, _) => self.b.negate(x),
            (_, 0) => self.b.tanh(x),
            (_, 1) => self.b.erf(x),
            (_, 2) => self.b.apply(ops::Logistic, &[x]),
            (_, 3) => self.b.negate(x),
            (_, 9) => self.b.sin(x),
            (_, 10) => self.b.cos(x),
            (Numbers::Smooth, _) => {
                let y = self.b.exp(x);
                self.b.apply(ops::Log1p, &[y])
            }
            (Numbers::Wild, 4) => self.b.exp(x),
            (Numbers::Wild, 5) => self.b.apply(ops::Log, &[x]),
            (Numbers::Wild, 6) => self.b.apply(ops::Sqrt, &[x]),
            (Numbers::Wild, 7) => self.b.apply(ops::Rsqrt, &[x]),
            (Numbers::Wild, _) => self.b.apply(ops::Abs, &[x]),
        }
    }

    /// Another value brought to the shape of `x`: one that has it, a broadcast of a part, or a constant.
    fn partner(&mut self, x: Val) -> Val {
        let ty = self.b.ty(x).clone();
        let same: Vec<Val> = self.pool.iter().copied().filter(|&y| *self.b.ty(y) == ty).collect();
        match self.below(4) {
            0 | 1 if !same.is_empty() => same[self.below(same.len())],
            2 if ty.shape.rank() > 0 => {
                let dropped = self.below(ty.shape.rank());
                let part = self.b.apply(ops::ReduceMax { axes: vec![dropped] }, &[x]);
                self.b.broadcast_back(part, &ty.shape, &[dropped])
            }
            0..=2 => x,
            _ => self.b.splat(&ty, 1.0),
        }
    }

    fn binary(&mut self, x: Val) -> Val {
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

    fn choose(&mut self, x: Val) -> Val {
        if self.numbers == Numbers::Smooth {
            return self.unary(x);
        }
        let (y, z) = (self.partner(x), self.partner(x));
        const DIRECTIONS: [Direction; 3] = [Direction::Gt, Direction::Eq, Direction::Le];
        let direction = DIRECTIONS[self.below(3)];
        let condition = self.b.compare(direction, x, y);
        if self.below(3) == 0 {
            return self.b.apply(ops::Convert { dtype: self.dtype }, &[condition]);
        }
        self.b.select(condition, z, x)
    }

    fn broadcast(&mut self, x: Val) -> Val {
        let mut shape = self.b.shape(x).to_vec();
        if shape.len() >= 3 {
            return x;
        }
        let axis = self.below(shape.len() + 1);
        shape.insert(axis, 1 + self.below(4));
        let axes: Vec<usize> = (0..shape.len()).filter(|&kept| kept != axis).collect();
        self.b.broadcast(x, &shape.into(), &axes)
    }

    fn reduce(&mut self, x: Val) -> Val {
        let rank = self.b.shape(x).rank();
        let axes: Vec<usize> = (0..rank).filter(|_| self.below(2) == 0).collect();
        if self.below(2) == 0 {
            return self.b.apply(ops::ReduceMax { axes }, &[x]);
        }
        let sum = self.b.reduce_sum(x, &axes);
        self.tame(sum)
    }

    fn transpose(&mut self, x: Val) -> Val {
        let rank = self.b.shape(x).rank();
        let permutation = self.key.fold(self.drawn).permutation(rank);
        let y = self.b.transpose(x, &permutation);
        if self.below(3) == 0 { self.binary(y) } else { y }
    }

    fn reshape(&mut self, x: Val) -> Val {
        let shape = self.b.shape(x).clone();
        let (first, rest) = (shape.first().copied().unwrap_or(1), shape.elements());
        let new: Shape = match self.below(3) {
            0 => Shape::from([rest]),
            1 if first > 0 => Shape::from([first, 1, rest / first]),
            _ if rest % 2 == 0 => Shape::from([rest / 2, 2]),
            _ => Shape::from([1, rest]),
        };
        self.b.apply(ops::Reshape { shape: new }, &[x])
    }

    /// A contraction of `x` with a value that shares an axis size with it, over that axis, the first of each kept as
    /// a batch axis where the sizes allow.
    fn dot(&mut self, x: Val) -> Val {
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
        let free = left.elements() / left[l] * (right.elements() / right[r]);
        if free > 4500 * op.lhs_batch.first().map_or(1, |&axis| left[axis]) {
            return x;
        }
        let product = self.b.dot_general(op, x, y);
        self.tame(product)
    }
}
