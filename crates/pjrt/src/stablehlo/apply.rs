//! Each primitive as operations of StableHLO.

use graph::{Prim, Ty};

use super::{
    Precision,
    program::{Program, Term, Type},
};

/// Whether it is over windows without positions.
fn is_over_nothing(op: &Prim) -> bool {
    let windows = match op {
        Prim::WindowSum(op) => &op.windows,
        Prim::WindowGather(op) => &op.windows,
        Prim::WindowScatter(op) => &op.windows,
        _ => return false,
    };
    windows.iter().any(|window| window.size == 0)
}

/// Whether the result is zero where an operand has no elements.
const fn is_sum(op: &Prim) -> bool {
    matches!(
        op,
        Prim::ReduceSum(_)
            | Prim::DotGeneral(_)
            | Prim::Convolution(_)
            | Prim::WindowSum(_)
            | Prim::Gather(_)
            | Prim::WindowGather(_)
            | Prim::ScatterAdd(_)
            | Prim::WindowScatter(_)
            | Prim::Pad(_)
    )
}

impl Program {
    /// Adds the application of a primitive whose result has type `ty`.
    ///
    /// What has no elements, or is a sum of nothing, is a constant: StableHLO forbids some of these, and plugins differ.
    pub(super) fn apply(&mut self, op: &Prim, operands: &[&Term], ty: &Ty, precision: Precision) -> Term {
        let ty = Type::from(ty);
        let from_nothing = operands.iter().any(|operand| operand.ty.elements() == 0);
        if ty.elements() == 0 || (from_nothing && is_sum(op)) || is_over_nothing(op) {
            return self.number(0, &ty);
        }
        self.apply_to_elements(op, operands, ty, precision)
    }

    fn apply_to_elements(&mut self, op: &Prim, x: &[&Term], ty: Type, precision: Precision) -> Term {
        match op {
            Prim::Abs(_)
            | Prim::Add(_)
            | Prim::And(_)
            | Prim::Convert(_)
            | Prim::Divide(_)
            | Prim::Log(_)
            | Prim::Logistic(_)
            | Prim::Maximum(_)
            | Prim::Minimum(_)
            | Prim::Multiply(_)
            | Prim::Negate(_)
            | Prim::Not(_)
            | Prim::Or(_)
            | Prim::Power(_)
            | Prim::Reshape(_)
            | Prim::Rsqrt(_)
            | Prim::Select(_)
            | Prim::Sign(_)
            | Prim::Sqrt(_)
            | Prim::Subtract(_)
            | Prim::Tanh(_)
            | Prim::Xor(_) => self.op(op.name(), x, "", ty),
            Prim::Cos(_) => self.op("cosine", x, "", ty),
            Prim::Exp(_) => self.op("exponential", x, "", ty),
            Prim::Log1p(_) => self.op("log_plus_one", x, "", ty),
            Prim::Sin(_) => self.op("sine", x, "", ty),
            Prim::Erf(_) => self.erf(x[0]),
            Prim::StopGradient(_) => x[0].clone(),
            Prim::Compare(op) => self.compare(op.direction, x[0], x[1]),
            Prim::Constant(op) => self.constant(&op.value),
            Prim::Iota(op) => self.iota(op.dtype.into(), &op.shape, op.axis),
            Prim::BroadcastInDim(op) => self.broadcast(x[0], &op.axes, &op.shape),
            Prim::Transpose(op) => self.transpose(op, x[0], ty),
            Prim::Reverse(op) => self.reverse(op, x[0], ty),
            Prim::Slice(op) => self.slice(op, x[0], ty),
            Prim::Pad(op) => self.pad(op, x[0]),
            Prim::Concatenate(op) => self.concatenate(x, op.axis),
            Prim::ReduceSum(op) => self.reduce_sum(x[0], &op.axes),
            Prim::ReduceMax(op) => self.reduce_max(x[0], &op.axes),
            Prim::DotGeneral(op) => self.dot_general(op, [x[0], x[1]], precision, ty),
            Prim::Convolution(op) => self.convolution(op, [x[0], x[1]], precision, ty),
            Prim::Gather(op) => self.gather(op, x[0], x[1], ty),
            Prim::ScatterAdd(op) => self.scatter_add(op, x[0], x[1], &ty),
            Prim::WindowSum(op) => self.window_sum(op, x[0], ty),
            Prim::WindowArgmax(op) => self.window_argmax(op, x[0], &ty),
            Prim::WindowGather(op) => self.window_gather(op, x[0], x[1], ty),
            Prim::WindowScatter(op) => self.window_scatter(op, x[0], x[1], &ty),
            Prim::Cholesky(_) => self.cholesky(x[0]),
            Prim::TriangularSolve(op) => self.triangular_solve(op, x[0], x[1]),
            Prim::RandomBits(_) => self.random_bits(x[0], x[1], &ty),
        }
    }
}
