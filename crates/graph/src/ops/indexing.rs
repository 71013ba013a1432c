//! Index arithmetic of the reference evaluations, and checks of axis lists.

use tensor::{Buffer, Element, Shape, Tensor};

/// All multi-indices of a shape, row-major.
pub(super) fn indices(shape: &[usize]) -> impl Iterator<Item = Vec<usize>> + use<> {
    let shape = Shape::from(shape);
    let mut next = vec![0; shape.rank()];
    (0..shape.elements()).map(move |_| {
        let index = next.clone();
        advance(&mut next, &shape);
        index
    })
}

/// Counts a multi-index up; after the last comes the first.
fn advance(index: &mut [usize], shape: &Shape) {
    for (i, &size) in index.iter_mut().zip(shape.iter()).rev() {
        *i += 1;
        if *i < size {
            return;
        }
        *i = 0;
    }
}

/// The row-major position of a multi-index.
pub(super) fn flat(shape: &Shape, index: &[usize]) -> usize {
    shape.iter().zip(index).fold(0, |flat, (&size, &i)| flat * size + i)
}

/// A tensor of `shape` whose element at each multi-index is the element of `x` at position `source(index)`.
pub(super) fn rearrange(x: &Tensor, shape: &Shape, source: impl Fn(&[usize]) -> usize) -> Tensor {
    rearrange_or_zero(x, shape, |index| Some(source(index)))
}

/// As [`rearrange`], with zero (or `false`) where there is no source.
pub(super) fn rearrange_or_zero(
    x: &Tensor,
    shape: &Shape,
    source: impl Fn(&[usize]) -> Option<usize>,
) -> Tensor {
    fn pick<T: Element>(x: &[T], shape: &Shape, source: impl Fn(&[usize]) -> Option<usize>) -> Buffer {
        T::buffer(indices(shape).map(|index| source(&index).map_or_else(T::default, |at| x[at])).collect())
    }
    let buffer = match x.buffer() {
        Buffer::F32(x) => pick(x, shape, source),
        Buffer::F64(x) => pick(x, shape, source),
        Buffer::I32(x) => pick(x, shape, source),
        Buffer::Bool(x) => pick(x, shape, source),
    };
    Tensor::from_buffer(shape.clone(), buffer).expect("one element for each index")
}

/// Copies each element of `x`, whose multi-index is `index`, to position `target(index)` of `result`.
pub(super) fn place(result: &mut Tensor, x: &Tensor, target: impl Fn(&[usize]) -> usize) {
    fn put<T: Copy>(result: &mut [T], x: &[T], targets: impl Iterator<Item = usize>) {
        targets.zip(x).for_each(|(target, &x)| result[target] = x);
    }
    let targets = indices(x.shape()).map(|index| target(&index));
    match (result.buffer_mut(), x.buffer()) {
        (Buffer::F32(result), Buffer::F32(x)) => put(result, x, targets),
        (Buffer::F64(result), Buffer::F64(x)) => put(result, x, targets),
        (Buffer::I32(result), Buffer::I32(x)) => put(result, x, targets),
        (Buffer::Bool(result), Buffer::Bool(x)) => put(result, x, targets),
        _ => unreachable!("the type rule admits one element type only"),
    }
}

/// Adds each element of `x`, whose multi-index is `index`, to the element at position `target(index)` of `result`,
/// if there is one, in row-major order. The type rule has excluded truth values.
pub(super) fn add_at(result: &mut Tensor, x: &Tensor, target: impl Fn(&[usize]) -> Option<usize>) {
    fn add<T: Copy>(
        result: &mut [T],
        x: &[T],
        targets: impl Iterator<Item = Option<usize>>,
        sum: fn(T, T) -> T,
    ) {
        let found = targets.zip(x).filter_map(|(target, &x)| target.map(|target| (target, x)));
        found.for_each(|(target, x)| result[target] = sum(result[target], x));
    }
    let targets = indices(x.shape()).map(|index| target(&index));
    match (result.buffer_mut(), x.buffer()) {
        (Buffer::F32(result), Buffer::F32(x)) => add(result, x, targets, |x, y| x + y),
        (Buffer::F64(result), Buffer::F64(x)) => add(result, x, targets, |x, y| x + y),
        (Buffer::I32(result), Buffer::I32(x)) => add(result, x, targets, i32::wrapping_add),
        _ => unreachable!("the type rule admits numbers of one type only"),
    }
}

/// Reads `index`, a multi-index `[b.., pre.., i.., post..]`, by the table `indices` of shape `[B.., I..]`: the
/// multi-index `[b.., pre.., n, post..]`, where `n = indices[b, i]`. `None` where `n` is not below `size`.
pub(super) fn look_up(
    indices: &Tensor,
    batch: usize,
    axis: usize,
    size: usize,
    index: &[usize],
) -> Option<Vec<usize>> {
    let Buffer::I32(table) = indices.buffer() else { unreachable!("the type rule admits integers only") };
    let (before, rest) = index.split_at(axis);
    let (looked_up, post) = rest.split_at(indices.shape().rank() - batch);
    let place = [&before[..batch], looked_up].concat();
    let n = usize::try_from(table[flat(indices.shape(), &place)]).ok().filter(|&n| n < size)?;
    Some([before, &[n], post].concat())
}

/// Whether `axes` lists distinct axes of a tensor of this rank.
pub(super) fn are_distinct_axes(axes: &[usize], rank: usize) -> bool {
    axes.iter().enumerate().all(|(position, axis)| *axis < rank && !axes[..position].contains(axis))
}

/// Whether `axes` lists axes of a tensor of this rank in strictly ascending order.
pub(super) fn are_ascending_axes(axes: &[usize], rank: usize) -> bool {
    axes.iter().all(|&axis| axis < rank) && axes.is_sorted_by(|a, b| a < b)
}
