//! Functions of several elements at the same place, whose shapes stretch to a common one.

use graph::{Prim, Val, ops, ops::Direction};
use tensor::DType;

use super::node::{Node, Outputs};
use crate::error::{Fault, invalid};

impl Node<'_> {
    /// Two operands laid out and stretched alike, and whether their channels are last.
    fn pair(&mut self) -> Result<([Val; 2], bool), Fault> {
        let (operands, last) = self.alike(&[0, 1])?;
        let operands = self.stretched(&operands)?;
        Ok(([operands[0], operands[1]], last))
    }
}

fn apply(node: &mut Node<'_>, op: impl Into<Prim>) -> Outputs {
    let (operands, last) = node.pair()?;
    Ok(vec![Node::like(node.apply(op, &operands)?, last)])
}

pub(super) fn add(node: &mut Node<'_>) -> Outputs {
    apply(node, ops::Add)
}

pub(super) fn sub(node: &mut Node<'_>) -> Outputs {
    apply(node, ops::Subtract)
}

pub(super) fn mul(node: &mut Node<'_>) -> Outputs {
    apply(node, ops::Multiply)
}

impl Node<'_> {
    /// `x / y`, of integers rounded towards 0.
    fn quotient(&mut self, x: Val, y: Val) -> Result<Val, Fault> {
        if self.b.ty(x).dtype != DType::I32 {
            return self.apply(ops::Divide, &[x, y]);
        }
        // Quotients of 32-bit integers are exact enough in f64 that rounding towards 0 gives the right one.
        let [x, y] = [x, y].map(|val| self.convert(val, DType::F64));
        let quotient = self.apply(ops::Divide, &[x?, y?])?;
        self.convert(quotient, DType::I32)
    }

    /// `x - y ⌊x / y⌋` for the sign of `y`, `x - y trunc(x / y)` for that of `x`.
    fn remainder(&mut self, x: Val, y: Val, sign_of_x: bool) -> Result<Val, Fault> {
        let dtype = self.b.ty(x).dtype;
        let [x, y] = [x, y].map(|val| if dtype.is_float() { Ok(val) } else { self.convert(val, DType::F64) });
        let (x, y) = (x?, y?);
        let quotient = self.apply(ops::Divide, &[x, y])?;
        let whole = if sign_of_x {
            let magnitude = self.apply(ops::Abs, &[quotient])?;
            let floor = self.floor(magnitude)?;
            let sign = self.apply(ops::Sign, &[quotient])?;
            self.apply(ops::Multiply, &[floor, sign])?
        } else {
            self.floor(quotient)?
        };
        let multiple = self.apply(ops::Multiply, &[whole, y])?;
        let remainder = self.apply(ops::Subtract, &[x, multiple])?;
        self.convert(remainder, dtype)
    }

    /// `x ^ y`, of integers rounded towards 0.
    fn raised(&mut self, x: Val, y: Val) -> Result<Val, Fault> {
        let dtype = self.b.ty(x).dtype;
        let float = if dtype.is_float() { dtype } else { DType::F64 };
        let [x, y] = [x, y].map(|val| self.convert(val, float));
        let power = self.apply(ops::Power, &[x?, y?])?;
        self.convert(power, dtype)
    }
}

pub(super) fn div(node: &mut Node<'_>) -> Outputs {
    let ([x, y], last) = node.pair()?;
    Ok(vec![Node::like(node.quotient(x, y)?, last)])
}

pub(super) fn modulo(node: &mut Node<'_>) -> Outputs {
    let sign_of_x = node.flag("fmod")?;
    let ([x, y], last) = node.pair()?;
    Ok(vec![Node::like(node.remainder(x, y, sign_of_x)?, last)])
}

pub(super) fn pow(node: &mut Node<'_>) -> Outputs {
    let known = match node.value(1) {
        Some(super::node::Value::Known(_)) => node.known_number(1).ok().flatten(),
        _ => None,
    };
    let (x, last) = node.as_it_lies(0)?;
    let is_float = node.b.ty(x).dtype.is_float();
    let rank = node.required(1).map(|value| node.shape_of(&value).rank())?;
    let simple = known.filter(|_| is_float && rank <= node.b.shape(x).rank());
    let y = match simple {
        Some(2.0) => Some(node.apply(ops::Multiply, &[x, x])?),
        Some(3.0) => {
            let square = node.apply(ops::Multiply, &[x, x])?;
            Some(node.apply(ops::Multiply, &[square, x])?)
        }
        Some(0.5) => Some(node.apply(ops::Sqrt, &[x])?),
        Some(-0.5) => Some(node.apply(ops::Rsqrt, &[x])?),
        Some(1.0) => Some(x),
        _ => None,
    };
    if let Some(y) = y {
        return Ok(vec![Node::like(y, last)]);
    }
    let ([x, y], last) = node.pair()?;
    Ok(vec![Node::like(node.raised(x, y)?, last)])
}

/// Bits of integers, and truth values.
pub(super) fn and(node: &mut Node<'_>) -> Outputs {
    apply(node, ops::And)
}

pub(super) fn or(node: &mut Node<'_>) -> Outputs {
    apply(node, ops::Or)
}

pub(super) fn xor(node: &mut Node<'_>) -> Outputs {
    apply(node, ops::Xor)
}

pub(super) fn equal(node: &mut Node<'_>) -> Outputs {
    apply(node, ops::Compare { direction: Direction::Eq })
}

pub(super) fn greater(node: &mut Node<'_>) -> Outputs {
    apply(node, ops::Compare { direction: Direction::Gt })
}

pub(super) fn greater_or_equal(node: &mut Node<'_>) -> Outputs {
    apply(node, ops::Compare { direction: Direction::Ge })
}

pub(super) fn less(node: &mut Node<'_>) -> Outputs {
    apply(node, ops::Compare { direction: Direction::Lt })
}

pub(super) fn less_or_equal(node: &mut Node<'_>) -> Outputs {
    apply(node, ops::Compare { direction: Direction::Le })
}

/// The operands combined one after the other.
fn fold(node: &mut Node<'_>, op: &Prim) -> Result<(Val, bool), Fault> {
    let count = node.inputs.len();
    let positions: Vec<usize> = (0..count).collect();
    let (operands, last) = node.alike(&positions)?;
    let operands = node.stretched(&operands)?;
    let Some((&first, rest)) = operands.split_first() else { return invalid("an input", "none") };
    let result = rest.iter().try_fold(first, |result, &next| node.apply(op.clone(), &[result, next]))?;
    Ok((result, last))
}

pub(super) fn sum(node: &mut Node<'_>) -> Outputs {
    let (y, last) = fold(node, &ops::Add.into())?;
    Ok(vec![Node::like(y, last)])
}

pub(super) fn mean(node: &mut Node<'_>) -> Outputs {
    let (y, last) = fold(node, &ops::Add.into())?;
    node.check_float(y)?;
    let y = node.scale(y, 1.0 / node.inputs.len() as f64)?;
    Ok(vec![Node::like(y, last)])
}

pub(super) fn max(node: &mut Node<'_>) -> Outputs {
    let (y, last) = fold(node, &ops::Maximum.into())?;
    Ok(vec![Node::like(y, last)])
}

pub(super) fn min(node: &mut Node<'_>) -> Outputs {
    let (y, last) = fold(node, &ops::Minimum.into())?;
    Ok(vec![Node::like(y, last)])
}

pub(super) fn select(node: &mut Node<'_>) -> Outputs {
    let (operands, last) = node.alike(&[0, 1, 2])?;
    let operands = node.stretched(&operands)?;
    Ok(vec![Node::like(node.apply(ops::Select, &operands)?, last)])
}
