//! Numbers from all elements along some axes.

use graph::{Val, ops};
use tensor::Shape;

use super::{
    node::{Node, Outputs, Value, resolve_axes},
    shape::axes,
};
use crate::error::{Fault, invalid};

impl Node<'_> {
    /// The mean along axes.
    pub(super) fn mean(&mut self, x: Val, axes: &[usize]) -> Result<Val, Fault> {
        let count: f64 = axes.iter().map(|&axis| self.b.shape(x)[axis] as f64).product();
        let sum = self.apply(ops::ReduceSum { axes: axes.to_vec() }, &[x])?;
        self.check_float(sum)?;
        let count = self.b.splat_like(sum, count);
        self.apply(ops::Divide, &[sum, count])
    }

    /// A reduced tensor stretched back along the axes that were reduced.
    pub(super) fn stretch_back(&mut self, x: Val, shape: &Shape, axes: &[usize]) -> Result<Val, Fault> {
        let kept = (0..shape.rank()).filter(|axis| !axes.contains(axis)).collect();
        self.apply(ops::BroadcastInDim { shape: shape.clone(), axes: kept }, &[x])
    }
}

/// A reduction whose axes became an input with opset `since`.
fn reduce(
    node: &mut Node<'_>,
    since: i64,
    f: impl FnOnce(&mut Node<'_>, Val, &[usize]) -> Result<Val, Fault>,
) -> Outputs {
    let x = node.x(0)?;
    let shape = node.b.shape(x).clone();
    let axes = match axes(node, since)?.filter(|axes| !axes.is_empty()) {
        Some(axes) => resolve_axes(&axes, shape.rank())?,
        None if node.flag("noop_with_empty_axes")? => return Ok(vec![node.required(0)?]),
        None => (0..shape.rank()).collect(),
    };
    let y = f(node, x, &axes)?;
    if node.int("keepdims", 1)? == 0 {
        return Ok(vec![Value::Plain(y)]);
    }
    let kept: Shape =
        (0..shape.rank()).map(|axis| if axes.contains(&axis) { 1 } else { shape[axis] }).collect();
    Ok(vec![Value::Plain(node.reshape(y, kept)?)])
}

fn sum_of(node: &mut Node<'_>, x: Val, axes: &[usize]) -> Result<Val, Fault> {
    node.apply(ops::ReduceSum { axes: axes.to_vec() }, &[x])
}

fn sum_of_squares(node: &mut Node<'_>, x: Val, axes: &[usize]) -> Result<Val, Fault> {
    let square = node.apply(ops::Multiply, &[x, x])?;
    sum_of(node, square, axes)
}

fn mean_of(node: &mut Node<'_>, x: Val, axes: &[usize]) -> Result<Val, Fault> {
    node.mean(x, axes)
}

fn largest(node: &mut Node<'_>, x: Val, axes: &[usize]) -> Result<Val, Fault> {
    node.apply(ops::ReduceMax { axes: axes.to_vec() }, &[x])
}

pub(super) fn sum(node: &mut Node<'_>) -> Outputs {
    reduce(node, 13, sum_of)
}

pub(super) fn mean(node: &mut Node<'_>) -> Outputs {
    reduce(node, 18, mean_of)
}

pub(super) fn max(node: &mut Node<'_>) -> Outputs {
    reduce(node, 18, largest)
}

pub(super) fn min(node: &mut Node<'_>) -> Outputs {
    reduce(node, 18, |node, x, axes| {
        let negative = node.apply(ops::Negate, &[x])?;
        let largest = largest(node, negative, axes)?;
        node.apply(ops::Negate, &[largest])
    })
}

pub(super) fn l1(node: &mut Node<'_>) -> Outputs {
    reduce(node, 18, |node, x, axes| {
        let magnitude = node.apply(ops::Abs, &[x])?;
        sum_of(node, magnitude, axes)
    })
}

pub(super) fn l2(node: &mut Node<'_>) -> Outputs {
    reduce(node, 18, |node, x, axes| {
        let squares = sum_of_squares(node, x, axes)?;
        node.apply(ops::Sqrt, &[squares])
    })
}

pub(super) fn sum_square(node: &mut Node<'_>) -> Outputs {
    reduce(node, 18, sum_of_squares)
}

pub(super) fn log_sum(node: &mut Node<'_>) -> Outputs {
    reduce(node, 18, |node, x, axes| {
        let sum = sum_of(node, x, axes)?;
        node.apply(ops::Log, &[sum])
    })
}

pub(super) fn log_sum_exp(node: &mut Node<'_>) -> Outputs {
    reduce(node, 18, |node, x, axes| {
        let shape = node.b.shape(x).clone();
        let shift = largest(node, x, axes)?;
        let shift = node.apply(ops::StopGradient, &[shift])?;
        let repeated = node.stretch_back(shift, &shape, axes)?;
        let shifted = node.apply(ops::Subtract, &[x, repeated])?;
        let exponentials = node.apply(ops::Exp, &[shifted])?;
        let sum = sum_of(node, exponentials, axes)?;
        let log = node.apply(ops::Log, &[sum])?;
        node.apply(ops::Add, &[log, shift])
    })
}

/// A product of one factor after the other; lists of more than 4096 are refused.
pub(super) fn prod(node: &mut Node<'_>) -> Outputs {
    reduce(node, 18, |node, x, axes| {
        let mut x = x;
        for &axis in axes.iter().rev() {
            let shape = node.b.shape(x).clone();
            node.check_listed(shape[axis].saturating_mul(4096))?;
            let rest = shape.without(&[axis]);
            let ones = node.b.ty(x).with_shape(rest.clone());
            let mut product = node.b.splat(&ones, 1.0);
            for index in 0..shape[axis] {
                let part = node.range(x, axis, index..index + 1)?;
                let part = node.reshape(part, rest.clone())?;
                product = node.apply(ops::Multiply, &[product, part])?;
            }
            x = product;
        }
        Ok(x)
    })
}

/// The sum of all elements up to each along an axis.
pub(super) fn cumulative_sum(node: &mut Node<'_>) -> Outputs {
    let (exclusive, reverse) = (node.flag("exclusive")?, node.flag("reverse")?);
    let x = node.x(0)?;
    let shape = node.b.shape(x).clone();
    let Some(axis) = node.known_number(1)? else { return invalid("an axis", "none") };
    let axis = node.axis(axis as i64, shape.rank())?;
    let size = shape[axis];
    let (before, after) = (size as i64 - i64::from(!exclusive), -i64::from(exclusive));
    let (low, high) = if reverse { (after, before) } else { (before, after) };
    let mut windows = vec![ops::Window::POINT; shape.rank()];
    windows[axis] = ops::Window { size, low, high, ..ops::Window::POINT };
    Ok(vec![Value::Plain(node.apply(ops::WindowSum { windows }, &[x])?)])
}
