//! Mixing the slots of a tensor's axis by matrices.

use faer::{Accum, Mat, MatMut, MatRef, Par, linalg::matmul::matmul};
use tensor::{Tensor, parallel};

use crate::{Exponents, Matrix, Slots};

/// Columns multiplied at once; ours: the matrix is read once for so many, and a tile of 64 rows stays in a cache.
const COLUMNS: usize = 256;

/// Replaces the slots of each copy along an axis by their sums with the entries of the copy's matrix, or of its transposed inverse for
/// ranks of power −1. The tensor holds `f64`; besides it nothing is held but tiles.
pub(crate) fn mix(tensor: &mut Tensor, axis: usize, slots: &Slots, powers: &Exponents, matrices: &[Matrix]) {
    let shape = tensor.shape().clone();
    let inner: usize = shape[axis + 1..].iter().product();
    let parts = parts(slots, powers, matrices);
    let Ok(values) = tensor.as_mut_slice::<f64>() else { return };
    let slab = shape[axis] * inner;
    match inner {
        _ if slab == 0 => {}
        1 => parallel::for_each_chunk(values, COLUMNS * slab, |_, columns| {
            parts.iter().for_each(|part| part.mix_columns(columns, slab));
        }),
        _ => parallel::for_each_chunk(values, slab, |_, slab| mix_rows(&parts, slab, inner)),
    }
}

/// Indices along an axis that are mixed with each other, and how.
struct Part {
    indices: Vec<usize>,
    matrix: Mat<f64>,
}

fn parts(slots: &Slots, powers: &Exponents, matrices: &[Matrix]) -> Vec<Part> {
    let is_dual = |rank: usize| powers.of(rank) < 0;
    let mut parts = Vec::new();
    for (copy, whole) in matrices.iter().enumerate() {
        for (mixed, matrix) in whole.parts() {
            let dual = (0..slots.block).any(is_dual).then(|| matrix.inverse().transposed().dense());
            let own = matrix.dense();
            for rank in 0..slots.block {
                let index = |slot: &usize| slots.slot(copy * whole.size() + slot)[rank];
                let matrix = dual.as_ref().filter(|_| is_dual(rank)).unwrap_or(&own).clone();
                parts.push(Part { indices: mixed.iter().map(index).collect(), matrix });
            }
        }
    }
    parts
}

impl Part {
    /// Mixes entries of columns that lie one after the other, each of so many.
    fn mix_columns(&self, columns: &mut [f64], size: usize) {
        let (rows, count) = (self.indices.len(), columns.len() / size);
        let mut entries = Vec::with_capacity(rows * count);
        columns
            .chunks(size)
            .for_each(|column| entries.extend(self.indices.iter().map(|&index| column[index])));
        let mut products = vec![0.0; rows * count];
        let entries = MatRef::from_column_major_slice(&entries, rows, count);
        self.multiply(MatMut::from_column_major_slice_mut(&mut products, rows, count), entries);
        for (column, product) in columns.chunks_mut(size).zip(products.chunks(rows)) {
            self.indices.iter().zip(product).for_each(|(&index, &entry)| column[index] = entry);
        }
    }

    /// Mixes a piece of each of its rows.
    fn mix_pieces(&self, pieces: &mut [&mut [f64]]) {
        let (rows, columns) = (pieces.len(), pieces.first().map_or(0, |piece| piece.len()));
        let entries = pieces.concat();
        let mut products = vec![0.0; rows * columns];
        let entries = MatRef::from_row_major_slice(&entries, rows, columns);
        self.multiply(MatMut::from_row_major_slice_mut(&mut products, rows, columns), entries);
        pieces.iter_mut().zip(products.chunks(columns)).for_each(|(piece, row)| piece.copy_from_slice(row));
    }

    fn multiply(&self, product: MatMut<'_, f64>, entries: MatRef<'_, f64>) {
        matmul(product, Accum::Replace, &self.matrix, entries, 1.0, Par::Seq);
    }
}

/// Mixes rows of a length, in pieces that may be mixed at the same time.
fn mix_rows(parts: &[Part], values: &mut [f64], row: usize) {
    let mut rows: Vec<Vec<&mut [f64]>> =
        values.chunks_mut(row).map(|row| row.chunks_mut(COLUMNS).rev().collect()).collect();
    let mut pieces: Vec<(&Part, Vec<&mut [f64]>)> = Vec::new();
    for part in parts {
        for _ in 0..row.div_ceil(COLUMNS) {
            pieces.push((part, part.indices.iter().filter_map(|&index| rows[index].pop()).collect()));
        }
    }
    parallel::for_each_chunk(&mut pieces, 1, |_, pieces| {
        pieces.iter_mut().for_each(|(part, pieces)| part.mix_pieces(pieces));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_mixed_by_rank_and_by_copy() {
        let swap = Matrix::from_fn(2, |row, column| if row == column { 0.0 } else { 2.0 });
        let slots = Slots { block: 1, indices: vec![0, 2, 1, 3] };
        let mut tensor = Tensor::from_fn([2, 4, 2], |i| i as f64);
        mix(&mut tensor, 1, &slots, &Exponents::new(vec![1]), &[swap.clone(), Matrix::identity(2)]);
        assert_eq!(
            tensor.to_f64_vec(),
            [8., 10., 2., 3., 0., 2., 6., 7., 24., 26., 10., 11., 16., 18., 14., 15.]
        );
        let (mut tensor, slots) =
            (Tensor::from_fn([4], |i| i as f64), Slots { block: 2, indices: vec![0, 1, 2, 3] });
        mix(&mut tensor, 0, &slots, &Exponents::new(vec![1, -1]), &[swap]);
        assert_eq!(tensor.to_f64_vec(), [4., 1.5, 0., 0.5]);
    }
}
