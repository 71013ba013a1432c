//! Mixing the slots of a tensor's axis by matrices.

use std::ops::Range;

use faer::Mat;
use tensor::{Tensor, parallel};

use crate::{Exponents, Matrix, Slots};

/// Columns multiplied by one parallel task; ours: the matrix is read once for so many.
const COLUMNS: usize = 256;

/// Tasks whose products are held at once; ours: enough for many threads, and few enough that memory is used again.
const CHUNKS: usize = 64;

/// Replaces the slots of each copy along an axis by their sums with the entries of the copy's matrix, or of its transposed inverse for
/// ranks of power −1. The tensor holds `f64`.
pub(crate) fn mix(tensor: &mut Tensor, axis: usize, slots: &Slots, powers: &Exponents, matrices: &[Matrix]) {
    let shape = tensor.shape().clone();
    let inner: usize = shape[axis + 1..].iter().product();
    let outer: usize = shape[..axis].iter().product();
    let Ok(values) = tensor.as_mut_slice::<f64>() else { return };
    let is_dual = |rank: &usize| powers.of(*rank) < 0;
    let base = |column: usize| column / inner * shape[axis] * inner + column % inner;
    let parts = matrices.iter().enumerate().flat_map(|(copy, matrix)| {
        let part = move |(slots, part): (Vec<usize>, Matrix)| {
            (slots.into_iter().map(|slot| copy * matrix.size() + slot).collect::<Vec<_>>(), part)
        };
        matrix.parts().into_iter().map(part)
    });
    for (mixed, matrix) in parts {
        let dual = (0..slots.block).any(|rank| is_dual(&rank)).then(|| matrix.inverse().transposed().dense());
        let own = matrix.dense();
        for rank in 0..slots.block {
            let dense = dual.as_ref().filter(|_| is_dual(&rank)).unwrap_or(&own);
            let rows: Vec<usize> = mixed.iter().map(|&slot| slots.slot(slot)[rank] * inner).collect();
            multiply(values, dense, &rows, outer * inner, base);
        }
    }
}

/// Multiplies columns, whose rows are at `rows` after their bases.
fn multiply(
    values: &mut [f64],
    matrix: &Mat<f64>,
    rows: &[usize],
    columns: usize,
    base: impl Fn(usize) -> usize + Copy + Sync + Send,
) {
    let chunks: Vec<Range<usize>> =
        (0..columns).step_by(COLUMNS).map(|first| first..(first + COLUMNS).min(columns)).collect();
    for chunks in chunks.chunks(CHUNKS) {
        let products = parallel::map(chunks.len(), |chunk| {
            let own = Mat::from_fn(rows.len(), chunks[chunk].len(), |row, column| {
                values[base(chunks[chunk].start + column) + rows[row]]
            });
            matrix * own
        });
        for (chunk, product) in chunks.iter().zip(&products) {
            for (at, column) in chunk.clone().enumerate() {
                let base = base(column);
                rows.iter().enumerate().for_each(|(row, offset)| values[base + offset] = product[(row, at)]);
            }
        }
    }
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
