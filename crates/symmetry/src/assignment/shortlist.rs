//! Short lists: for each row a few cheap columns and a bound on all the others.
//!
//! Prices only ever fall, so reduced costs only ever rise: a bound taken when a list was filled stays a bound.
//! A row is swept again only when what is asked of it may lie beyond its list.

use pulp::{Arch, Simd, WithSimd};

use super::costs::cost;
use super::two_least::TwoLeast;

/// Room for each row. Ours: twice the longest list asked for, since ties and uneven column classes overshoot.
const ROOM: usize = 64;

/// Columns that a list is filled with, ties aside. Ours, because the optimum of random matrices of a few thousand
/// rows lies almost wholly within the sixteen cheapest entries of each row.
pub(super) const WANTED: usize = 16;

/// Column classes (modulo this) whose minima decide the threshold of a list.
const LANES: usize = 64;

/// One column on a row's list.
#[derive(Clone, Copy, Default)]
pub(super) struct Entry {
    pub(super) col: u32,
    pub(super) cost: f32,
}

/// What a row's list says at the present prices.
#[derive(Clone, Copy)]
pub(super) struct Cheapest {
    pub(super) two: TwoLeast,
    /// List entries with the two smallest reduced costs, lowest column first among equals.
    pub(super) entries: [Entry; 2],
}

/// The lists of all rows.
pub(super) struct Shortlists {
    arch: Arch,
    entries: Vec<Entry>,
    lens: Vec<u32>,
    /// No column off the list has a reduced cost below this.
    bounds: Vec<f64>,
    reduced: Vec<f64>,
}

impl Shortlists {
    /// Empty lists for `n` rows, which vouch for nothing.
    pub(super) fn new(n: usize) -> Self {
        Self {
            arch: Arch::new(),
            entries: vec![Entry::default(); n * ROOM],
            lens: vec![0; n],
            bounds: vec![f64::NEG_INFINITY; n],
            reduced: vec![0.0; n],
        }
    }

    /// The columns on a row's list, ascending.
    pub(super) fn of(&self, row: usize) -> &[Entry] {
        &self.entries[row * ROOM..][..self.lens[row] as usize]
    }

    /// No column off the row's list has a reduced cost below this.
    pub(super) fn bound(&self, row: usize) -> f64 {
        self.bounds[row]
    }

    /// The two smallest reduced costs on a row's list.
    pub(super) fn cheapest(&self, row: usize, prices: &[f64]) -> Cheapest {
        let mut two = TwoLeast::NONE;
        let mut entries = [Entry::default(); 2];
        for &entry in self.of(row) {
            let x = f64::from(entry.cost) - prices[entry.col as usize];
            if x < two.least {
                entries = [entry, entries[0]];
            } else if x < two.next {
                entries[1] = entry;
            }
            two.put(x);
        }
        Cheapest { two, entries }
    }

    /// Fills a row's list if it never was.
    pub(super) fn ensure<const NEGATE: bool>(&mut self, row: usize, costs: &[f32], prices: &[f64]) {
        if self.lens[row] == 0 {
            self.fill::<NEGATE>(row, costs, prices, WANTED);
        }
    }

    /// Fills a row's list anew with about `wanted` columns, the cheapest at the present prices.
    pub(super) fn fill<const NEGATE: bool>(
        &mut self,
        row: usize,
        costs: &[f32],
        prices: &[f64],
        wanted: usize,
    ) {
        let reduced = &mut self.reduced[..];
        let room = &mut self.entries[row * ROOM..][..ROOM];
        let filled = self.arch.dispatch(Fill::<NEGATE> { costs, prices, reduced, room, wanted });
        (self.lens[row], self.bounds[row]) = filled;
    }
}

struct Fill<'a, const NEGATE: bool> {
    costs: &'a [f32],
    prices: &'a [f64],
    reduced: &'a mut [f64],
    room: &'a mut [Entry],
    wanted: usize,
}

impl<const NEGATE: bool> WithSimd for Fill<'_, NEGATE> {
    type Output = (u32, f64);

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> (u32, f64) {
        let mut minima = reduce::<NEGATE>(self.costs, self.prices, self.reduced);
        let rank = self.wanted.min(LANES).min(self.costs.len()) - 1;
        let threshold = *minima.select_nth_unstable_by(rank, f64::total_cmp).1;
        collect::<NEGATE>(self.costs, self.reduced, threshold, self.room)
    }
}

/// Writes a row's reduced costs and returns the minimum of each class of columns.
#[inline(always)]
fn reduce<const NEGATE: bool>(costs: &[f32], prices: &[f64], reduced: &mut [f64]) -> [f64; LANES] {
    let mut minima = [f64::INFINITY; LANES];
    let (cost_blocks, last_costs) = costs.as_chunks::<LANES>();
    let (price_blocks, last_prices) = prices.as_chunks::<LANES>();
    let (blocks, last) = reduced.as_chunks_mut::<LANES>();
    for ((costs, prices), out) in cost_blocks.iter().zip(price_blocks).zip(blocks) {
        for l in 0..LANES {
            let x = f64::from(cost::<NEGATE>(costs[l])) - prices[l];
            out[l] = x;
            minima[l] = if x < minima[l] { x } else { minima[l] };
        }
    }
    for (l, ((&c, price), out)) in last_costs.iter().zip(last_prices).zip(last).enumerate() {
        *out = f64::from(cost::<NEGATE>(c)) - price;
        minima[l] = if *out < minima[l] { *out } else { minima[l] };
    }
    minima
}

/// Lists the columns up to the threshold while there is room; returns their number and the bound on the others.
#[inline(always)]
fn collect<const NEGATE: bool>(
    costs: &[f32],
    reduced: &[f64],
    threshold: f64,
    room: &mut [Entry],
) -> (u32, f64) {
    const BLOCK: usize = 16;
    let (mut len, mut bound) = (0, threshold.next_up());
    for (b, block) in reduced.chunks(BLOCK).enumerate() {
        if !block.iter().fold(false, |any, &x| any | (x <= threshold)) {
            continue;
        }
        let hits = block.iter().enumerate().filter(|&(_, &x)| x <= threshold);
        for (l, &x) in hits {
            let col = b * BLOCK + l;
            match room.get_mut(len) {
                Some(entry) => *entry = Entry { col: col as u32, cost: cost::<NEGATE>(costs[col]) },
                None => bound = if x < bound { x } else { bound },
            }
            len += 1;
        }
    }
    let bound = if len == costs.len() && len <= room.len() { f64::INFINITY } else { bound };
    (len.min(room.len()) as u32, bound)
}
