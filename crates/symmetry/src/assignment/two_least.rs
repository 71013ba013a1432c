//! The two smallest reduced costs of a whole row.

use pulp::{Arch, Simd, WithSimd};

use super::costs::cost;

const LANES: usize = 16;

/// The two smallest of some reduced costs; `next` is infinite where there is only one.
#[derive(Clone, Copy)]
pub(super) struct TwoLeast {
    pub(super) least: f64,
    pub(super) next: f64,
}

impl TwoLeast {
    pub(super) const NONE: Self = Self { least: f64::INFINITY, next: f64::INFINITY };

    #[inline(always)]
    pub(super) fn put(&mut self, x: f64) {
        let above = if x > self.least { x } else { self.least };
        self.next = if above < self.next { above } else { self.next };
        self.least = if x < self.least { x } else { self.least };
    }
}

/// The two smallest of `cost − price` in a row, and the lowest column that has the smallest.
pub(super) fn two_least<const NEGATE: bool>(arch: Arch, row: &[f32], prices: &[f64]) -> (TwoLeast, usize) {
    arch.dispatch(Scan::<NEGATE> { row, prices })
}

struct Scan<'a, const NEGATE: bool> {
    row: &'a [f32],
    prices: &'a [f64],
}

impl<const NEGATE: bool> WithSimd for Scan<'_, NEGATE> {
    type Output = (TwoLeast, usize);

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> (TwoLeast, usize) {
        let two = self.values();
        (two, self.find(two.least))
    }
}

impl<const NEGATE: bool> Scan<'_, NEGATE> {
    #[inline(always)]
    fn values(&self) -> TwoLeast {
        let (costs, last_costs) = self.row.as_chunks::<LANES>();
        let (prices, last_prices) = self.prices.as_chunks::<LANES>();
        let (mut least, mut next) = ([f64::INFINITY; LANES], [f64::INFINITY; LANES]);
        for (costs, prices) in costs.iter().zip(prices) {
            for l in 0..LANES {
                let x = f64::from(cost::<NEGATE>(costs[l])) - prices[l];
                let above = if x > least[l] { x } else { least[l] };
                next[l] = if above < next[l] { above } else { next[l] };
                least[l] = if x < least[l] { x } else { least[l] };
            }
        }
        let mut two = TwoLeast::NONE;
        least.into_iter().chain(next).for_each(|x| two.put(x));
        let last = last_costs.iter().zip(last_prices);
        last.for_each(|(&c, price)| two.put(f64::from(cost::<NEGATE>(c)) - price));
        two
    }

    /// The lowest column whose reduced cost is `least`, one of them.
    #[inline(always)]
    fn find(&self, least: f64) -> usize {
        let (costs, _) = self.row.as_chunks::<LANES>();
        let (prices, _) = self.prices.as_chunks::<LANES>();
        let block = costs.iter().zip(prices).position(|(costs, prices)| {
            let hits = costs.iter().zip(prices).map(|(&c, p)| f64::from(cost::<NEGATE>(c)) - p == least);
            hits.fold(false, |any, hit| any | hit)
        });
        let start = LANES * block.unwrap_or(costs.len());
        let tail = self.row[start..].iter().zip(&self.prices[start..]);
        let offset = tail.map(|(&c, p)| f64::from(cost::<NEGATE>(c)) - p).position(|x| x == least);
        start + offset.expect("the smallest reduced cost is one of the row's")
    }
}
