//! Tensors continued beyond their ends.

use std::sync::Arc;

use graph::{Val, ops};
use tensor::{DType, Shape, Tensor};

use super::node::{Node, Outputs, Value, resolve_axis};
use crate::error::{Fault, invalid};

/// What lies around a padded tensor.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Around {
    Constant,
    Reflect,
    Edge,
    Wrap,
}

/// The padding before and after each axis.
fn padding(node: &Node<'_>, rank: usize) -> Result<Vec<(i64, i64)>, Fault> {
    let old = node.setting.opset < 11;
    let Some(pads) = (if old { node.ints("pads")? } else { node.known_ints(1)? }) else {
        return invalid("pads", "none");
    };
    let axes = match if old { None } else { node.known_ints(3)? } {
        Some(axes) => axes.iter().map(|&axis| resolve_axis(axis, rank)).collect::<Result<Vec<_>, _>>()?,
        None => (0..rank).collect(),
    };
    if pads.len() != 2 * axes.len() {
        return invalid(format!("{} pads", 2 * axes.len()), pads.len());
    }
    let mut padding = vec![(0, 0); rank];
    for (k, &axis) in axes.iter().enumerate() {
        padding[axis] = (pads[k], pads[axes.len() + k]);
    }
    Ok(padding)
}

pub(super) fn pad(node: &mut Node<'_>) -> Outputs {
    let modes = [
        ("constant", Around::Constant),
        ("reflect", Around::Reflect),
        ("edge", Around::Edge),
        ("wrap", Around::Wrap),
    ];
    let around = node.word("mode", "constant", &modes)?;
    let x = node.x(0)?;
    let padding = padding(node, node.b.shape(x).rank())?;
    if around == Around::Constant {
        let old = node.setting.opset < 11;
        let value = if old { node.float("value", 0.0)? } else { node.known_number(2)?.unwrap_or(0.0) };
        return Ok(vec![Value::Plain(node.padded(x, &padding, value)?)]);
    }
    let mut y = x;
    for (axis, &(low, high)) in padding.iter().enumerate() {
        y = node.continued(y, axis, low, high, around)?;
    }
    Ok(vec![Value::Plain(y)])
}

impl Node<'_> {
    /// `x` with a number around it.
    fn padded(&mut self, x: Val, padding: &[(i64, i64)], value: f64) -> Result<Val, Fault> {
        let op = ops::Pad {
            low: padding.iter().map(|&(low, _)| low).collect(),
            high: padding.iter().map(|&(_, high)| high).collect(),
            interior: vec![0; padding.len()],
        };
        let y = self.apply(op.clone(), &[x])?;
        if value == 0.0 {
            return Ok(y);
        }
        let inside = self.b.ty(x).with_dtype(DType::Bool);
        let inside = self.b.splat(&inside, 1.0);
        let inside = self.apply(op, &[inside])?;
        let value = self.b.splat_like(y, value);
        self.apply(ops::Select, &[inside, y, value])
    }

    /// `x` continued along an axis beyond its ends.
    fn continued(&mut self, x: Val, axis: usize, low: i64, high: i64, around: Around) -> Result<Val, Fault> {
        let size = self.b.shape(x)[axis] as i64;
        if (low, high) == (0, 0) {
            return Ok(x);
        }
        let most = match around {
            Around::Reflect => size - 1,
            Around::Constant | Around::Edge | Around::Wrap => i64::from(i32::MAX / 4),
        };
        if size == 0 || low.max(high) > most || size.saturating_add(low).saturating_add(high) < 0 {
            return invalid(format!("pads up to {most}"), format!("{low} and {high}"));
        }
        let source = |place: i64| match around {
            Around::Constant | Around::Edge => place.clamp(0, size - 1),
            Around::Wrap => place.rem_euclid(size),
            Around::Reflect if place < 0 => -place,
            Around::Reflect if place >= size => 2 * (size - 1) - place,
            Around::Reflect => place,
        };
        let count = (size + low + high) as usize;
        self.check_listed(count)?;
        let indices = Tensor::from_fn(Shape::from([count]), |i| source(i as i64 - low) as i32);
        self.look_up(x, axis, indices)
    }

    /// `x` at known indices of an axis.
    pub(super) fn look_up(&mut self, x: Val, axis: usize, indices: Tensor) -> Result<Val, Fault> {
        let indices = self.constant(&Arc::new(indices))?;
        self.apply(ops::Gather { axis, batch: 0 }, &[x, indices])
    }

    /// Refuses lists of indices that no network needs, before they are made.
    pub(super) fn check_listed(&self, count: usize) -> Result<(), Fault> {
        const MOST: usize = 1 << 24;
        if count <= MOST { Ok(()) } else { invalid(format!("at most {MOST} indices"), count) }
    }
}
