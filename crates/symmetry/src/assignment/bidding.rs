//! Rows bid for their cheapest columns: the augmenting row reduction of Jonker and Volgenant (1987), Computing 38,
//! 325-340, with an end to its price wars.

use std::collections::VecDeque;

use pulp::Arch;

use super::shortlist::{Cheapest, Shortlists, WANTED};
use super::state::State;
use super::two_least::two_least;

/// Bids per row after which the rest is left to the path searches. Ours, because beyond it a bid finds a free column
/// too rarely to pay, and because rows that want the same few columns can outbid each other by ever so little for ever
/// so long.
const BIDS_PER_ROW: usize = 8;

/// Every row without a column bids once, in order, by a sweep over its whole row. Returns the rows without a column
/// after that.
pub(super) fn bid_once<const NEGATE: bool>(state: &mut State<'_, NEGATE>) -> VecDeque<u32> {
    let arch = Arch::new();
    let mut outbid = VecDeque::new();
    for row in state.unassigned() {
        let costs = state.costs.row(row as usize);
        let (two, col) = two_least::<NEGATE>(arch, costs, &state.prices);
        let tied = two.next == two.least;
        let col = if tied { free_at(state, row as usize, two.least) } else { Some(col) };
        let Some(col) = col else {
            outbid.push_back(row);
            continue;
        };
        if two.next < f64::INFINITY {
            state.prices[col] -= two.next - two.least;
        }
        outbid.extend(state.give(row as usize, col, state.costs.at(row as usize, col)));
    }
    outbid
}

/// Rows bid in turn from their short lists, and those outbid queue again, until all have a column or the cap is
/// reached.
pub(super) fn bid_in_turn<const NEGATE: bool>(
    state: &mut State<'_, NEGATE>,
    lists: &mut Shortlists,
    mut queue: VecDeque<u32>,
) {
    for _ in 0..BIDS_PER_ROW * state.costs.n() {
        let Some(row) = queue.pop_front() else { return };
        queue.extend(bid(state, lists, row as usize));
    }
}

/// One bid; returns the row that it drove out. Where no bid makes sense the row stays without a column.
fn bid<const NEGATE: bool>(state: &mut State<'_, NEGATE>, lists: &mut Shortlists, row: usize) -> Option<u32> {
    let cheapest = vouched(state, lists, row)?;
    let [first, second] = cheapest.entries;
    let col = first.col as usize;
    let step = cheapest.two.next - cheapest.two.least;
    if step > 0.0 {
        if step < f64::INFINITY {
            state.prices[col] -= step;
        }
        return state.give(row, col, first.cost);
    }
    if let Some(col) = free_tie(state, lists, row, cheapest.two.least) {
        return state.give(row, col, state.costs.at(row, col));
    }
    let ties_off_list = lists.bound(row) <= cheapest.two.least;
    if ties_off_list { None } else { state.give(row, second.col as usize, second.cost) }
}

/// The two cheapest columns of a row, from its list if that can vouch for them, from a new list otherwise. None where
/// even the new list cannot, since more columns than it has room for are as cheap.
fn vouched<const NEGATE: bool>(
    state: &State<'_, NEGATE>,
    lists: &mut Shortlists,
    row: usize,
) -> Option<Cheapest> {
    let cheapest = lists.cheapest(row, &state.prices);
    if cheapest.two.next <= lists.bound(row) {
        return Some(cheapest);
    }
    lists.fill::<NEGATE>(row, state.costs.row(row), &state.prices, WANTED);
    let mut cheapest = lists.cheapest(row, &state.prices);
    cheapest.two.next = cheapest.two.next.min(lists.bound(row));
    (cheapest.two.least <= lists.bound(row)).then_some(cheapest)
}

/// The lowest free column among those of the least reduced cost, looked for beyond the list only where it can be.
fn free_tie<const NEGATE: bool>(
    state: &State<'_, NEGATE>,
    lists: &Shortlists,
    row: usize,
    least: f64,
) -> Option<usize> {
    let tied = |col: usize, cost: f32| state.is_free(col) && f64::from(cost) - state.prices[col] == least;
    let listed = lists.of(row).iter().find(|entry| tied(entry.col as usize, entry.cost));
    match listed {
        Some(entry) => Some(entry.col as usize),
        None if lists.bound(row) > least => None,
        None => free_at(state, row, least),
    }
}

/// The lowest free column of the given reduced cost in the whole row.
fn free_at<const NEGATE: bool>(state: &State<'_, NEGATE>, row: usize, reduced: f64) -> Option<usize> {
    let at = |col: usize| f64::from(state.costs.at(row, col)) - state.prices[col];
    (0..state.costs.n()).find(|&col| state.is_free(col) && at(col) == reduced)
}
