//! The same elements under other axes.

use std::sync::Arc;

use graph::{Val, ops};
use tensor::{Shape, Tensor};

use super::node::{Node, Outputs, Value, common_shape, resolve_axes, resolve_axis, size};
use crate::error::{Fault, invalid, unsupported};

/// Sizes as a known tensor.
fn known_sizes(sizes: &[usize]) -> Result<Value, Fault> {
    let numbers: Option<Vec<i32>> = sizes.iter().map(|&size| i32::try_from(size).ok()).collect();
    match numbers.map(|numbers| Tensor::new([numbers.len()], numbers)) {
        Some(Ok(tensor)) => Ok(Value::Known(Arc::new(tensor))),
        _ => unsupported("sizes of 2^31 and more"),
    }
}

/// Where a range of axes begins or ends: it may count from the end and lie beyond it.
fn bound(number: i64, rank: usize) -> usize {
    let number = if number < 0 { number.saturating_add(rank as i64) } else { number };
    number.clamp(0, rank as i64) as usize
}

pub(super) fn shape(node: &mut Node<'_>) -> Outputs {
    let shape = node.shape_of(&node.required(0)?);
    let rank = shape.rank();
    let start = bound(node.int("start", 0)?, rank);
    let end = bound(node.int("end", i64::MAX)?, rank);
    Ok(vec![known_sizes(&shape[start..end.max(start)])?])
}

pub(super) fn elements(node: &mut Node<'_>) -> Outputs {
    let shape = node.shape_of(&node.required(0)?);
    match i32::try_from(shape.elements()) {
        Ok(elements) => Ok(vec![Value::Known(Arc::new(Tensor::scalar(elements)))]),
        Err(_) => unsupported("sizes of 2^31 and more"),
    }
}

/// The sizes that a reshape asks for: 0 is the operand's own size, and -1 what is left.
fn resolve(target: &[i64], own: &Shape, zero_is_own: bool) -> Result<Shape, Fault> {
    let mut sizes = Vec::with_capacity(target.len());
    let mut free = None;
    for (axis, &number) in target.iter().enumerate() {
        sizes.push(match number {
            -1 if free.is_none() => {
                free = Some(axis);
                1
            }
            0 if zero_is_own => match own.get(axis) {
                Some(&size) => size,
                None => return invalid(format!("a size for axis {axis}"), format!("0 for {own}")),
            },
            number => size(number)?,
        });
    }
    if let Some(axis) = free {
        let known = Shape::from(&sizes[..]).checked_elements().unwrap_or(0);
        if known == 0 || !own.elements().is_multiple_of(known) {
            return invalid(format!("a shape for the elements of {own}"), format!("{target:?}"));
        }
        sizes[axis] = own.elements() / known;
    }
    let shape = Shape::from(sizes);
    if shape.checked_elements() == Some(own.elements()) {
        Ok(shape)
    } else {
        invalid(format!("a shape for the elements of {own}"), format!("{target:?}"))
    }
}

impl Node<'_> {
    /// The target of a reshape, with the size of the batch that the exporter wrote into it replaced.
    ///
    /// A file with a fixed batch may have that size in the targets of reshapes. Where a reshape leaves the axis of
    /// examples first, its size is replaced; where it moves examples into another place and leaves the rest to be
    /// computed, no choice is safe.
    fn rebatched(&self, target: Vec<i64>, own: &Shape) -> Result<Vec<i64>, Fault> {
        let Some(rebatch) = self.setting.rebatch else { return Ok(target) };
        let (Some(&first), Some(&leading)) = (target.first(), own.first()) else { return Ok(target) };
        if matches!(first, 0 | -1) || first == leading as i64 {
            return Ok(target);
        }
        if leading == rebatch.wanted && first == rebatch.exported as i64 {
            return Ok(std::iter::once(leading as i64).chain(target.into_iter().skip(1)).collect());
        }
        if target.contains(&-1) {
            let size = rebatch.exported;
            return invalid(
                "a shape that does not fix the number of examples",
                format!(
                    "{target:?} for {own}; the file was exported for a batch of {size}: export it with a dynamic batch axis"
                ),
            );
        }
        Ok(target)
    }
}

pub(super) fn reshape(node: &mut Node<'_>) -> Outputs {
    let x = node.x(0)?;
    let Some(target) = node.known_ints(1)? else { return invalid("a shape", "none") };
    let own = node.b.shape(x).clone();
    let target =
        if matches!(node.value(0), Some(Value::Known(_))) { target } else { node.rebatched(target, &own)? };
    let shape = resolve(&target, &own, node.int("allowzero", 0)? == 0)?;
    Ok(vec![Value::Plain(node.reshape(x, shape)?)])
}

pub(super) fn flatten(node: &mut Node<'_>) -> Outputs {
    let x = node.x(0)?;
    let shape = node.b.shape(x).clone();
    let axis = bound(node.int("axis", 1)?, shape.rank());
    let sizes = [&shape[..axis], &shape[axis..]].map(|sizes| sizes.iter().product());
    Ok(vec![Value::Plain(node.reshape(x, sizes)?)])
}

/// The axes of an operator that has them as an attribute before `since` and as an input since.
pub(super) fn axes(node: &Node<'_>, since: i64) -> Result<Option<Vec<i64>>, Fault> {
    if node.setting.opset < since { node.ints("axes") } else { node.known_ints(1) }
}

pub(super) fn squeeze(node: &mut Node<'_>) -> Outputs {
    let x = node.x(0)?;
    let shape = node.b.shape(x).clone();
    let axes = match axes(node, 13)? {
        Some(axes) => resolve_axes(&axes, shape.rank())?,
        None => (0..shape.rank()).filter(|&axis| shape[axis] == 1).collect(),
    };
    if axes.iter().any(|&axis| shape[axis] != 1) {
        return invalid(format!("axes {axes:?} of size 1"), shape);
    }
    Ok(vec![Value::Plain(node.reshape(x, shape.without(&axes))?)])
}

pub(super) fn unsqueeze(node: &mut Node<'_>) -> Outputs {
    let x = node.x(0)?;
    let Some(axes) = axes(node, 13)? else { return invalid("axes", "none") };
    let own = node.b.shape(x).clone();
    let rank = own.rank() + axes.len();
    let axes = resolve_axes(&axes, rank)?;
    let mut sizes = own.iter().copied();
    let shape: Shape =
        (0..rank).map(|axis| if axes.contains(&axis) { 1 } else { sizes.next().unwrap_or(1) }).collect();
    Ok(vec![Value::Plain(node.reshape(x, shape)?)])
}

pub(super) fn transpose(node: &mut Node<'_>) -> Outputs {
    let x = node.x(0)?;
    let rank = node.b.shape(x).rank();
    let permutation = match node.ints("perm")? {
        Some(axes) => axes.iter().map(|&axis| resolve_axis(axis, rank)).collect::<Result<Vec<_>, _>>()?,
        None => (0..rank).rev().collect(),
    };
    Ok(vec![Value::Plain(node.permute(x, permutation)?)])
}

pub(super) fn expand(node: &mut Node<'_>) -> Outputs {
    let x = node.x(0)?;
    let Some(target) = node.known_ints(1)? else { return invalid("a shape", "none") };
    let target: Shape = target.iter().map(|&number| size(number)).collect::<Result<Vec<_>, _>>()?.into();
    let shape = common_shape(&[node.b.shape(x).clone(), target])?;
    Ok(vec![Value::Plain(node.stretch(x, &shape)?)])
}

pub(super) fn tile(node: &mut Node<'_>) -> Outputs {
    let x = node.x(0)?;
    let Some(repeats) = node.known_ints(1)? else { return invalid("repeats", "none") };
    Ok(vec![Value::Plain(node.tiled(x, &repeats)?)])
}

impl Node<'_> {
    /// `x` repeated along its axes.
    fn tiled(&mut self, x: Val, repeats: &[i64]) -> Result<Val, Fault> {
        let own = self.b.shape(x).clone();
        if repeats.len() != own.rank() {
            return invalid(format!("a number of repeats for each axis of {own}"), repeats.len());
        }
        let repeats = repeats.iter().map(|&number| size(number)).collect::<Result<Vec<_>, _>>()?;
        let apart: Shape =
            repeats.iter().zip(own.iter()).flat_map(|(&repeat, &size)| [repeat, size]).collect();
        let sizes = repeats.iter().zip(own.iter()).map(|(repeat, size)| repeat.checked_mul(*size));
        let Some(shape) = sizes.collect::<Option<Shape>>() else {
            return invalid("a size that can be addressed", format!("{repeats:?} times {own}"));
        };
        let axes = (0..own.rank()).map(|axis| 2 * axis + 1).collect();
        let x = self.apply(ops::BroadcastInDim { shape: apart, axes }, &[x])?;
        self.reshape(x, shape)
    }
}

impl Node<'_> {
    /// An image `[N, C, H, W]` cut along axes and put together in another order.
    fn regrouped(&mut self, apart: &[usize], order: &[usize], shape: [usize; 4]) -> Outputs {
        let x = self.x(0)?;
        let x = self.reshape(x, apart)?;
        let x = self.permute(x, order.to_vec())?;
        Ok(vec![Value::Plain(self.reshape(x, shape)?)])
    }

    fn image_sizes(&self) -> Result<[usize; 4], Fault> {
        let shape = self.shape_of(&self.required(0)?);
        match shape[..] {
            [n, c, h, w] => Ok([n, c, h, w]),
            _ => invalid("an image [N, C, H, W]", shape),
        }
    }

    fn block(&self) -> Result<usize, Fault> {
        match size(self.int("blocksize", 0)?)? {
            0 => invalid("a block of 1 or more", 0),
            block => Ok(block),
        }
    }
}

pub(super) fn depth_to_space(node: &mut Node<'_>) -> Outputs {
    let ([n, c, h, w], k) = (node.image_sizes()?, node.block()?);
    let depth_first = node.word("mode", "DCR", &[("DCR", true), ("CRD", false)])?;
    let Some(depth) = k.checked_mul(k).filter(|square| c.is_multiple_of(*square)).map(|square| c / square)
    else {
        return invalid(format!("channels in blocks of {k} squared"), c);
    };
    let shape = [n, depth, h * k, w * k];
    if depth_first {
        node.regrouped(&[n, k, k, depth, h, w], &[0, 3, 4, 1, 5, 2], shape)
    } else {
        node.regrouped(&[n, depth, k, k, h, w], &[0, 1, 4, 2, 5, 3], shape)
    }
}

pub(super) fn space_to_depth(node: &mut Node<'_>) -> Outputs {
    let ([n, c, h, w], k) = (node.image_sizes()?, node.block()?);
    if !h.is_multiple_of(k) || !w.is_multiple_of(k) {
        return invalid(format!("rows and columns in blocks of {k}"), format!("{h} and {w}"));
    }
    let (h, w) = (h / k, w / k);
    node.regrouped(&[n, c, h, k, w, k], &[0, 3, 5, 1, 2, 4], [n, c * k * k, h, w])
}
