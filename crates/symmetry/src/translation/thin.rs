//! A program that computes with values that are the same along some of their axes: along these it keeps one index.

use graph::{
    Builder, Prim, Val,
    ops::{BroadcastInDim, DotGeneral, Reshape, Slice},
};
use tensor::{DType, Shape};

use super::{form::Along, reshaped::reshaped};

/// Applications of primitives to such values. Each value has the rank of what it stands for, with size 1 where it is the same along an axis;
/// floats are `f64`. `None` stands for what cannot be applied so.
pub(super) struct Thin {
    pub(super) b: Builder,
}

impl Thin {
    pub(super) fn new() -> Self {
        Self { b: Builder::new("compensation") }
    }

    /// What a primitive makes of values that stand for ones of the shapes `full`.
    pub(super) fn applied(&mut self, op: &Prim, full: &[&Shape], operands: &[Val]) -> Option<Val> {
        match (op, operands) {
            (Prim::StopGradient(_), [x]) => Some(*x),
            (Prim::Convert(op), [x]) => (op.dtype.is_float() && self.b.ty(*x).dtype.is_float()).then_some(*x),
            (Prim::BroadcastInDim(op), [x]) => self.repeated(op, *x),
            (Prim::Reshape(op), [x]) => self.reshaped(op, full[0], *x),
            (Prim::Slice(op), [x]) => self.sliced(op, full[0], *x),
            (Prim::ReduceSum(op), [x]) => {
                let even = op.axes.iter().filter(|&&axis| self.b.shape(*x)[axis] == 1);
                let count: usize = even.map(|&axis| full[0][axis]).product();
                let sum = self.b.try_apply(op.clone(), &[*x]).ok()?;
                self.times(sum, count as f64)
            }
            (Prim::DotGeneral(op), [lhs, rhs]) => self.multiplied(op, full, [*lhs, *rhs]),
            (Prim::Transpose(_) | Prim::Negate(_), _) => self.b.try_apply(op.clone(), operands).ok(),
            (Prim::Add(_) | Prim::Subtract(_) | Prim::Multiply(_) | Prim::Divide(_), [one, other]) => {
                let [one, other] = self.aligned(*one, *other)?;
                self.b.try_apply(op.clone(), &[one, other]).ok()
            }
            _ => {
                let wide = operands.iter().zip(full).map(|(&x, full)| self.widened(x, full));
                let wide: Option<Vec<Val>> = wide.collect();
                self.b.try_apply(op.clone(), &wide?).ok()
            }
        }
    }

    /// A number, for a value of some rank.
    pub(super) fn number(&mut self, number: f64, rank: usize) -> Option<Val> {
        let scalar = self.b.scalar(DType::F64, number);
        self.shaped(scalar, &vec![1; rank].into())
    }

    /// A value times a number.
    pub(super) fn times(&mut self, x: Val, factor: f64) -> Option<Val> {
        if factor == 1.0 {
            return Some(x);
        }
        let factor = self.b.splat_like(x, factor);
        self.b.try_apply(graph::ops::Multiply, &[x, factor]).ok()
    }

    /// A value with another shape of as many elements.
    pub(super) fn shaped(&mut self, x: Val, shape: &Shape) -> Option<Val> {
        if self.b.shape(x) == shape {
            return Some(x);
        }
        self.b.try_apply(Reshape { shape: shape.clone() }, &[x]).ok()
    }

    /// A value with a whole shape: what it keeps one index of is repeated where that has several.
    pub(super) fn widened(&mut self, x: Val, shape: &Shape) -> Option<Val> {
        let own = self.b.shape(x).clone();
        if own == *shape {
            return Some(x);
        }
        let kept: Vec<usize> = (0..shape.rank()).filter(|&axis| own[axis] == shape[axis]).collect();
        let sizes: Vec<usize> = kept.iter().map(|&axis| shape[axis]).collect();
        let x = self.shaped(x, &sizes.into())?;
        self.b.try_apply(BroadcastInDim { shape: shape.clone(), axes: kept }, &[x]).ok()
    }

    /// The first index along an axis, of what is the same at all.
    pub(super) fn first_along(&mut self, x: Val, axis: usize) -> Option<Val> {
        let shape = self.b.shape(x).clone();
        if shape[axis] == 1 {
            return Some(x);
        }
        let mut limit = shape.to_vec();
        limit[axis] = 1;
        let (start, stride) = (vec![0; shape.rank()], vec![1; shape.rank()]);
        self.b.try_apply(Slice { start, limit, stride }, &[x]).ok()
    }

    /// Two values of one shape, that which either needs.
    fn aligned(&mut self, one: Val, other: Val) -> Option<[Val; 2]> {
        let sizes = self.b.shape(one).iter().zip(self.b.shape(other).iter());
        let shape: Shape = sizes.map(|(one, other)| *one.max(other)).collect::<Vec<_>>().into();
        Some([self.widened(one, &shape)?, self.widened(other, &shape)?])
    }

    fn repeated(&mut self, op: &BroadcastInDim, x: Val) -> Option<Val> {
        let mut shape = vec![1; op.shape.rank()];
        op.axes.iter().zip(self.b.shape(x).iter()).for_each(|(&axis, &size)| shape[axis] = size);
        self.b.try_apply(BroadcastInDim { shape: shape.into(), axes: op.axes.clone() }, &[x]).ok()
    }

    fn reshaped(&mut self, op: &Reshape, full: &Shape, x: Val) -> Option<Val> {
        let even = |size: &usize| if *size == 1 { Along::Every } else { Along::Index(0) };
        let along: Vec<Along> = self.b.shape(x).iter().map(even).collect();
        let (along, is_known) = reshaped(&along, full, &op.shape);
        if !is_known {
            let x = self.widened(x, full)?;
            return self.shaped(x, &op.shape);
        }
        let sizes = along.iter().zip(op.shape.iter());
        let sizes: Vec<usize> =
            sizes.map(|(along, &size)| if *along == Along::Every { 1 } else { size }).collect();
        self.shaped(x, &sizes.into())
    }

    fn sliced(&mut self, op: &Slice, full: &Shape, x: Val) -> Option<Val> {
        let mut own = op.clone();
        for axis in 0..full.rank() {
            if self.b.shape(x)[axis] != full[axis] {
                (own.start[axis], own.limit[axis], own.stride[axis]) = (0, 1, 1);
            }
        }
        self.b.try_apply(own, &[x]).ok()
    }

    fn multiplied(&mut self, op: &DotGeneral, full: &[&Shape], operands: [Val; 2]) -> Option<Val> {
        let mut shapes = operands.map(|operand| self.b.shape(operand).to_vec());
        for (&lhs, &rhs) in op.lhs_contract.iter().zip(&op.rhs_contract) {
            (shapes[0][lhs], shapes[1][rhs]) = (full[0][lhs], full[1][rhs]);
        }
        for (&lhs, &rhs) in op.lhs_batch.iter().zip(&op.rhs_batch) {
            let size = shapes[0][lhs].max(shapes[1][rhs]);
            (shapes[0][lhs], shapes[1][rhs]) = (size, size);
        }
        let [lhs, rhs] = shapes;
        let lhs = self.widened(operands[0], &lhs.into())?;
        let rhs = self.widened(operands[1], &rhs.into())?;
        self.b.try_apply(op.clone(), &[lhs, rhs]).ok()
    }
}
