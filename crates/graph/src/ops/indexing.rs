//! Index arithmetic of the reference evaluations, and checks of axis lists.

use tensor::{Buffer, Element, Shape, Tensor};

/// All multi-indices of a shape, row-major.
pub(super) fn indices(shape: &[usize]) -> impl Iterator<Item = Vec<usize>> + use<> {
    let shape = Shape::from(shape);
    let strides = shape.strides();
    (0..shape.elements()).map(move |flat| {
        strides.iter().zip(shape.iter()).map(|(&stride, &size)| flat / stride % size).collect()
    })
}

/// The row-major position of a multi-index.
pub(super) fn flat(shape: &Shape, index: &[usize]) -> usize {
    shape.strides().iter().zip(index).map(|(stride, i)| stride * i).sum()
}

/// A tensor of `shape` whose element at each multi-index is the element of `x` at position `source(index)`.
pub(super) fn rearrange(x: &Tensor, shape: &Shape, source: impl Fn(&[usize]) -> usize) -> Tensor {
    fn pick<T: Element>(x: &[T], shape: &Shape, source: impl Fn(&[usize]) -> usize) -> Buffer {
        T::buffer(indices(shape).map(|index| x[source(&index)]).collect())
    }
    let buffer = match x.buffer() {
        Buffer::F32(x) => pick(x, shape, source),
        Buffer::F64(x) => pick(x, shape, source),
        Buffer::I32(x) => pick(x, shape, source),
        Buffer::Bool(x) => pick(x, shape, source),
    };
    Tensor::from_buffer(shape.clone(), buffer).expect("one element for each index")
}

/// Whether `axes` lists distinct axes of a tensor of this rank.
pub(super) fn are_distinct_axes(axes: &[usize], rank: usize) -> bool {
    axes.iter().enumerate().all(|(position, axis)| *axis < rank && !axes[..position].contains(axis))
}

/// Whether `axes` lists axes of a tensor of this rank in strictly ascending order.
pub(super) fn are_ascending_axes(axes: &[usize], rank: usize) -> bool {
    axes.iter().all(|&axis| axis < rank) && axes.is_sorted_by(|a, b| a < b)
}
