//! Cheapest augmenting path over the short lists.
//!
//! Dijkstra's search in which a row's unlisted columns stand in the queue as one item at the distance that its bound
//! allows. When that item comes up the row is swept and its list extended, so the path found is the cheapest of all.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::shortlist::{Shortlists, WANTED};
use super::state::{NONE, State};

/// Columns that a list is extended to when a search has exhausted it. Ours: a second extension of the same list ends
/// the search, so the first should be ample.
const WANTED_MORE: usize = 2 * WANTED;

/// A search is given up when it has extended this many lists, and more than a quarter of those it has read. Ours,
/// because to extend a list costs several times what the dense search spends on a row.
const FEW_EXTENSIONS: usize = 16;

/// Work space of the searches, reused from one to the next.
pub(super) struct SparseSearch {
    distance: Vec<f64>,
    /// The row from which each column was reached.
    before: Vec<u32>,
    reached: Vec<u32>,
    settled: Vec<u32>,
    extended: Vec<bool>,
    extensions: Vec<u32>,
    rows_read: usize,
    /// Columns at `distance`, by number, and after them rows whose unlisted columns are no nearer. Keys are the bits of
    /// non-negative numbers, which sort as the numbers do.
    queue: BinaryHeap<Reverse<(u64, u32)>>,
    nearest_free: (f64, u32),
}

/// A row from which columns are reached.
#[derive(Clone, Copy)]
struct From {
    row: usize,
    distance: f64,
    dual: f64,
}

impl SparseSearch {
    pub(super) fn new(n: usize) -> Self {
        Self {
            distance: vec![f64::INFINITY; n],
            before: vec![NONE; n],
            reached: Vec::new(),
            settled: Vec::new(),
            extended: vec![false; n],
            extensions: Vec::new(),
            rows_read: 0,
            queue: BinaryHeap::new(),
            nearest_free: (f64::INFINITY, NONE),
        }
    }

    /// Gives `row` a column along a cheapest path. False, with nothing changed, where the lists serve too badly.
    pub(super) fn assign<const NEGATE: bool>(
        &mut self,
        state: &mut State<'_, NEGATE>,
        lists: &mut Shortlists,
        row: usize,
    ) -> bool {
        let found = self.explore(state, lists, row);
        if found {
            let (length, end) = self.nearest_free;
            for &col in &self.settled {
                state.prices[col as usize] -= length - self.distance[col as usize];
            }
            state.shift(end, &self.before);
        }
        self.clear();
        found
    }

    fn explore<const NEGATE: bool>(
        &mut self,
        state: &State<'_, NEGATE>,
        lists: &mut Shortlists,
        row: usize,
    ) -> bool {
        let n = state.costs.n();
        lists.ensure::<NEGATE>(row, state.costs.row(row), &state.prices);
        let dual = lists.cheapest(row, &state.prices).two.least.min(lists.bound(row));
        let source = From { row, distance: 0.0, dual };
        self.read(state, lists, source);
        while let Some((key, item)) = self.pop() {
            if (item as usize) < n {
                self.settle(state, lists, item, key);
            } else {
                let row = item as usize - n;
                let from = if row == source.row { source } else { self.from(state, row) };
                if !self.extend(state, lists, from) {
                    return false;
                }
            }
        }
        true
    }

    /// The nearest item of the queue, while it is nearer than the nearest free column.
    fn pop(&mut self) -> Option<(f64, u32)> {
        let Reverse((key, item)) = self.queue.pop()?;
        let key = f64::from_bits(key);
        (key < self.nearest_free.0).then_some((key, item))
    }

    fn from<const NEGATE: bool>(&self, state: &State<'_, NEGATE>, row: usize) -> From {
        let distance = self.distance[state.row_to_col[row] as usize];
        From { row, distance, dual: state.row_dual(row) }
    }

    /// Goes on from the owner of a column, unless the column has since been reached on a shorter way.
    fn settle<const NEGATE: bool>(
        &mut self,
        state: &State<'_, NEGATE>,
        lists: &mut Shortlists,
        col: u32,
        key: f64,
    ) {
        if key > self.distance[col as usize] {
            return;
        }
        self.settled.push(col);
        let row = state.col_to_row[col as usize] as usize;
        lists.ensure::<NEGATE>(row, state.costs.row(row), &state.prices);
        let from = self.from(state, row);
        self.read(state, lists, from);
    }

    /// Reaches the columns on a row's list.
    fn read<const NEGATE: bool>(&mut self, state: &State<'_, NEGATE>, lists: &Shortlists, from: From) {
        self.rows_read += 1;
        for entry in lists.of(from.row) {
            let reduced = f64::from(entry.cost) - state.prices[entry.col as usize];
            let distance = from.distance + (reduced - from.dual).max(0.0);
            self.reach(state, entry.col, distance, from.row);
        }
        let unlisted = from.distance + (lists.bound(from.row) - from.dual).max(0.0);
        if unlisted < self.nearest_free.0 {
            let item = (state.costs.n() + from.row) as u32;
            self.queue.push(Reverse((unlisted.to_bits(), item)));
        }
    }

    fn reach<const NEGATE: bool>(&mut self, state: &State<'_, NEGATE>, col: u32, distance: f64, row: usize) {
        let best = &mut self.distance[col as usize];
        if distance >= *best || distance >= self.nearest_free.0 {
            return;
        }
        if *best == f64::INFINITY {
            self.reached.push(col);
        }
        *best = distance;
        self.before[col as usize] = row as u32;
        if state.is_free(col as usize) {
            self.nearest_free = (distance, col);
        } else {
            self.queue.push(Reverse((distance.to_bits(), col)));
        }
    }

    /// Sweeps a row whose unlisted columns have come up. False where the search is not worth going on with.
    fn extend<const NEGATE: bool>(
        &mut self,
        state: &State<'_, NEGATE>,
        lists: &mut Shortlists,
        from: From,
    ) -> bool {
        let seldom = FEW_EXTENSIONS.max(self.rows_read / 4);
        if self.extended[from.row] || self.extensions.len() >= seldom {
            return false;
        }
        self.extended[from.row] = true;
        self.extensions.push(from.row as u32);
        lists.fill::<NEGATE>(from.row, state.costs.row(from.row), &state.prices, WANTED_MORE);
        self.read(state, lists, from);
        true
    }

    fn clear(&mut self) {
        for col in self.reached.drain(..) {
            self.distance[col as usize] = f64::INFINITY;
        }
        for row in self.extensions.drain(..) {
            self.extended[row as usize] = false;
        }
        self.settled.clear();
        self.queue.clear();
        self.rows_read = 0;
        self.nearest_free = (f64::INFINITY, NONE);
    }
}
