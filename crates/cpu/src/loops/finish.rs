//! Combining the partial results of a reduction.

#![expect(unsafe_code, reason = "partial results lie in shared memory")]

use super::{Reduction, cell::Cell, grid::Grid, ops};
use crate::{
    isa::Isa,
    memory::Memory,
    node::{Along, Fold},
};

/// Writes a reduction's result, if the tiles have not already done so.
pub(crate) fn finish<T: Cell>(grid: &Grid, reduction: &Reduction, memory: &Memory<'_>, isa: Isa) {
    let count = match reduction.along {
        Along::Rows => grid.columns,
        Along::Columns => grid.rows,
    };
    if grid.elements() == 0 {
        // SAFETY: no thread of the loop is running.
        return unsafe { memory.write::<T>(reduction.result, 0..count) }.fill(empty(reduction.fold));
    }
    let Some(partials) = reduction.partials else { return };
    // SAFETY: no thread of the loop is running any more, and results and partial results are distinct buffers.
    let out = unsafe { memory.write::<T>(reduction.result, 0..count) };
    match reduction.along {
        Along::Columns => {
            let per_row = grid.tiles_per_row();
            // SAFETY: as above; the tiles have written every partial result.
            let partials = unsafe { memory.read::<T>(partials, 0..count * per_row) };
            for (out, parts) in out.iter_mut().zip(partials.chunks(per_row)) {
                *out = ops::fold(isa, reduction.fold, parts);
            }
        }
        Along::Rows => {
            // SAFETY: as above.
            let partials = unsafe { memory.write::<T>(partials, 0..count * grid.row_blocks()) };
            add_as_tree(isa, reduction.fold, partials, count);
            out.copy_from_slice(&partials[..count]);
        }
    }
}

/// The result of folding nothing; the type rules admit that for sums only.
fn empty<T: Cell>(fold: Fold) -> T {
    match fold {
        Fold::Sum => T::default(),
        Fold::Max => T::LEAST,
    }
}

/// Folds all rows of `width` elements into the first one, as a binary tree.
pub(super) fn add_as_tree<T: Cell>(isa: Isa, fold: Fold, rows: &mut [T], width: usize) {
    let count = rows.len() / width;
    let mut distance = 1;
    while distance < count {
        for pair in rows.chunks_mut(2 * distance * width) {
            if pair.len() > distance * width {
                let (left, right) = pair.split_at_mut(distance * width);
                ops::combine(isa, fold, &mut left[..width], &right[..width]);
            }
        }
        distance *= 2;
    }
}
