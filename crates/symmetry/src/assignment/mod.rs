//! Linear assignment: one column for each row of a dense square matrix, with the best sum.
//!
//! The method is that of Jonker and Volgenant (1987): starting prices from column minima, bids, shortest augmenting
//! paths. Ours differs in that rows are centred before the column minima are taken, that bids and paths read a short
//! list of each row's cheap columns and sweep the row only when a bound says that the list may miss something, and
//! that bidding stops after a fixed number of bids. The matrix is f32 and is neither copied nor negated; duals and sums
//! are f64.
//!
//! Results are exact up to f64 rounding, which [`Certificate`] measures. Equal inputs give equal bits on every machine:
//! but for the first sweep, which takes minima, one thread works, sums have a fixed order, and among equals the lowest
//! index of those under consideration wins.

mod bidding;
mod certificate;
mod check;
mod costs;
mod dense_search;
mod error;
mod opening;
mod outcome;
mod shortlist;
mod solve;
mod sparse_search;
mod state;
mod two_least;
mod warm;

pub use certificate::{Certificate, certify};
pub use error::AssignmentError;
pub use outcome::{Assignment, Goal, Warm};

use costs::Costs;
use state::State;

/// Finds the assignment with the largest sum of gains.
///
/// `gain` is row-major, `n × n`, finite. `warm` is a start from an earlier problem; without one, prices are found from
/// the matrix. For `n = 0` the assignment is empty.
///
/// # Errors
/// A matrix that is not `n × n` or not finite; a warm start of another size, with duals that are not finite, or whose
/// columns are not a permutation.
///
/// ```
/// use isoloss_symmetry::assignment::maximise;
/// let best = maximise(&[4.0, 1.0, 3.0, 2.0, 0.0, 5.0, 3.0, 2.0, 2.0], 3, None)?;
/// assert_eq!(best.row_to_col, [0, 2, 1]);
/// assert_eq!(best.objective, 11.0);
/// # Ok::<(), isoloss_symmetry::assignment::AssignmentError>(())
/// ```
pub fn maximise(gain: &[f32], n: usize, warm: Option<Warm<'_>>) -> Result<Assignment, AssignmentError> {
    solve::<true>(gain, n, warm)
}

/// Finds the assignment with the smallest sum of costs.
///
/// `cost` is row-major, `n × n`, finite; otherwise as [`maximise`].
///
/// # Errors
/// As [`maximise`].
pub fn minimise(cost: &[f32], n: usize, warm: Option<Warm<'_>>) -> Result<Assignment, AssignmentError> {
    solve::<false>(cost, n, warm)
}

fn solve<const NEGATE: bool>(
    matrix: &[f32],
    n: usize,
    warm: Option<Warm<'_>>,
) -> Result<Assignment, AssignmentError> {
    check::shape(matrix, n)?;
    let mut state = State::new(Costs::<NEGATE>::new(matrix, n));
    let magnitude = match warm {
        None => opening::centred_minima(state.costs, &mut state.prices),
        Some(warm) => warm::adopt(&mut state, warm)?,
    };
    if !magnitude.is_finite()
        && let Some(error) = check::first_not_finite(matrix, n)
    {
        return Err(error);
    }
    solve::complete(&mut state);
    Ok(outcome(&state))
}

fn outcome<const NEGATE: bool>(state: &State<'_, NEGATE>) -> Assignment {
    let sign = if NEGATE { -1.0 } else { 1.0 };
    let rows = 0..state.costs.n();
    Assignment {
        goal: if NEGATE { Goal::Maximise } else { Goal::Minimise },
        row_to_col: state.row_to_col.clone(),
        row_duals: rows.map(|row| sign * state.row_dual(row)).collect(),
        col_duals: state.prices.iter().map(|price| sign * price).collect(),
        // plus zero, so that no sum is minus zero
        objective: sign * state.total() + 0.0,
    }
}
