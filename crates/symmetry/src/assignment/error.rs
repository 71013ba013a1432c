//! What can be wrong with an assignment problem.

use thiserror::Error;

/// Why a matrix, a warm start or a claimed assignment was refused.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum AssignmentError {
    /// The matrix does not have `n × n` entries.
    #[error("assignment: matrix of {n} rows: expected {n} × {n} entries, found {found}")]
    Length {
        /// Rows asked for.
        n: usize,
        /// Entries given.
        found: usize,
    },
    /// More rows than can be numbered.
    #[error("assignment: matrix of {n} rows: expected at most {most}")]
    TooLarge {
        /// Rows asked for.
        n: usize,
        /// The most that are possible.
        most: usize,
    },
    /// An entry is NaN or infinite.
    #[error(
        "assignment: matrix entry [{row}, {col}]: expected a finite number, found {value}; \
         a pair that must not be chosen needs a large finite entry instead"
    )]
    NotFinite {
        /// Row of the first such entry.
        row: usize,
        /// Its column.
        col: usize,
        /// The entry.
        value: f32,
    },
    /// A list of duals or of columns does not have one item per row or column.
    #[error("assignment: {what}: expected {n} items, found {found}")]
    Items {
        /// Which list.
        what: &'static str,
        /// Items expected.
        n: usize,
        /// Items given.
        found: usize,
    },
    /// A dual is NaN or infinite.
    #[error("assignment: {what}, item {index}: expected a finite number, found {value}")]
    DualNotFinite {
        /// Which duals.
        what: &'static str,
        /// Position of the first such dual.
        index: usize,
        /// The dual.
        value: f64,
    },
    /// A row's column does not exist or belongs to an earlier row already.
    #[error(
        "assignment: column {col} of row {row}: expected each of the columns 0 to n − 1 once, found {col} {fault}"
    )]
    NotPermutation {
        /// The row.
        row: usize,
        /// The column claimed for it.
        col: u32,
        /// "twice" or "out of range".
        fault: &'static str,
    },
}
