//! Assignments with their duals, and warm starts made of them.

use super::AssignmentError;
use super::certificate::{Certificate, certify};

/// What is sought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// The largest sum of entries.
    Maximise,
    /// The smallest sum of entries.
    Minimise,
}

/// One column for each row, and the duals that prove it best.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    /// What was sought.
    pub goal: Goal,
    /// The column of each row: a permutation of `0..n`.
    pub row_to_col: Vec<u32>,
    /// Row duals `u`, in units of the entries.
    pub row_duals: Vec<f64>,
    /// Column duals `v`, in units of the entries. With `m` the matrix, `u[i] + v[j] ≥ m[i][j]` for all `i` and `j` when
    /// maximising and `≤` when minimising, with equality on the assignment; both up to rounding.
    pub col_duals: Vec<f64>,
    /// The sum of the assigned entries, added in f64 in row order.
    pub objective: f64,
}

impl Assignment {
    /// Checks the assignment against the matrix it was made from, by a plain computation that shares nothing with the
    /// solver. Time and reads are `n²`.
    ///
    /// # Errors
    /// As [`certify`].
    pub fn certificate(&self, matrix: &[f32]) -> Result<Certificate, AssignmentError> {
        certify(matrix, self)
    }

    /// A start for a similar problem with the same goal.
    pub fn warm(&self) -> Warm<'_> {
        Warm { row_to_col: &self.row_to_col, col_duals: &self.col_duals }
    }
}

/// A start from an earlier problem with the same goal. Any start leads to an optimum; a good one sooner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Warm<'a> {
    /// The column of each row: a permutation of `0..n`. Rows keep theirs where the duals still allow it.
    pub row_to_col: &'a [u32],
    /// Column duals, finite. Those beyond `2 n` times the largest magnitude of the matrix, where f64 would lose the
    /// entries, are cut to that.
    pub col_duals: &'a [f64],
}
