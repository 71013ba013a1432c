//! Tensors carried along one axis from one width to another.

use tensor::{Shape, Tensor, parallel};

use crate::matching::problem::elements;

/// What each index of an axis receives: `(to, from, share)`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct AxisMap {
    pub(super) size: usize,
    pub(super) entries: Vec<(usize, usize, f64)>,
}

/// A tensor of f32 with one axis carried.
pub(super) fn carry(tensor: &Tensor, axis: usize, map: &AxisMap) -> Tensor {
    let (before, inner) = (tensor.shape()[axis], tensor.shape()[axis + 1..].iter().product::<usize>());
    let mut sizes = tensor.shape().to_vec();
    sizes[axis] = map.size;
    let mut carried = Tensor::full(Shape::from(sizes), 0f32);
    let (source, block) = (elements(tensor), (map.size * inner).max(1));
    let target = carried.as_mut_slice::<f32>().expect("the room was made for f32");
    parallel::for_each_chunk(target, block, |start, target| {
        let source = &source[start / block * before * inner..];
        for &(to, from, share) in &map.entries {
            let (to, from) = (&mut target[to * inner..][..inner], &source[from * inner..][..inner]);
            to.iter_mut().zip(from).for_each(|(to, from)| *to += share as f32 * from);
        }
    });
    carried
}
