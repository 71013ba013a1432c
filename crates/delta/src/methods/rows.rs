//! What is done to each row, or each column, of a tensor by itself.

use tensor::Shape;

use super::{
    chunks::{Chunks, Inputs, subtract_base},
    geometry::{Products, nuslerp},
};
use crate::DeltaError;

/// The length of the vectors along the last axis; 1 for a scalar.
pub(super) fn last_axis(shape: &Shape) -> usize {
    shape.last().copied().unwrap_or(1).max(1)
}

/// What stands under one index of the first axis. A tensor of one axis is one such row.
pub(super) fn first_axis_slices(shape: &Shape) -> usize {
    match shape.rank() {
        0 | 1 => shape.elements().max(1),
        _ => shape[1..].iter().product::<usize>().max(1),
    }
}

/// For each element of whole slices its rank by magnitude along the second axis, as a fraction: 0 for the smallest, 1 for the
/// largest. Of equal ones the earlier is the smaller. Along an axis of one element the rank is 0.
pub(super) fn ranks(elements: &[f32], shape: &Shape) -> Vec<f32> {
    let slice = first_axis_slices(shape);
    let (axis, inner) = match shape.rank() {
        0 | 1 => (slice, 1),
        _ => (shape[1].max(1), shape[2..].iter().product::<usize>().max(1)),
    };
    let mut ranks = vec![0.0; elements.len()];
    let mut order: Vec<usize> = Vec::with_capacity(axis);
    let steps = (axis - 1).max(1) as f32;
    for begin in (0..elements.len()).step_by(slice) {
        for first in begin..begin + inner {
            order.clear();
            order.extend((0..axis).map(|index| first + index * inner));
            order.sort_by(|&a, &b| elements[a].abs().total_cmp(&elements[b].abs()));
            order.iter().enumerate().for_each(|(rank, &place)| ranks[place] = rank as f32 / steps);
        }
    }
    ranks
}

/// The two weights of [`nuslerp`] for each column of a matrix of `columns` columns: each is a vector along the first axis.
pub(super) fn column_weights(
    chunks: Chunks,
    inputs: &dyn Inputs,
    models: [usize; 2],
    base: Option<usize>,
    columns: usize,
    t: f64,
) -> Result<Vec<[f32; 2]>, DeltaError> {
    let mut sums = vec![[0f64; 3]; columns];
    chunks.in_order(inputs, |chunk| {
        subtract_base(chunk.columns, base);
        let (left, right) = (&chunk.columns[models[0]], &chunk.columns[models[1]]);
        for (offset, (&a, &b)) in left.iter().zip(right).enumerate() {
            let (a, b) = (f64::from(a), f64::from(b));
            let sums = &mut sums[(chunk.start + offset) % columns];
            sums.iter_mut().zip([a * a, a * b, b * b]).for_each(|(sum, product)| *sum += product);
        }
    })?;
    Ok(sums
        .iter()
        .map(|sums| nuslerp(&Products::from_values(2, sums.to_vec()), t).map(|w| w as f32))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_run_along_the_second_axis() {
        let matrix = [1.0, -3.0, 2.0, 0.0, 0.0, 5.0];
        assert_eq!(ranks(&matrix, &Shape::from([2, 3])), [0.0, 1.0, 0.5, 0.0, 0.5, 1.0]);
        assert_eq!(ranks(&matrix, &Shape::from([6])), [0.4, 0.8, 0.6, 0.0, 0.2, 1.0]);
        assert_eq!(ranks(&matrix, &Shape::from([1, 3, 2])), [0.5, 0.5, 1.0, 0.0, 0.0, 1.0]);
        assert_eq!(ranks(&matrix, &Shape::from([6, 1])), [0.0; 6]);
    }
}
