//! What the factorisation and the solution of systems share: matrices on the last two axes of a tensor.

use std::ops::{Div, Mul, Sub};

use tensor::{DType, Element};

use super::{Direction, DotGeneral, elementwise::check_count};
use crate::{Axis, AxisMap, Builder, Ty, TypeError, Val};

/// Real numbers for the reference evaluations.
pub(super) trait Real:
    Element + PartialOrd + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self>
{
    const NAN: Self;
    fn sqrt(self) -> Self;
}

impl Real for f32 {
    const NAN: Self = Self::NAN;
    fn sqrt(self) -> Self {
        self.sqrt()
    }
}

impl Real for f64 {
    const NAN: Self = Self::NAN;
    fn sqrt(self) -> Self {
        self.sqrt()
    }
}

/// C1: `count` operands; C2: all of one floating-point type; C3: the first holds square matrices.
pub(super) fn check_matrices(op: &'static str, count: usize, operands: &[&Ty]) -> Result<(), TypeError> {
    check_count(op, "C1", count, operands)?;
    let dtype = operands[0].dtype;
    if !dtype.is_float() || operands.iter().any(|operand| operand.dtype != dtype) {
        let found: Vec<DType> = operands.iter().map(|operand| operand.dtype).collect();
        return Err(TypeError::new(
            op,
            "C2",
            format!("expected floats of one type, found {found:?}"),
            operands,
        ));
    }
    let shape = &operands[0].shape;
    match &shape[..] {
        [.., rows, columns] if rows == columns => Ok(()),
        _ => Err(TypeError::new(op, "C3", format!("expected square matrices, found {shape}"), operands)),
    }
}

/// The axes before the last two move with those of the result; the axes of the matrices are fixed.
pub(super) fn stacked_axes(operands: &[&Ty], result: &Ty) -> AxisMap {
    let mut map = AxisMap::default();
    let stack = result.shape.rank() - 2;
    for (k, operand) in operands.iter().enumerate() {
        for axis in 0..stack {
            map.tie(Axis::operand(k, axis), Axis::result(axis), result.shape[axis]);
        }
        for axis in stack..stack + 2 {
            map.fix(Axis::operand(k, axis), operand.shape[axis]);
        }
    }
    map
}

/// Where row and column of the matrices of a tensor like `x` compare so.
pub(super) fn where_row(b: &mut Builder, direction: Direction, x: Val) -> Val {
    let shape = b.shape(x).clone();
    let rank = shape.rank();
    let (row, column) = (b.iota(DType::I32, &shape, rank - 2), b.iota(DType::I32, &shape, rank - 1));
    b.compare(direction, row, column)
}

/// The products of two stacks of matrices, summed over axis `x_axis` of the one and `y_axis` of the other, each 0 for
/// the rows or 1 for the columns.
pub(super) fn product(b: &mut Builder, x: Val, y: Val, [x_axis, y_axis]: [usize; 2]) -> Val {
    let stack: Vec<usize> = (0..b.shape(x).rank() - 2).collect();
    let op = DotGeneral {
        lhs_contract: vec![stack.len() + x_axis],
        rhs_contract: vec![stack.len() + y_axis],
        lhs_batch: stack.clone(),
        rhs_batch: stack,
    };
    b.dot_general(op, x, y)
}
