//! Strided views: reshapes, transposes and broadcasts that move no data.

use crate::node::BufferId;

/// A tensor whose element at index `i` is element `offset + Σ strides[k] i[k]` of a buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) buffer: BufferId,
    pub(crate) shape: Vec<usize>,
    pub(crate) strides: Vec<usize>,
    pub(crate) offset: usize,
}

/// How the row-major positions of a view map to its buffer, from its offset on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Position `i` is element `i`.
    Contiguous,
    /// Every position is element 0.
    Uniform,
    /// Nested runs, outermost first: (number of steps, elements per step). The innermost has more than one step.
    Strided(Vec<(usize, usize)>),
}

impl Access {
    /// The access of runs of which neighbours are merged wherever they can be.
    pub(crate) fn of_runs(runs: &[(usize, usize)]) -> Self {
        match runs {
            [] | [(_, 0)] => Self::Uniform,
            [(_, 1)] => Self::Contiguous,
            runs => Self::Strided(runs.to_vec()),
        }
    }
}

impl View {
    /// All of a buffer, row-major.
    pub(crate) fn contiguous(buffer: BufferId, shape: &[usize]) -> Self {
        Self { buffer, shape: shape.to_vec(), strides: tensor::Shape::from(shape).strides(), offset: 0 }
    }

    pub(crate) fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// The axes at `axes`, in that order.
    pub(crate) fn select(&self, axes: &[usize]) -> Self {
        let pick = |from: &[usize]| axes.iter().map(|&axis| from[axis]).collect();
        Self { shape: pick(&self.shape), strides: pick(&self.strides), ..*self }
    }

    /// The view with its axis `k` at `axes[k]` of `shape`, constant along the other axes.
    pub(crate) fn broadcast(&self, shape: &[usize], axes: &[usize]) -> Self {
        let mut strides = vec![0; shape.len()];
        for (&axis, &stride) in axes.iter().zip(&self.strides) {
            strides[axis] = stride;
        }
        Self { shape: shape.to_vec(), strides, ..*self }
    }

    /// Every `stride[k]`-th index of axis `k` from `start[k]` on, as many as `shape` says.
    pub(crate) fn slice(&self, start: &[usize], stride: &[usize], shape: &[usize]) -> Self {
        if shape.contains(&0) {
            return Self::contiguous(self.buffer, shape);
        }
        let first: usize = start.iter().zip(&self.strides).map(|(start, stride)| start * stride).sum();
        let strides = self.strides.iter().zip(stride).map(|(of_axis, step)| of_axis * step).collect();
        Self { shape: shape.to_vec(), strides, offset: self.offset + first, ..*self }
    }

    /// The axes without those of one index, neighbours merged where one stride serves both.
    pub(crate) fn runs(&self) -> Vec<(usize, usize)> {
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for (&size, &stride) in self.shape.iter().zip(&self.strides).filter(|&(&size, _)| size != 1) {
            match runs.last_mut() {
                Some(outer) if outer.1 == stride * size => *outer = (outer.0 * size, stride),
                _ => runs.push((size, stride)),
            }
        }
        runs
    }

    pub(crate) fn access(&self) -> Access {
        if self.elements() == 0 {
            return Access::Contiguous;
        }
        Access::of_runs(&self.runs())
    }

    /// Whether this is all of a buffer of `elements` elements in order.
    pub(crate) fn is_whole(&self, elements: usize) -> bool {
        self.elements() == elements
            && self.offset == 0
            && (elements == 1 || self.access() == Access::Contiguous)
    }

    /// The same elements in row-major order under another shape, where strides can say that.
    pub(crate) fn reshape(&self, shape: &[usize]) -> Option<Self> {
        if self.elements() == 0 {
            return Some(Self::contiguous(self.buffer, shape));
        }
        let mut strides = vec![0; shape.len()];
        let mut axis = shape.len();
        for (size, stride) in self.runs().into_iter().rev() {
            let mut covered = 1;
            while covered < size {
                axis = (0..axis).rev().find(|&axis| shape[axis] != 1)?;
                strides[axis] = stride * covered;
                covered *= shape[axis];
            }
            if covered != size {
                return None;
            }
        }
        Some(Self { shape: shape.to_vec(), strides, ..*self })
    }

    /// The single stride of several axes taken as one in row-major order, where there is one.
    pub(crate) fn merged_stride(&self) -> Option<usize> {
        match self.runs().as_slice() {
            [] => Some(0),
            [(_, stride)] => Some(*stride),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(shape: &[usize], strides: &[usize]) -> View {
        View { buffer: BufferId(0), shape: shape.to_vec(), strides: strides.to_vec(), offset: 0 }
    }

    #[test]
    fn slices_are_views() {
        let sliced = view(&[4, 6], &[6, 1]).slice(&[1, 2], &[2, 1], &[2, 3]);
        assert_eq!(sliced, View { offset: 8, ..view(&[2, 3], &[12, 1]) });
        assert!(!sliced.is_whole(6) && !view(&[6], &[1]).slice(&[2], &[1], &[3]).is_whole(3));
        assert_eq!(view(&[4], &[1]).slice(&[4], &[1], &[0]).offset, 0);
    }

    #[test]
    fn neighbouring_axes_merge_where_one_stride_serves_both() {
        assert_eq!(view(&[2, 3, 4], &[12, 4, 1]).access(), Access::Contiguous);
        assert_eq!(view(&[2, 1, 4], &[4, 9, 1]).access(), Access::Contiguous);
        assert_eq!(view(&[2, 3], &[0, 0]).access(), Access::Uniform);
        assert_eq!(view(&[2, 3], &[0, 1]).access(), Access::Strided(vec![(2, 0), (3, 1)]));
        assert_eq!(view(&[2, 3, 4], &[1, 8, 2]).access(), Access::Strided(vec![(2, 1), (12, 2)]));
        assert_eq!(view(&[0, 3], &[0, 1]).access(), Access::Contiguous);
    }

    #[test]
    fn reshapes_keep_strides_where_they_can() {
        assert_eq!(view(&[2, 6], &[0, 1]).reshape(&[2, 3, 1, 2]), Some(view(&[2, 3, 1, 2], &[0, 2, 0, 1])));
        assert_eq!(view(&[2, 6], &[0, 1]).reshape(&[12]), None);
        assert_eq!(view(&[3, 2], &[1, 3]).reshape(&[6]), None);
        assert_eq!(view(&[4, 3], &[0, 0]).reshape(&[2, 6]), Some(view(&[2, 6], &[0, 0])));
        assert_eq!(view(&[1], &[1]).reshape(&[]), Some(view(&[], &[])));
    }
}
