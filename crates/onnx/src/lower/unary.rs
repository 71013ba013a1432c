//! Functions of single elements.

use graph::{Val, ops, ops::Direction};
use tensor::DType;

use super::node::{Node, Outputs};
use crate::error::{Fault, invalid, unsupported};

/// A function of floats, element by element, that leaves an image as it lies.
fn map(node: &mut Node<'_>, f: impl FnOnce(&mut Node<'_>, Val) -> Result<Val, Fault>) -> Outputs {
    let (x, last) = node.as_it_lies(0)?;
    node.check_float(x)?;
    let y = f(node, x)?;
    Ok(vec![Node::like(y, last)])
}

/// A function of numbers of any type.
fn map_any(node: &mut Node<'_>, op: impl Into<graph::Prim>) -> Outputs {
    let (x, last) = node.as_it_lies(0)?;
    let y = node.apply(op, &[x])?;
    Ok(vec![Node::like(y, last)])
}

impl Node<'_> {
    /// `x + number`.
    pub(super) fn shift(&mut self, x: Val, number: f64) -> Result<Val, Fault> {
        let number = self.b.splat_like(x, number);
        self.apply(ops::Add, &[x, number])
    }

    /// The larger of `x` and a number.
    pub(super) fn at_least(&mut self, x: Val, number: f64) -> Result<Val, Fault> {
        let number = self.b.splat_like(x, number);
        self.apply(ops::Maximum, &[x, number])
    }

    /// The smaller of `x` and a number.
    pub(super) fn at_most(&mut self, x: Val, number: f64) -> Result<Val, Fault> {
        let number = self.b.splat_like(x, number);
        self.apply(ops::Minimum, &[x, number])
    }

    /// `yes` where `x` is above a number, `no` elsewhere.
    fn where_above(&mut self, x: Val, number: f64, yes: Val, no: Val) -> Result<Val, Fault> {
        let number = self.b.splat_like(x, number);
        let above = self.apply(ops::Compare { direction: Direction::Gt }, &[x, number])?;
        self.apply(ops::Select, &[above, yes, no])
    }

    /// `ln(1 + exp(x))`, which does not overflow.
    pub(super) fn softplus(&mut self, x: Val) -> Result<Val, Fault> {
        let magnitude = self.apply(ops::Abs, &[x])?;
        let negative = self.apply(ops::Negate, &[magnitude])?;
        let small = self.apply(ops::Exp, &[negative])?;
        let log = self.apply(ops::Log1p, &[small])?;
        let positive = self.at_least(x, 0.0)?;
        self.apply(ops::Add, &[positive, log])
    }

    /// `scale (x above 0, alpha (exp(x / slow) - 1) elsewhere)`.
    fn exponential_below_zero(&mut self, x: Val, alpha: f64, slow: f64) -> Result<Val, Fault> {
        // The exponential is taken of what is below zero alone, so that nothing overflows in the branch that is not taken.
        let below = self.at_most(x, 0.0)?;
        let scaled = self.scale(below, slow.recip())?;
        let exponential = self.apply(ops::Exp, &[scaled])?;
        let shifted = self.shift(exponential, -1.0)?;
        let low = self.scale(shifted, alpha)?;
        self.where_above(x, 0.0, x, low)
    }

    /// The largest whole number that is not above `x`. Whole numbers of floats beyond 32 bits stay as they are.
    pub(super) fn floor(&mut self, x: Val) -> Result<Val, Fault> {
        let whole = self.apply(ops::Convert { dtype: DType::I32 }, &[x])?;
        let dtype = self.b.ty(x).dtype;
        let truncated = self.apply(ops::Convert { dtype }, &[whole])?;
        let above = self.apply(ops::Compare { direction: Direction::Gt }, &[truncated, x])?;
        let less = self.shift(truncated, -1.0)?;
        let floor = self.apply(ops::Select, &[above, less, truncated])?;
        let magnitude = self.apply(ops::Abs, &[x])?;
        let limit = self.b.splat_like(x, f64::from(1 << 30));
        let small = self.apply(ops::Compare { direction: Direction::Lt }, &[magnitude, limit])?;
        self.apply(ops::Select, &[small, floor, x])
    }

    /// `x · gate`.
    fn gated(&mut self, x: Val, gate: Val) -> Result<Val, Fault> {
        self.apply(ops::Multiply, &[x, gate])
    }
}

pub(super) fn abs(node: &mut Node<'_>) -> Outputs {
    map_any(node, ops::Abs)
}

pub(super) fn neg(node: &mut Node<'_>) -> Outputs {
    map_any(node, ops::Negate)
}

pub(super) fn sign(node: &mut Node<'_>) -> Outputs {
    map_any(node, ops::Sign)
}

pub(super) fn not(node: &mut Node<'_>) -> Outputs {
    map_any(node, ops::Not)
}

pub(super) fn exp(node: &mut Node<'_>) -> Outputs {
    map_any(node, ops::Exp)
}

pub(super) fn log(node: &mut Node<'_>) -> Outputs {
    map_any(node, ops::Log)
}

pub(super) fn sqrt(node: &mut Node<'_>) -> Outputs {
    map_any(node, ops::Sqrt)
}

pub(super) fn sin(node: &mut Node<'_>) -> Outputs {
    map_any(node, ops::Sin)
}

pub(super) fn cos(node: &mut Node<'_>) -> Outputs {
    map_any(node, ops::Cos)
}

pub(super) fn tanh(node: &mut Node<'_>) -> Outputs {
    map_any(node, ops::Tanh)
}

pub(super) fn sigmoid(node: &mut Node<'_>) -> Outputs {
    map_any(node, ops::Logistic)
}

pub(super) fn erf(node: &mut Node<'_>) -> Outputs {
    map_any(node, ops::Erf)
}

pub(super) fn identity(node: &mut Node<'_>) -> Outputs {
    Ok(vec![node.required(0)?])
}

/// Nothing is dropped: a mask of ones is the second output.
pub(super) fn dropout(node: &mut Node<'_>) -> Outputs {
    let mut outputs = vec![node.required(0)?];
    if node.outputs() > 1 {
        let x = node.x(0)?;
        let ty = node.b.ty(x).with_dtype(DType::Bool);
        outputs.push(Node::like(node.b.splat(&ty, 1.0), false));
    }
    Ok(outputs)
}

pub(super) fn reciprocal(node: &mut Node<'_>) -> Outputs {
    map(node, |node, x| {
        let one = node.b.splat_like(x, 1.0);
        node.apply(ops::Divide, &[one, x])
    })
}

fn floor_of(node: &mut Node<'_>, x: Val) -> Result<Val, Fault> {
    node.floor(x)
}

pub(super) fn floor(node: &mut Node<'_>) -> Outputs {
    map(node, floor_of)
}

pub(super) fn ceil(node: &mut Node<'_>) -> Outputs {
    map(node, |node, x| {
        let negative = node.apply(ops::Negate, &[x])?;
        let floor = node.floor(negative)?;
        node.apply(ops::Negate, &[floor])
    })
}

pub(super) fn is_nan(node: &mut Node<'_>) -> Outputs {
    map(node, |node, x| node.apply(ops::Compare { direction: Direction::Ne }, &[x, x]))
}

pub(super) fn relu(node: &mut Node<'_>) -> Outputs {
    let (x, last) = node.as_it_lies(0)?;
    let y = node.at_least(x, 0.0)?;
    Ok(vec![Node::like(y, last)])
}

pub(super) fn leaky_relu(node: &mut Node<'_>) -> Outputs {
    let slope = node.float("alpha", 0.01)?;
    map(node, |node, x| {
        let scaled = node.scale(x, slope)?;
        node.where_above(x, 0.0, x, scaled)
    })
}

pub(super) fn thresholded_relu(node: &mut Node<'_>) -> Outputs {
    let threshold = node.float("alpha", 1.0)?;
    map(node, |node, x| {
        let zero = node.b.splat_like(x, 0.0);
        node.where_above(x, threshold, x, zero)
    })
}

pub(super) fn elu(node: &mut Node<'_>) -> Outputs {
    let alpha = node.float("alpha", 1.0)?;
    map(node, |node, x| node.exponential_below_zero(x, alpha, 1.0))
}

pub(super) fn celu(node: &mut Node<'_>) -> Outputs {
    let alpha = node.float("alpha", 1.0)?;
    map(node, |node, x| node.exponential_below_zero(x, alpha, alpha))
}

pub(super) fn selu(node: &mut Node<'_>) -> Outputs {
    let alpha = node.float("alpha", 1.673_263_192_176_818_8)?;
    let gamma = node.float("gamma", 1.050_701_022_148_132_3)?;
    map(node, |node, x| {
        let y = node.exponential_below_zero(x, alpha, 1.0)?;
        node.scale(y, gamma)
    })
}

pub(super) fn gelu(node: &mut Node<'_>) -> Outputs {
    let approximate = node.word("approximate", "none", &[("none", false), ("tanh", true)])?;
    map(node, |node, x| Ok(if approximate { node.b.gelu_tanh(x) } else { node.b.gelu(x) }))
}

fn softplus_of(node: &mut Node<'_>, x: Val) -> Result<Val, Fault> {
    node.softplus(x)
}

pub(super) fn softplus(node: &mut Node<'_>) -> Outputs {
    map(node, softplus_of)
}

pub(super) fn softsign(node: &mut Node<'_>) -> Outputs {
    map(node, |node, x| {
        let magnitude = node.apply(ops::Abs, &[x])?;
        let divisor = node.shift(magnitude, 1.0)?;
        node.apply(ops::Divide, &[x, divisor])
    })
}

pub(super) fn mish(node: &mut Node<'_>) -> Outputs {
    map(node, |node, x| {
        let softplus = node.softplus(x)?;
        let gate = node.apply(ops::Tanh, &[softplus])?;
        node.gated(x, gate)
    })
}

pub(super) fn swish(node: &mut Node<'_>) -> Outputs {
    let alpha = node.float("alpha", 1.0)?;
    map(node, |node, x| {
        let scaled = node.scale(x, alpha)?;
        let gate = node.apply(ops::Logistic, &[scaled])?;
        node.gated(x, gate)
    })
}

impl Node<'_> {
    /// `max(0, min(1, alpha x + beta))`.
    pub(super) fn hard_sigmoid(&mut self, x: Val, alpha: f64, beta: f64) -> Result<Val, Fault> {
        let scaled = self.scale(x, alpha)?;
        let shifted = self.shift(scaled, beta)?;
        let high = self.at_most(shifted, 1.0)?;
        self.at_least(high, 0.0)
    }
}

pub(super) fn hard_sigmoid(node: &mut Node<'_>) -> Outputs {
    let (alpha, beta) = (node.float("alpha", 0.2)?, node.float("beta", 0.5)?);
    map(node, |node, x| node.hard_sigmoid(x, alpha, beta))
}

pub(super) fn hard_swish(node: &mut Node<'_>) -> Outputs {
    map(node, |node, x| {
        let gate = node.hard_sigmoid(x, 1.0 / 6.0, 0.5)?;
        node.gated(x, gate)
    })
}

/// A slope for negative elements, which stretches to the operand.
pub(super) fn prelu(node: &mut Node<'_>) -> Outputs {
    let (operands, last) = node.alike(&[0, 1])?;
    let shape = node.b.shape(operands[0]).clone();
    let slope = node.stretch(operands[1], &shape)?;
    node.check_float(operands[0])?;
    let scaled = node.apply(ops::Multiply, &[operands[0], slope])?;
    let y = node.where_above(operands[0], 0.0, operands[0], scaled)?;
    Ok(vec![Node::like(y, last)])
}

/// Bounds are attributes before opset 11, and inputs that need not be known since.
pub(super) fn clip(node: &mut Node<'_>) -> Outputs {
    let (mut x, last) = node.as_it_lies(0)?;
    if node.setting.opset < 11 {
        let (low, high) = (node.float("min", f64::NEG_INFINITY)?, node.float("max", f64::INFINITY)?);
        x = if low > f64::NEG_INFINITY { node.at_least(x, low)? } else { x };
        x = if high < f64::INFINITY { node.at_most(x, high)? } else { x };
        return Ok(vec![Node::like(x, last)]);
    }
    let shape = node.b.shape(x).clone();
    if let Some(low) = node.optional(1)? {
        let low = node.stretch(low, &shape)?;
        x = node.apply(ops::Maximum, &[x, low])?;
    }
    if let Some(high) = node.optional(2)? {
        let high = node.stretch(high, &shape)?;
        x = node.apply(ops::Minimum, &[x, high])?;
    }
    Ok(vec![Node::like(x, last)])
}

/// The type that an element type of ONNX is computed in. Narrow integers would have to wrap around, so that only truth
/// values become them.
fn cast_to(node: &Node<'_>, code: i64, from: DType) -> Result<DType, Fault> {
    Ok(match code {
        1 | 10 | 11 | 16 => node.setting.float,
        6 | 7 => DType::I32,
        9 => DType::Bool,
        2..=5 | 12 | 13 if matches!(from, DType::Bool | DType::I32) => DType::I32,
        code => return unsupported(format!("a conversion to element type {code}")),
    })
}

fn convert(node: &mut Node<'_>, code: i64) -> Outputs {
    let (x, last) = node.as_it_lies(0)?;
    let dtype = cast_to(node, code, node.b.ty(x).dtype)?;
    let y = node.convert(x, dtype)?;
    Ok(vec![Node::like(y, last)])
}

pub(super) fn cast(node: &mut Node<'_>) -> Outputs {
    let code = node.int("to", 0)?;
    convert(node, code)
}

pub(super) fn cast_like(node: &mut Node<'_>) -> Outputs {
    let like = node.required(1)?;
    let (x, last) = node.as_it_lies(0)?;
    let dtype = match node.dtype_of(&like) {
        dtype if dtype.is_float() => node.setting.float,
        dtype => dtype,
    };
    let y = node.convert(x, dtype)?;
    Ok(vec![Node::like(y, last)])
}

/// What is kept of a matrix: the part on and above a diagonal, or on and below it.
pub(super) fn trilu(node: &mut Node<'_>) -> Outputs {
    let x = node.x(0)?;
    let upper = node.int("upper", 1)? != 0;
    let diagonal = node.known_number(1)?.unwrap_or(0.0);
    let shape = node.b.shape(x).clone();
    let rank = shape.rank();
    if rank < 2 {
        return invalid("matrices", node.b.ty(x));
    }
    let [row, column] = [rank - 2, rank - 1]
        .map(|axis| node.apply(ops::Iota { dtype: DType::I32, shape: shape.clone(), axis }, &[]));
    let distance = node.apply(ops::Subtract, &[column?, row?])?;
    let diagonal = node.b.splat_like(distance, diagonal);
    let direction = if upper { Direction::Ge } else { Direction::Le };
    let kept = node.apply(ops::Compare { direction }, &[distance, diagonal])?;
    let zero = node.b.splat_like(x, 0.0);
    Ok(vec![Node::like(node.apply(ops::Select, &[kept, x, zero])?, false)])
}
