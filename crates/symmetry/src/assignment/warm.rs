//! Starting from an earlier solution.

use pulp::Arch;

use super::AssignmentError;
use super::check::{finite_duals, permutation};
use super::opening::magnitude;
use super::outcome::Warm;
use super::state::State;
use super::two_least::two_least;

/// Takes over the prices, and the columns of those rows for which they are still the cheapest, up to rounding. Returns
/// the largest magnitude of the matrix; where that is not finite nothing is taken over.
pub(super) fn adopt<const NEGATE: bool>(
    state: &mut State<'_, NEGATE>,
    warm: Warm<'_>,
) -> Result<f32, AssignmentError> {
    let n = state.costs.n();
    permutation("warm start's row_to_col", warm.row_to_col, n)?;
    finite_duals("warm start's column duals", warm.col_duals, n)?;
    let magnitude = magnitude(state.costs.entries());
    if magnitude.is_finite() {
        adopt_prices(state, warm.col_duals, f64::from(magnitude));
        adopt_columns(state, warm.row_to_col);
    }
    Ok(magnitude)
}

fn adopt_prices<const NEGATE: bool>(state: &mut State<'_, NEGATE>, duals: &[f64], magnitude: f64) {
    let sign = if NEGATE { -1.0 } else { 1.0 };
    let most = 2.0 * duals.len() as f64 * magnitude;
    for (price, dual) in state.prices.iter_mut().zip(duals) {
        *price = (sign * dual).clamp(-most, most);
    }
}

fn adopt_columns<const NEGATE: bool>(state: &mut State<'_, NEGATE>, row_to_col: &[u32]) {
    let arch = Arch::new();
    for (row, &col) in row_to_col.iter().enumerate() {
        let col = col as usize;
        let (two, _) = two_least::<NEGATE>(arch, state.costs.row(row), &state.prices);
        let cost = state.costs.at(row, col);
        let rounding = 4.0 * f64::EPSILON * (f64::from(cost).abs() + state.prices[col].abs());
        if f64::from(cost) - state.prices[col] <= two.least + rounding {
            state.give(row, col, cost);
        }
    }
}
