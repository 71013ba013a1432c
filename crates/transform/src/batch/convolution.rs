//! Batched convolutions.

use graph::{Builder, Primitive as _, Val, ops::Convolution};
use tensor::Shape;

use super::lifted::{Lifted, batch_size, moved, with};

/// A batch of images joins the image's own batch, a batch of kernels the kernel's outputs; where both are batched, each
/// index is a group of its own.
pub(super) fn convolution(b: &mut Builder, op: &Convolution, lhs: Lifted, rhs: Lifted) -> Lifted {
    let size = batch_size(b, &[lhs, rhs]);
    if size == 0 {
        return nothing(b, op, lhs, rhs);
    }
    match (lhs.axis, rhs.axis) {
        (Some(_), Some(_)) => grouped(b, op, lhs, rhs, size),
        (Some(_), None) => {
            let lhs = merged(b, lhs, op.lhs.batch, op.batch_groups);
            let result = b.convolution(op.clone(), lhs, rhs.val);
            split(b, result, op.out.batch, 1, size)
        }
        _ => {
            let rhs = merged(b, rhs, op.rhs.output, op.groups());
            let result = b.convolution(op.clone(), lhs.val, rhs);
            split(b, result, op.out.feature, op.groups(), size)
        }
    }
}

/// The results of an empty batch: there is no convolution in no groups.
fn nothing(b: &mut Builder, op: &Convolution, lhs: Lifted, rhs: Lifted) -> Lifted {
    let single = |x: Lifted| {
        let batch: Vec<usize> = x.axis.into_iter().collect();
        b.ty(x.val).with_shape(b.shape(x.val).without(&batch))
    };
    let result = op.out_type(&[&single(lhs), &single(rhs)]).expect("the convolution fits without its batch");
    Lifted::at(b.splat(&result.with_shape(with(&result.shape, 0, 0)), 0.0), 0)
}

fn grouped(b: &mut Builder, op: &Convolution, lhs: Lifted, rhs: Lifted, size: usize) -> Lifted {
    let mut op = op.clone();
    let axis = if op.batch_groups > 1 {
        op.batch_groups *= size;
        op.lhs.batch
    } else {
        op.feature_groups *= size;
        op.lhs.feature
    };
    let lhs = merged(b, lhs, axis, 1);
    let rhs = merged(b, rhs, op.rhs.output, 1);
    let feature = op.out.feature;
    let result = b.convolution(op, lhs, rhs);
    split(b, result, feature, 1, size)
}

/// Merges the batch into an axis of the value without batch, behind the index of the axis' `groups` blocks.
fn merged(b: &mut Builder, x: Lifted, axis: usize, groups: usize) -> Val {
    let from = x.axis.unwrap_or_else(|| unreachable!("only batched operands are merged"));
    // First the batch in front of the axis, then the blocks in front of the batch.
    let x = moved(b, x.val, from, axis);
    let shape = b.shape(x).clone();
    let (size, rest) = (shape[axis], shape[axis + 1] / groups);
    let x = if groups == 1 {
        x
    } else {
        let mut blocks = with(&shape, axis + 1, groups);
        blocks[axis + 2] = rest;
        let blocks = b.reshape(x, &blocks.into());
        moved(b, blocks, axis + 1, axis)
    };
    let mut merged = shape.without(&[axis]).to_vec();
    merged[axis] = groups * size * rest;
    b.reshape(x, &merged.into())
}

/// Undoes [`merged`] for an axis of a result: the batch comes in front of the axis.
fn split(b: &mut Builder, x: Val, axis: usize, groups: usize, size: usize) -> Lifted {
    let shape = b.shape(x).clone();
    let total = shape[axis] / size;
    let mut sizes = with(&shape, axis, size);
    sizes[axis + 1] = total;
    let x = if groups == 1 {
        x
    } else {
        let mut blocks = with(&sizes, axis, groups);
        blocks[axis + 2] = total / groups;
        let blocks = b.reshape(x, &blocks.into());
        moved(b, blocks, axis + 1, axis)
    };
    Lifted::at(b.reshape(x, &Shape::from(sizes)), axis)
}
