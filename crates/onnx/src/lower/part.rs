//! Parts of tensors, and tensors made of parts.

use std::sync::Arc;

use graph::{Val, ops};
use tensor::{DType, Shape, Tensor};

use super::node::{Node, Outputs, Value, resolve_axis, size};
use crate::error::{Fault, invalid, unsupported};

/// A range of indices of an axis, in steps that may go backwards.
#[derive(Clone, Copy)]
struct Range {
    first: usize,
    /// One past the last that may be read, in ascending order.
    limit: usize,
    stride: usize,
    reversed: bool,
}

impl Range {
    /// The range as `Slice` has it: ends count from the end where they are negative, and are clamped.
    fn of(start: i64, end: i64, step: i64, size: usize) -> Result<Self, Fault> {
        let length = size as i64;
        let from_start = |number: i64| if number < 0 { number.saturating_add(length) } else { number };
        let stride = step.unsigned_abs() as usize;
        if step > 0 {
            let first = from_start(start).clamp(0, length) as usize;
            let limit = (from_start(end).clamp(0, length) as usize).max(first);
            return Ok(Self { first, limit, stride, reversed: false });
        }
        if step == 0 {
            return invalid("a step other than 0", 0);
        }
        // Backwards from `start` to before `end`: the same indices in ascending order, read in reverse.
        let last = from_start(start).clamp(-1, length - 1);
        let end = from_start(end).clamp(-1, length - 1);
        let count = usize::try_from(last - end).unwrap_or(0).div_ceil(stride);
        let Some(steps) = count.checked_sub(1) else {
            return Ok(Self { first: 0, limit: 0, stride, reversed: false });
        };
        let first = last as usize - steps * stride;
        Ok(Self { first, limit: last as usize + 1, stride, reversed: true })
    }
}

/// The four lists of `Slice`: starts, ends, axes, steps.
fn lists(node: &Node<'_>) -> Result<[Vec<i64>; 4], Fault> {
    let needed = |list: Option<Vec<i64>>| list.map_or_else(|| invalid("starts and ends", "none"), Ok);
    let (starts, ends, axes, steps) = if node.setting.opset < 10 {
        (node.ints("starts")?, node.ints("ends")?, node.ints("axes")?, None)
    } else {
        (node.known_ints(1)?, node.known_ints(2)?, node.known_ints(3)?, node.known_ints(4)?)
    };
    let (starts, ends) = (needed(starts)?, needed(ends)?);
    let count = starts.len();
    let axes = axes.unwrap_or_else(|| (0..count as i64).collect());
    let steps = steps.unwrap_or_else(|| vec![1; count]);
    if [ends.len(), axes.len(), steps.len()] != [count; 3] {
        return invalid(
            format!("{count} ends, axes and steps"),
            format!("{}, {}, {}", ends.len(), axes.len(), steps.len()),
        );
    }
    Ok([starts, ends, axes, steps])
}

pub(super) fn slice(node: &mut Node<'_>) -> Outputs {
    let [starts, ends, axes, steps] = lists(node)?;
    let x = node.x(0)?;
    let shape = node.b.shape(x).clone();
    let mut op =
        ops::Slice { start: vec![0; shape.rank()], limit: shape.to_vec(), stride: vec![1; shape.rank()] };
    let mut reversed = Vec::new();
    for (k, &axis) in axes.iter().enumerate() {
        let axis = resolve_axis(axis, shape.rank())?;
        let range = Range::of(starts[k], ends[k], steps[k], shape[axis])?;
        (op.start[axis], op.limit[axis], op.stride[axis]) = (range.first, range.limit, range.stride);
        if range.reversed {
            reversed.push(axis);
        }
    }
    reversed.sort_unstable();
    let y = node.apply(op, &[x])?;
    let y = if reversed.is_empty() { y } else { node.apply(ops::Reverse { axes: reversed }, &[y])? };
    Ok(vec![Value::Plain(y)])
}

/// The sizes of the parts of a split.
fn parts(node: &Node<'_>, whole: usize) -> Result<Vec<usize>, Fault> {
    let listed = if node.setting.opset < 13 { node.ints("split")? } else { node.known_ints(1)? };
    if let Some(listed) = listed {
        return listed.iter().map(|&part| size(part)).collect();
    }
    // Equal parts, the last one smaller where there is not enough for all.
    let count = node.outputs().max(1);
    let part = whole.div_ceil(count);
    Ok((0..count).map(|k| part.min(whole.saturating_sub(k * part))).collect())
}

pub(super) fn split(node: &mut Node<'_>) -> Outputs {
    let axis = node.int("axis", 0)?;
    let shape = node.shape_of(&node.required(0)?);
    let axis = resolve_axis(axis, shape.rank())?;
    let parts = parts(node, shape[axis])?;
    if parts.iter().try_fold(0usize, |sum, &part| sum.checked_add(part)) != Some(shape[axis]) {
        return invalid(format!("parts of {} indices", shape[axis]), format!("{parts:?}"));
    }
    let last = node.is_channels_last(0) && axis == 1;
    let (x, place) = if last { (node.image(0)?, shape.rank() - 1) } else { (node.x(0)?, axis) };
    let mut start = 0;
    let mut outputs = Vec::with_capacity(parts.len());
    for part in parts {
        outputs.push(Node::like(node.range(x, place, start..start + part)?, last));
        start += part;
    }
    Ok(outputs)
}

impl Node<'_> {
    /// The indices of a range along an axis.
    pub(super) fn range(&mut self, x: Val, axis: usize, range: std::ops::Range<usize>) -> Result<Val, Fault> {
        let shape = self.b.shape(x).clone();
        let mut op =
            ops::Slice { start: vec![0; shape.rank()], limit: shape.to_vec(), stride: vec![1; shape.rank()] };
        (op.start[axis], op.limit[axis]) = (range.start, range.end);
        self.apply(op, &[x])
    }
}

pub(super) fn concat(node: &mut Node<'_>) -> Outputs {
    let axis = node.int("axis", 0)?;
    let rank = node.shape_of(&node.required(0)?).rank();
    let axis = resolve_axis(axis, rank)?;
    let count = node.inputs.len();
    let all_images = (0..count).all(|position| node.is_channels_last(position));
    if axis == 1 && all_images {
        let images = (0..count).map(|position| node.image(position)).collect::<Result<Vec<_>, _>>()?;
        let y = node.apply(ops::Concatenate { axis: rank - 1 }, &images)?;
        return Ok(vec![Value::ChannelsLast(y)]);
    }
    let operands = (0..count).map(|position| node.x(position)).collect::<Result<Vec<_>, _>>()?;
    Ok(vec![Value::Plain(node.apply(ops::Concatenate { axis }, &operands)?)])
}

impl Node<'_> {
    /// Indices of an axis of `size`, those that count from its end made to count from its start.
    fn indices(&mut self, position: usize, size: usize) -> Result<Val, Fault> {
        if let Some(Value::Known(tensor)) = self.value(position)
            && let Ok(numbers) = tensor.as_slice::<i32>()
        {
            let own = |&number: &i32| if number < 0 { number.saturating_add(size as i32) } else { number };
            let resolved = Tensor::from_buffer(
                tensor.shape().clone(),
                tensor::Buffer::I32(numbers.iter().map(own).collect()),
            );
            return match resolved {
                Ok(tensor) => self.constant(&Arc::new(tensor)),
                Err(error) => unreachable!("as many elements as before: {error}"),
            };
        }
        let indices = self.x(position)?;
        self.counted_from_start(indices, size)
    }

    /// Indices of an axis of `size`, those below 0 made to count from its start.
    fn counted_from_start(&mut self, indices: Val, size: usize) -> Result<Val, Fault> {
        if self.b.ty(indices).dtype != DType::I32 {
            return invalid("integers as indices", self.b.ty(indices));
        }
        let zero = self.b.splat_like(indices, 0.0);
        let negative = self.apply(ops::Compare { direction: ops::Direction::Lt }, &[indices, zero])?;
        let size = self.b.splat_like(indices, size as f64);
        let shifted = self.apply(ops::Add, &[indices, size])?;
        self.apply(ops::Select, &[negative, shifted, indices])
    }
}

pub(super) fn gather(node: &mut Node<'_>) -> Outputs {
    let axis = node.int("axis", 0)?;
    let x = node.x(0)?;
    let shape = node.b.shape(x).clone();
    let axis = resolve_axis(axis, shape.rank())?;
    let known_index = match node.value(1) {
        Some(Value::Known(tensor)) if tensor.shape().rank() == 0 => node.known_number(1)?,
        _ => None,
    };
    if let Some(index) = known_index {
        // One index is a part of the axis, which symmetry follows where it does not follow a look-up.
        let index = resolve_axis(index as i64, shape[axis])?;
        let part = node.range(x, axis, index..index + 1)?;
        return Ok(vec![Value::Plain(node.reshape(part, shape.without(&[axis]))?)]);
    }
    let indices = node.indices(1, shape[axis])?;
    Ok(vec![Value::Plain(node.apply(ops::Gather { axis, batch: 0 }, &[x, indices])?)])
}

/// One element for each index, along an axis, as all other axes say.
pub(super) fn gather_elements(node: &mut Node<'_>) -> Outputs {
    let axis = node.int("axis", 0)?;
    let x = node.x(0)?;
    let shape = node.b.shape(x).clone();
    let rank = shape.rank();
    let axis = resolve_axis(axis, rank)?;
    let indices = node.indices(1, shape[axis])?;
    let found = node.b.shape(indices).clone();
    if found.rank() != rank || (0..rank).any(|k| k != axis && found[k] != shape[k]) {
        return unsupported(format!("indices {found} that leave parts of {shape} out"));
    }
    let order: Vec<usize> = (0..rank).filter(|&k| k != axis).chain([axis]).collect();
    let [x, indices] = [x, indices].map(|val| node.permute(val, order.clone()));
    let y = node.apply(ops::Gather { axis: rank - 1, batch: rank - 1 }, &[x?, indices?])?;
    let mut back = vec![0; rank];
    for (place, &k) in order.iter().enumerate() {
        back[k] = place;
    }
    Ok(vec![Value::Plain(node.permute(y, back)?)])
}

impl Node<'_> {
    /// One number for each of several indices: their place among the elements of the axes `sizes`.
    fn flat_index(&mut self, position: usize, sizes: &[usize]) -> Result<Val, Fault> {
        let indices = self.x(position)?;
        let shape = self.b.shape(indices).clone();
        let last = shape.rank() - 1;
        let mut flat: Option<Val> = None;
        for (k, &size) in sizes.iter().enumerate() {
            let part = self.range(indices, last, k..k + 1)?;
            let part = self.reshape(part, shape.without(&[last]))?;
            let part = self.counted_from_start(part, size)?;
            flat = Some(match flat {
                None => part,
                Some(flat) => {
                    let size = self.b.splat_like(flat, size as f64);
                    let scaled = self.apply(ops::Multiply, &[flat, size])?;
                    self.apply(ops::Add, &[scaled, part])?
                }
            });
        }
        flat.map_or_else(|| invalid("an index or more", "none"), Ok)
    }
}

/// Parts of the first axes at lists of indices, one for each of these axes.
pub(super) fn gather_nd(node: &mut Node<'_>) -> Outputs {
    if node.int("batch_dims", 0)? != 0 {
        return unsupported("batch_dims");
    }
    let x = node.x(0)?;
    let (shape, found) = (node.b.shape(x).clone(), node.shape_of(&node.required(1)?));
    let Some(&count) = found.last().filter(|&&count| count > 0 && count <= shape.rank()) else {
        return invalid(format!("indices of {shape} in the last axis"), found);
    };
    let Some(merged) =
        Shape::from(&shape[..count]).checked_elements().filter(|&size| i32::try_from(size).is_ok())
    else {
        return unsupported("axes of 2^31 indices and more");
    };
    let indices = node.flat_index(1, &shape[..count])?;
    let rows: Shape = [&[merged], &shape[count..]].concat().into();
    let rows = node.reshape(x, rows)?;
    Ok(vec![Value::Plain(node.apply(ops::Gather { axis: 0, batch: 0 }, &[rows, indices])?)])
}
