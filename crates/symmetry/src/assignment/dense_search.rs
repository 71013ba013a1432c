//! Cheapest augmenting path over whole rows, for matrices on which short lists serve badly.

use pulp::{Arch, Simd, WithSimd};

use super::costs::{Costs, cost};
use super::state::{NONE, State};
use super::two_least::two_least;

const LANES: usize = 16;

/// Work space of the searches, reused from one to the next.
pub(super) struct DenseSearch {
    arch: Arch,
    /// Distances of the columns not yet settled, infinite for those settled.
    open: Vec<f64>,
    /// Prices of the columns not yet settled, minus infinity for those settled, so that they are never reached again.
    prices: Vec<f64>,
    /// The row from which each column was reached.
    before: Vec<u32>,
    settled: Vec<(u32, f64)>,
}

impl DenseSearch {
    pub(super) fn new(n: usize) -> Self {
        Self {
            arch: Arch::new(),
            open: vec![0.0; n],
            prices: vec![0.0; n],
            before: vec![NONE; n],
            settled: Vec::new(),
        }
    }

    /// Gives `row` a column along a cheapest path.
    pub(super) fn assign<const NEGATE: bool>(&mut self, state: &mut State<'_, NEGATE>, row: usize) {
        self.open.fill(f64::INFINITY);
        self.prices.copy_from_slice(&state.prices);
        self.settled.clear();
        let (end, length) = self.explore(state, row);
        for &(col, distance) in &self.settled {
            state.prices[col as usize] -= length - distance;
        }
        state.shift(end as u32, &self.before);
    }

    /// The nearest free column and its distance.
    fn explore<const NEGATE: bool>(&mut self, state: &State<'_, NEGATE>, row: usize) -> (usize, f64) {
        let dual = two_least::<NEGATE>(self.arch, state.costs.row(row), &state.prices).0.least;
        let mut nearest = self.relax(state.costs, row, 0.0, dual);
        loop {
            let col = self.choose(state, nearest);
            if state.is_free(col) {
                return (col, nearest);
            }
            self.settled.push((col as u32, nearest));
            self.open[col] = f64::INFINITY;
            self.prices[col] = f64::NEG_INFINITY;
            let row = state.col_to_row[col] as usize;
            nearest = self.relax(state.costs, row, nearest, state.row_dual(row));
        }
    }

    /// The lowest free column at this distance, or else the lowest column at this distance.
    fn choose<const NEGATE: bool>(&self, state: &State<'_, NEGATE>, distance: f64) -> usize {
        let at = |from: usize| {
            let offset = self.arch.dispatch(Find { open: &self.open[from..], distance });
            offset.map(|offset| from + offset)
        };
        let first = at(0).expect("some open column is nearest");
        let mut col = Some(first);
        while let Some(tied) = col {
            if state.is_free(tied) {
                return tied;
            }
            col = at(tied + 1);
        }
        first
    }

    /// Reaches the open columns from a row; returns the distance of the nearest open column.
    fn relax<const NEGATE: bool>(
        &mut self,
        costs: Costs<'_, NEGATE>,
        row: usize,
        distance: f64,
        dual: f64,
    ) -> f64 {
        let (open, before) = (&mut self.open[..], &mut self.before[..]);
        let scan = Relax { costs, row, distance, dual, prices: &self.prices, open, before };
        self.arch.dispatch(scan)
    }
}

struct Relax<'a, const NEGATE: bool> {
    costs: Costs<'a, NEGATE>,
    row: usize,
    distance: f64,
    dual: f64,
    prices: &'a [f64],
    open: &'a mut [f64],
    before: &'a mut [u32],
}

impl<const NEGATE: bool> WithSimd for Relax<'_, NEGATE> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        let (costs, last_costs) = self.costs.row(self.row).as_chunks::<LANES>();
        let (prices, last_prices) = self.prices.as_chunks::<LANES>();
        let (open, last_open) = self.open.as_chunks_mut::<LANES>();
        let (before, last_before) = self.before.as_chunks_mut::<LANES>();
        let mut minima = [f64::INFINITY; LANES];
        let step = Step { row: self.row as u32, distance: self.distance, dual: self.dual };
        for (((costs, prices), open), before) in costs.iter().zip(prices).zip(open).zip(before) {
            for l in 0..LANES {
                let x = step.reach(cost::<NEGATE>(costs[l]), prices[l], &mut open[l], &mut before[l]);
                minima[l] = if x < minima[l] { x } else { minima[l] };
            }
        }
        let last = last_costs.iter().zip(last_prices).zip(last_open).zip(last_before);
        let last = last.map(|(((&c, &p), open), before)| step.reach(cost::<NEGATE>(c), p, open, before));
        minima.into_iter().chain(last).fold(f64::INFINITY, |least, x| if x < least { x } else { least })
    }
}

#[derive(Clone, Copy)]
struct Step {
    row: u32,
    distance: f64,
    dual: f64,
}

impl Step {
    /// Shortens the way to a column if the way through this row is shorter; returns the distance.
    #[inline(always)]
    fn reach(self, cost: f32, price: f64, open: &mut f64, before: &mut u32) -> f64 {
        let excess = f64::from(cost) - price - self.dual;
        let distance = self.distance + if excess > 0.0 { excess } else { 0.0 };
        let shorter = distance < *open;
        *before = if shorter { self.row } else { *before };
        *open = if shorter { distance } else { *open };
        *open
    }
}

struct Find<'a> {
    open: &'a [f64],
    distance: f64,
}

impl WithSimd for Find<'_> {
    type Output = Option<usize>;

    /// The first column at the distance.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Option<usize> {
        let (blocks, _) = self.open.as_chunks::<LANES>();
        let hit = |block: &[f64; LANES]| block.iter().fold(false, |any, &x| any | (x == self.distance));
        let start = LANES * blocks.iter().position(hit).unwrap_or(blocks.len());
        let offset = self.open[start..].iter().position(|&x| x == self.distance)?;
        Some(start + offset)
    }
}
