//! Softmax and its logarithm.

use graph::{Val, ops};

use super::node::{Node, Outputs, Value};
use crate::error::{Fault, invalid};

/// A distribution or its logarithm.
#[derive(Clone, Copy)]
enum Which {
    Softmax,
    Logarithm,
}

impl Node<'_> {
    fn normalised(&mut self, x: Val, axis: usize, which: Which) -> Result<Val, Fault> {
        match which {
            Which::Softmax => self.softmax(x, axis),
            Which::Logarithm => self.log_softmax(x, axis),
        }
    }

    /// `x - max` and the sum of its exponentials along an axis.
    fn shifted(&mut self, x: Val, axis: usize) -> Result<(Val, Val, Val), Fault> {
        let shape = self.b.shape(x).clone();
        let largest = self.apply(ops::ReduceMax { axes: vec![axis] }, &[x])?;
        let largest = self.apply(ops::StopGradient, &[largest])?;
        let largest = self.stretch_back(largest, &shape, &[axis])?;
        let shifted = self.apply(ops::Subtract, &[x, largest])?;
        let exponentials = self.apply(ops::Exp, &[shifted])?;
        let sum = self.apply(ops::ReduceSum { axes: vec![axis] }, &[exponentials])?;
        Ok((shifted, exponentials, sum))
    }

    pub(super) fn softmax(&mut self, x: Val, axis: usize) -> Result<Val, Fault> {
        let shape = self.b.shape(x).clone();
        let (_, exponentials, sum) = self.shifted(x, axis)?;
        let one = self.b.splat_like(sum, 1.0);
        let reciprocal = self.apply(ops::Divide, &[one, sum])?;
        let reciprocal = self.stretch_back(reciprocal, &shape, &[axis])?;
        self.apply(ops::Multiply, &[exponentials, reciprocal])
    }

    pub(super) fn log_softmax(&mut self, x: Val, axis: usize) -> Result<Val, Fault> {
        let shape = self.b.shape(x).clone();
        let (shifted, _, sum) = self.shifted(x, axis)?;
        let log = self.apply(ops::Log, &[sum])?;
        let log = self.stretch_back(log, &shape, &[axis])?;
        self.apply(ops::Subtract, &[shifted, log])
    }
}

/// Along one axis; before opset 13, along all axes from one on together.
fn along(node: &mut Node<'_>, which: Which) -> Outputs {
    let x = node.float_x(0)?;
    let shape = node.b.shape(x).clone();
    let old = node.setting.opset < 13;
    let axis = node.axis(node.int("axis", if old { 1 } else { -1 })?, shape.rank())?;
    if shape.contains(&0) {
        return invalid("elements", shape);
    }
    if !old {
        return Ok(vec![Value::Plain(node.normalised(x, axis, which)?)]);
    }
    let sizes = [&shape[..axis], &shape[axis..]].map(|sizes| sizes.iter().product());
    let rows = node.reshape(x, sizes)?;
    let y = node.normalised(rows, 1, which)?;
    Ok(vec![Value::Plain(node.reshape(y, shape)?)])
}

pub(super) fn softmax(node: &mut Node<'_>) -> Outputs {
    along(node, Which::Softmax)
}

pub(super) fn log_softmax(node: &mut Node<'_>) -> Outputs {
    along(node, Which::Logarithm)
}
