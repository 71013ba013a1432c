//! Tensors that are made of nothing.

use std::sync::Arc;

use graph::ops;
use tensor::{DType, Shape, Tensor};

use super::node::{Node, Outputs, Value, size};
use crate::error::{Fault, invalid, unsupported};

/// A tensor that the node carries in one of several forms.
pub(super) fn constant(node: &mut Node<'_>) -> Outputs {
    let integer = |number: i64| match i32::try_from(number) {
        Ok(number) => Ok(number),
        Err(_) if number.unsigned_abs() >= 1 << 62 => Ok(if number < 0 { i32::MIN } else { i32::MAX }),
        Err(_) => invalid("an integer that fits 32 bits", number),
    };
    let tensor = if let Some(tensor) = node.tensor("value")? {
        tensor
    } else if node.has("value_int") {
        Tensor::scalar(integer(node.int("value_int", 0)?)?)
    } else if node.has("value_float") {
        Tensor::scalar(node.float("value_float", 0.0)? as f32)
    } else if let Some(numbers) = node.ints("value_ints")? {
        let numbers = numbers.into_iter().map(integer).collect::<Result<Vec<_>, _>>()?;
        Tensor::from_fn([numbers.len()], |i| numbers[i])
    } else if let Some(numbers) = node.floats("value_floats")? {
        Tensor::from_fn([numbers.len()], |i| numbers[i])
    } else {
        return unsupported("a constant of texts or of a sparse tensor");
    };
    Ok(vec![Value::Known(Arc::new(tensor))])
}

pub(super) fn constant_of_shape(node: &mut Node<'_>) -> Outputs {
    let Some(sizes) = node.known_ints(0)? else { return invalid("a shape", "none") };
    let shape: Shape = sizes.iter().map(|&number| size(number)).collect::<Result<Vec<_>, _>>()?.into();
    let value = node.tensor("value")?.unwrap_or_else(|| Tensor::scalar(0f32));
    if value.elements() != 1 {
        return invalid("one number as attribute 'value'", value.shape());
    }
    let value = match value.reshape(Shape::scalar()) {
        Ok(value) => node.constant(&Arc::new(value))?,
        Err(error) => unreachable!("one element: {error}"),
    };
    Ok(vec![Value::Plain(node.stretch(value, &shape)?)])
}

/// `start`, `start + delta`, … to before `limit`.
pub(super) fn range(node: &mut Node<'_>) -> Outputs {
    let number = |position| match node.known_number(position)? {
        Some(number) => Ok(number),
        None => invalid("a start, a limit and a step", "fewer"),
    };
    let (start, limit, delta): (f64, f64, f64) = (number(0)?, number(1)?, number(2)?);
    let dtype = match node.dtype_of(&node.required(0)?) {
        DType::I32 => DType::I32,
        dtype if dtype.is_float() => node.setting.float,
        dtype => return invalid("numbers", dtype),
    };
    let count = ((limit - start) / delta).ceil().max(0.0);
    if !count.is_finite() {
        return invalid("a range that ends", format!("{start} to {limit} in steps of {delta}"));
    }
    node.check_listed(count as usize)?;
    let tensor = Tensor::from_fn([count as usize], |i| start + i as f64 * delta).convert(dtype);
    Ok(vec![Value::Known(Arc::new(tensor))])
}

/// Ones on a diagonal, zeros elsewhere.
pub(super) fn eye_like(node: &mut Node<'_>) -> Outputs {
    let like = node.required(0)?;
    let shape = node.shape_of(&like);
    if shape.rank() != 2 {
        return invalid("a matrix", shape);
    }
    let offset = node.int("k", 0)?;
    let dtype = match node.int("dtype", 0)? {
        0 => node.dtype_of(&like),
        1 | 10 | 11 | 16 => node.setting.float,
        6 | 7 => DType::I32,
        9 => DType::Bool,
        code => return unsupported(format!("a matrix of element type {code}")),
    };
    let [row, column] =
        [0, 1].map(|axis| node.apply(ops::Iota { dtype: DType::I32, shape: shape.clone(), axis }, &[]));
    let distance = node.apply(ops::Subtract, &[column?, row?])?;
    let offset = node.b.splat_like(distance, offset as f64);
    let is_on = node.apply(ops::Compare { direction: ops::Direction::Eq }, &[distance, offset])?;
    Ok(vec![Value::Plain(node.convert(is_on, dtype)?)])
}

/// A row of `depth` numbers for each index: the second of two values at the index, the first elsewhere.
pub(super) fn one_hot(node: &mut Node<'_>) -> Outputs {
    let indices = node.x(0)?;
    let Some(depth) = node.known_number(1)? else { return invalid("a depth", "none") };
    let shape = node.b.shape(indices).clone();
    let rank = shape.rank() + 1;
    let axis = node.axis(node.int("axis", -1)?, rank)?;
    let full: Shape = [&shape[..axis], &[size(depth as i64)?], &shape[axis..]].concat().into();
    let axes: Vec<usize> = (0..rank).filter(|&place| place != axis).collect();
    let indices = node.convert(indices, DType::I32)?;
    let repeated = node.apply(ops::BroadcastInDim { shape: full.clone(), axes }, &[indices])?;
    let depth = node.b.splat_like(repeated, depth);
    let zero = node.b.splat_like(repeated, 0.0);
    let negative = node.apply(ops::Compare { direction: ops::Direction::Lt }, &[repeated, zero])?;
    let from_end = node.apply(ops::Add, &[repeated, depth])?;
    let wanted = node.apply(ops::Select, &[negative, from_end, repeated])?;
    let place = node.apply(ops::Iota { dtype: DType::I32, shape: full.clone(), axis }, &[])?;
    let is_on = node.apply(ops::Compare { direction: ops::Direction::Eq }, &[wanted, place])?;
    let values = node.x(2)?;
    let [off, on] = [0, 1].map(|index| part(node, values, index, &full));
    let y = node.apply(ops::Select, &[is_on, on?, off?])?;
    Ok(vec![Value::Plain(y)])
}

/// One of several numbers, repeated to a shape.
fn part(node: &mut Node<'_>, values: graph::Val, index: usize, shape: &Shape) -> Result<graph::Val, Fault> {
    if node.b.shape(values).rank() != 1 {
        return invalid("two values", node.b.ty(values));
    }
    let number = node.range(values, 0, index..index + 1)?;
    node.stretch(number, shape)
}
