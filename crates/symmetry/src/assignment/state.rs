//! The state of a solve: who has what, at which prices.

use super::costs::Costs;

/// Marks a row without a column, and a column without a row.
pub(super) const NONE: u32 = u32::MAX;

/// A partial assignment in which every assigned row has a column of least reduced cost, up to rounding.
pub(super) struct State<'a, const NEGATE: bool> {
    pub(super) costs: Costs<'a, NEGATE>,
    /// Column duals. They only ever fall.
    pub(super) prices: Vec<f64>,
    pub(super) row_to_col: Vec<u32>,
    pub(super) col_to_row: Vec<u32>,
    /// The cost of each assigned row's column.
    paid: Vec<f32>,
}

impl<'a, const NEGATE: bool> State<'a, NEGATE> {
    /// Nothing assigned, prices zero.
    pub(super) fn new(costs: Costs<'a, NEGATE>) -> Self {
        let n = costs.n();
        Self {
            costs,
            prices: vec![0.0; n],
            row_to_col: vec![NONE; n],
            col_to_row: vec![NONE; n],
            paid: vec![0.0; n],
        }
    }

    /// Whether nobody has the column.
    pub(super) fn is_free(&self, col: usize) -> bool {
        self.col_to_row[col] == NONE
    }

    /// Gives the column, of the given cost, to the row. The former owner is returned and has nothing then.
    pub(super) fn give(&mut self, row: usize, col: usize, cost: f32) -> Option<u32> {
        let former = std::mem::replace(&mut self.col_to_row[col], row as u32);
        self.row_to_col[row] = col as u32;
        self.paid[row] = cost;
        if former == NONE || former == row as u32 {
            return None;
        }
        self.row_to_col[former as usize] = NONE;
        Some(former)
    }

    /// Gives the free column at the end of a path to the row before it, that row's column to the row before, and so
    /// on until the row that had none. `before[col]` is the row that precedes a column on the path.
    pub(super) fn shift(&mut self, end: u32, before: &[u32]) {
        let mut col = end;
        while col != NONE {
            let row = before[col as usize];
            let next = std::mem::replace(&mut self.row_to_col[row as usize], col);
            self.col_to_row[col as usize] = row;
            self.paid[row as usize] = self.costs.at(row as usize, col as usize);
            col = next;
        }
    }

    /// The dual of an assigned row: the reduced cost of what it has.
    pub(super) fn row_dual(&self, row: usize) -> f64 {
        f64::from(self.paid[row]) - self.prices[self.row_to_col[row] as usize]
    }

    /// The rows without a column, ascending.
    pub(super) fn unassigned(&self) -> Vec<u32> {
        (0..self.row_to_col.len() as u32).filter(|&row| self.row_to_col[row as usize] == NONE).collect()
    }

    /// The sum of what the rows pay, added in f64 in row order.
    pub(super) fn total(&self) -> f64 {
        self.paid.iter().fold(0.0, |sum, &cost| sum + f64::from(cost))
    }
}
