//! The order of work: starting prices, bids, path searches.

use super::bidding::{bid_in_turn, bid_once};
use super::dense_search::DenseSearch;
use super::shortlist::Shortlists;
use super::sparse_search::SparseSearch;
use super::state::State;

/// Most rows in a row that skip the sparse search after it has failed again and again. Ours: a failed search costs
/// little of what a dense one does, so one in 32 is a cheap way to learn that the lists serve again.
const MOST_SKIPPED: u32 = 32;

/// Completes an assignment from any prices.
pub(super) fn complete<const NEGATE: bool>(state: &mut State<'_, NEGATE>) {
    let outbid = bid_once(state);
    if outbid.is_empty() {
        return;
    }
    let mut lists = Shortlists::new(state.costs.n());
    bid_in_turn(state, &mut lists, outbid);
    search(state, &mut lists);
}

/// Assigns the remaining rows, each along a cheapest path.
fn search<const NEGATE: bool>(state: &mut State<'_, NEGATE>, lists: &mut Shortlists) {
    let n = state.costs.n();
    let (mut sparse, mut dense) = (SparseSearch::new(n), DenseSearch::new(n));
    let (mut skip, mut skip_next) = (0, 1);
    for row in state.unassigned() {
        let row = row as usize;
        if skip > 0 {
            skip -= 1;
        } else if sparse.assign(state, lists, row) {
            skip_next = 1;
            continue;
        } else {
            skip = skip_next;
            skip_next = MOST_SKIPPED.min(2 * skip_next);
        }
        dense.assign(state, row);
    }
}
