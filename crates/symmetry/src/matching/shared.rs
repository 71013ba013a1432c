//! Inner products of slots, and what all that are of one shape share: a compiled graph with its memory, and room for B.

use std::collections::{BTreeMap, btree_map::Entry};

use graph::{Argument, Executable, Executor};
use tensor::{DType, Tensor};

use super::gains::products;
use crate::SymmetryError;

/// Sizes of an operand and the axis of its slots.
type Form = (Vec<usize>, usize);

/// Computes inner products. A network has few shapes and many parameters, so the memory is that of the shapes.
pub(super) struct SharedProducts<'a> {
    executor: &'a dyn Executor,
    compiled: BTreeMap<Form, Box<dyn Executable>>,
    rooms: BTreeMap<Vec<usize>, Tensor>,
}

impl<'a> SharedProducts<'a> {
    pub(super) const fn new(executor: &'a dyn Executor) -> Self {
        Self { executor, compiled: BTreeMap::new(), rooms: BTreeMap::new() }
    }

    /// The matrix of the inner products of the slots of `a` along `axis` with those of `b`, both of type `f32`.
    pub(super) fn of(&mut self, a: &Tensor, b: &Tensor, axis: usize) -> Result<Tensor, SymmetryError> {
        let executable = match self.compiled.entry((a.shape().to_vec(), axis)) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(self.executor.compile(&products(a.shape(), axis), &[])?),
        };
        let mut results = executable.run(vec![Argument::Borrowed(a), Argument::Borrowed(b)])?;
        Ok(results.swap_remove(0))
    }

    /// The same with a `b` that `write` writes into room of the shape of `a`.
    pub(super) fn of_written(
        &mut self,
        a: &Tensor,
        axis: usize,
        write: impl FnOnce(&mut Tensor),
    ) -> Result<Tensor, SymmetryError> {
        let sizes = a.shape().to_vec();
        let room = self.rooms.remove(&sizes);
        let mut b = room.unwrap_or_else(|| Tensor::zeros(DType::F32, a.shape().clone()));
        write(&mut b);
        let matrix = self.of(a, &b, axis);
        self.rooms.insert(sizes, b);
        matrix
    }

    /// The number of forms of operands so far.
    #[cfg(test)]
    pub(super) fn forms(&self) -> usize {
        self.compiled.len()
    }
}
