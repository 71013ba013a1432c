//! Reading and adding at indices along one axis.

use graph::ops::{Gather, ScatterAdd};

use super::program::{Program, Term, Type, array, list};

/// The axes of the longer operand, `[B.., pre.., I.., post..]`.
struct Places {
    batch: usize,
    axis: usize,
    /// The number of axes `I..`.
    indices: usize,
    rank: usize,
}

impl Places {
    fn new(batch: usize, axis: usize, indices: &Type, rank: usize) -> Self {
        Self { batch, axis, indices: indices.shape.len() - batch, rank }
    }

    /// The axes `pre..` and `post..`: windows in the words of StableHLO.
    fn windows(&self) -> String {
        list((self.batch..self.axis).chain(self.axis + self.indices..self.rank))
    }

    /// The axes that all operands share.
    fn shared(&self) -> String {
        list(0..self.batch)
    }
}

impl Program {
    /// StableHLO clamps indices; here what is out of range reads zero.
    pub(super) fn gather(&mut self, op: &Gather, x: &Term, indices: &Term, ty: Type) -> Term {
        let places = Places::new(op.batch, op.axis, &indices.ty, ty.shape.len());
        let mut sizes = x.ty.shape.clone();
        sizes[..op.batch].fill(1);
        sizes[op.axis] = 1;
        let properties = format!(
            "dimension_numbers = #stablehlo.gather<offset_dims = [{}], collapsed_slice_dims = [{}], \
             operand_batching_dims = [{shared}], start_indices_batching_dims = [{shared}], \
             start_index_map = [{}], index_vector_dim = {}>, slice_sizes = {}, indices_are_sorted = false",
            places.windows(),
            op.axis,
            op.axis,
            indices.ty.shape.len(),
            array(sizes),
            shared = places.shared(),
        );
        let read = self.op("gather", &[x, indices], &properties, ty);
        let valid = self.is_below(indices, x.ty.shape[op.axis]);
        let axes: Vec<usize> = (0..op.batch).chain(op.axis..op.axis + places.indices).collect();
        let valid = self.broadcast(&valid, &axes, &read.ty.shape);
        self.or_zero(&valid, &read)
    }

    /// An index out of range adds nothing, in StableHLO as well.
    pub(super) fn scatter_add(&mut self, op: &ScatterAdd, updates: &Term, indices: &Term, ty: &Type) -> Term {
        let places = Places::new(op.batch, op.axis, &indices.ty, updates.ty.shape.len());
        let numbers = format!(
            "update_window_dims = [{}], inserted_window_dims = [{}], input_batching_dims = [{shared}], \
             scatter_indices_batching_dims = [{shared}], scatter_dims_to_operand_dims = [{}], index_vector_dim = {}",
            places.windows(),
            op.axis,
            op.axis,
            indices.ty.shape.len(),
            shared = places.shared(),
        );
        self.scatter(&numbers, updates, indices, ty)
    }

    /// Zeros of `ty` with the updates added at their indices.
    pub(super) fn scatter(&mut self, numbers: &str, updates: &Term, indices: &Term, ty: &Type) -> Term {
        let zeros = self.number(0, ty);
        let region = self.combining("add", &ty.scalar());
        let properties = format!(
            "scatter_dimension_numbers = #stablehlo.scatter<{numbers}>, indices_are_sorted = false, \
             unique_indices = false"
        );
        let operands = [&zeros, indices, updates];
        let [result] = self.op_with("scatter", &operands, &properties, Some(&region), [ty.clone()]);
        result
    }
}
