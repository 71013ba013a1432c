//! Refusals of malformed problems and claims.

use super::AssignmentError;

/// Rows and columns share one 32-bit numbering in the searches, whose last number means "none".
const MOST_ROWS: usize = (u32::MAX / 2) as usize;

/// Refuses a matrix of other than `n × n` entries.
pub(super) fn shape(matrix: &[f32], n: usize) -> Result<(), AssignmentError> {
    if n > MOST_ROWS {
        return Err(AssignmentError::TooLarge { n, most: MOST_ROWS });
    }
    if n.checked_mul(n) != Some(matrix.len()) {
        return Err(AssignmentError::Length { n, found: matrix.len() });
    }
    Ok(())
}

/// Refuses a matrix of other than `n × n` finite entries.
pub(super) fn square(matrix: &[f32], n: usize) -> Result<(), AssignmentError> {
    shape(matrix, n)?;
    first_not_finite(matrix, n).map_or(Ok(()), Err)
}

/// Names the first entry of an `n × n` matrix that is not finite, if any.
pub(super) fn first_not_finite(matrix: &[f32], n: usize) -> Option<AssignmentError> {
    let index = matrix.iter().position(|x| !x.is_finite())?;
    Some(AssignmentError::NotFinite { row: index / n, col: index % n, value: matrix[index] })
}

/// Refuses other than `n` finite duals.
pub(super) fn finite_duals(what: &'static str, duals: &[f64], n: usize) -> Result<(), AssignmentError> {
    items(what, duals.len(), n)?;
    match duals.iter().position(|x| !x.is_finite()) {
        Some(index) => Err(AssignmentError::DualNotFinite { what, index, value: duals[index] }),
        None => Ok(()),
    }
}

/// Refuses columns that are not a permutation of `0..n`.
pub(super) fn permutation(what: &'static str, cols: &[u32], n: usize) -> Result<(), AssignmentError> {
    items(what, cols.len(), n)?;
    let mut seen = vec![false; n];
    for (row, &col) in cols.iter().enumerate() {
        let fault = match seen.get(col as usize) {
            None => "out of range",
            Some(true) => "twice",
            Some(false) => {
                seen[col as usize] = true;
                continue;
            }
        };
        return Err(AssignmentError::NotPermutation { row, col, fault });
    }
    Ok(())
}

fn items(what: &'static str, found: usize, n: usize) -> Result<(), AssignmentError> {
    if found == n { Ok(()) } else { Err(AssignmentError::Items { what, n, found }) }
}
