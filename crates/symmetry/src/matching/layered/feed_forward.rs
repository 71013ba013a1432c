//! Gated units: which is which, and with which sign.

use tensor::{Tensor, parallel};

use super::{
    layer::Layer,
    products::{Products, elements, elements_mut},
};
use crate::{SymmetryError, assignment};

/// What becomes of the units of a gated layer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Units {
    /// For each place the unit of B that goes there.
    pub(super) from: Vec<u32>,
    /// The sign, by place, of its row upward and its column downward.
    pub(super) signs: Vec<f32>,
}

impl Units {
    /// The assignment with the largest inner product, and how far its sum is from the best at most. The gate counts as it is, rows upward and columns downward
    /// together with the better sign.
    pub(super) fn best(
        products: &mut Products<'_>,
        a: &Layer,
        b: &Layer,
        name: &str,
    ) -> Result<(Self, f64), SymmetryError> {
        let mut signed = products.of(&a.up, &b.up, [1, 1])?;
        let down = products.of(&a.down, &b.down, [0, 0])?;
        accumulate(&mut signed, &down, |sum, more| sum + more);
        drop(down);
        let mut gains = products.of(&a.gate, &b.gate, [1, 1])?;
        accumulate(&mut gains, &signed, |sum, more| sum + more.abs());
        let hidden = gains.shape()[0];
        let fault = |source| SymmetryError::Assignment { generator: name.to_owned(), source };
        let best = assignment::maximise(elements(&gains), hidden, None).map_err(fault)?;
        let gap = best.certificate(elements(&gains)).map_err(fault)?.suboptimality();
        let turned = elements(&signed);
        let sign = |(row, &from): (usize, &u32)| {
            if turned[row * hidden + from as usize] < 0.0 { -1.0 } else { 1.0 }
        };
        let signs = best.row_to_col.iter().enumerate().map(sign).collect();
        Ok((Self { from: best.row_to_col, signs }, gap))
    }

    /// Rows of units in their places, with signs where these matter.
    pub(super) fn rows(&self, matrix: &Tensor, has_sign: bool) -> Tensor {
        let (values, columns) = (elements(matrix), matrix.shape()[1]);
        let mut moved = matrix.clone();
        parallel::for_each_chunk(elements_mut(&mut moved), columns, |start, row: &mut [f32]| {
            let place = start / columns;
            row.copy_from_slice(&values[self.from[place] as usize * columns..][..columns]);
            if has_sign && self.signs[place] < 0.0 {
                row.iter_mut().for_each(|entry| *entry = -*entry);
            }
        });
        moved
    }

    /// Columns of units in their places, with signs.
    pub(super) fn columns(&self, matrix: &Tensor) -> Tensor {
        let (values, columns) = (elements(matrix), matrix.shape()[1]);
        let mut moved = matrix.clone();
        parallel::for_each_chunk(elements_mut(&mut moved), columns, |start, row: &mut [f32]| {
            let line = &values[start..start + columns];
            let places = self.from.iter().zip(&self.signs);
            row.iter_mut().zip(places).for_each(|(entry, (&from, sign))| *entry = sign * line[from as usize]);
        });
        moved
    }

    /// Numbers of units, brought to the places of these.
    pub(super) fn list(&self, numbers: &[f32]) -> Vec<f32> {
        self.from.iter().map(|&from| numbers[from as usize]).collect()
    }
}

/// Changes each entry of a matrix by that of another.
fn accumulate(sum: &mut Tensor, more: &Tensor, change: impl Fn(f32, f32) -> f32 + Sync) {
    const CHUNK: usize = 1 << 16;
    let more = elements(more);
    parallel::for_each_chunk(elements_mut(sum), CHUNK, |start, part: &mut [f32]| {
        part.iter_mut().zip(&more[start..]).for_each(|(sum, &more)| *sum = change(*sum, more));
    });
}
