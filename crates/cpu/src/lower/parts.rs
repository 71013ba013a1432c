//! Lowering of what puts tensors together or takes rows out of them.

use std::sync::Arc;

use graph::ops::{Gather, Kept, Pad, RandomBits, ScatterAdd};
use tensor::{DType, Tensor};

use super::Lowering;
use crate::{
    lookup::Lookup,
    node::{Kind, MapOp, Origin},
    view::View,
};

/// The longest axis whose indices are all of `i32`.
const LONGEST: usize = i32::MAX as usize;

impl Lowering<'_> {
    pub(super) fn zeros(&mut self, dtype: DType, shape: &[usize]) -> View {
        let zero = Origin::Constant(Arc::new(Tensor::zeros(dtype, [])));
        View::contiguous(self.buffer(dtype, 1, zero), &[]).broadcast(shape, &[])
    }

    /// Tensors one after the other along an axis; `shape` is that of the result.
    pub(super) fn concatenate(&mut self, operands: &[View], axis: usize, shape: &[usize]) -> View {
        let parts: Vec<View> = operands.iter().filter(|view| view.elements() > 0).cloned().collect();
        match parts.as_slice() {
            [] => View::contiguous(operands[0].buffer, shape),
            [part] => part.clone(),
            _ => {
                let inner: usize = shape[axis + 1..].iter().product();
                let widths = parts.iter().map(|part| part.shape[axis] * inner).collect();
                let dtype = self.nodes.buffer(parts[0].buffer).dtype;
                self.node(Kind::Join(widths), parts, dtype, shape)
            }
        }
    }

    /// Zeros joined to what is kept of the operand.
    pub(super) fn pad(&mut self, op: &Pad, x: &View, shape: &[usize]) -> View {
        let kept = op.kept_axes(&x.shape, shape);
        let dtype = self.nodes.buffer(x.buffer).dtype;
        if shape.contains(&0) || kept.iter().any(|kept| kept.indices.is_empty()) {
            return self.zeros(dtype, shape);
        }
        let start: Vec<usize> = kept.iter().map(|kept| kept.indices.start).collect();
        let counts: Vec<usize> = kept.iter().map(|kept| kept.indices.len()).collect();
        let mut view = x.slice(&start, &vec![1; start.len()], &counts);
        for (axis, (Kept { start, step, .. }, &size)) in kept.into_iter().zip(shape).enumerate() {
            view = self.spread(view, axis, step);
            view = self.surround(&view, axis, start, size);
        }
        view
    }

    /// The view with `step - 1` zeros between neighbours along an axis.
    fn spread(&mut self, view: View, axis: usize, step: usize) -> View {
        if step == 1 {
            return view;
        }
        let mut apart = view.shape.clone();
        apart.insert(axis + 1, 1);
        let apart = view.reshape(&apart).expect("a new axis of one index needs no stride");
        let mut shape = apart.shape.clone();
        shape[axis + 1] = step - 1;
        let between = self.zeros(self.nodes.buffer(view.buffer).dtype, &shape);
        shape[axis + 1] = step;
        let joined = self.concatenate(&[apart, between], axis + 1, &shape);
        let mut spread = view.shape;
        let count = spread[axis];
        spread[axis] = count * step;
        let spread = View::contiguous(joined.buffer, &spread);
        let mut used = spread.shape.clone();
        used[axis] = (count - 1) * step + 1;
        spread.slice(&vec![0; used.len()], &vec![1; used.len()], &used)
    }

    /// The view from index `start` of an axis of `size` indices on, and zeros before and after it.
    fn surround(&mut self, view: &View, axis: usize, start: usize, size: usize) -> View {
        let dtype = self.nodes.buffer(view.buffer).dtype;
        let mut zeros = |count: usize| {
            let mut shape = view.shape.clone();
            shape[axis] = count;
            self.zeros(dtype, &shape)
        };
        let parts = [zeros(start), view.clone(), zeros(size - start - view.shape[axis])];
        let mut shape = view.shape.clone();
        shape[axis] = size;
        self.concatenate(&parts, axis, &shape)
    }

    /// The rows of each axis read from the last to the first.
    pub(super) fn reverse(&mut self, x: View, axes: &[usize]) -> View {
        axes.iter().fold(x, |view, &axis| match view.elements() {
            0 => view,
            _ => self.reversed(view, axis),
        })
    }

    fn reversed(&mut self, view: View, axis: usize) -> View {
        let size = view.shape[axis];
        if size > LONGEST {
            let [first, last] = [0..LONGEST, LONGEST..size].map(|part| {
                let (mut start, mut shape) = (vec![0; view.shape.len()], view.shape.clone());
                (start[axis], shape[axis]) = (part.start, part.len());
                view.slice(&start, &vec![1; start.len()], &shape)
            });
            let parts = [self.reversed(last, axis), self.reversed(first, axis)];
            return self.concatenate(&parts, axis, &view.shape);
        }
        let indices = Tensor::from_fn([size], |i| (size - 1 - i) as i32);
        let indices = self.buffer(DType::I32, size, Origin::Constant(Arc::new(indices)));
        let shape = view.shape.clone();
        self.gather(&Gather { axis, batch: 0 }, view, View::contiguous(indices, &[size]), &shape)
    }

    pub(super) fn gather(&mut self, op: &Gather, x: View, indices: View, shape: &[usize]) -> View {
        let lookup = Lookup::new(&x.shape, &indices.shape, op.axis, op.batch);
        let dtype = self.nodes.buffer(x.buffer).dtype;
        let whole = vec![self.whole(x), self.whole(indices)];
        self.node(Kind::Gather(lookup), whole, dtype, shape)
    }

    pub(super) fn scatter_add(
        &mut self,
        op: &ScatterAdd,
        updates: View,
        indices: View,
        shape: &[usize],
    ) -> View {
        let lookup = Lookup::new(shape, &indices.shape, op.axis, op.batch);
        let dtype = self.nodes.buffer(updates.buffer).dtype;
        let whole = vec![self.whole(updates), self.whole(indices)];
        self.node(Kind::ScatterAdd(lookup), whole, dtype, shape)
    }

    /// The words of key and counter are the same for all elements.
    pub(super) fn random_bits(&mut self, op: &RandomBits, key: &View, counter: &View) -> View {
        let word = |position: usize| key.slice(&[position], &[1], &[1]).select(&[]);
        let words = [word(0), word(1), counter.clone()].map(|word| word.broadcast(&op.shape, &[]));
        self.node(Kind::Map(MapOp::Random), words.to_vec(), DType::I32, &op.shape)
    }
}
