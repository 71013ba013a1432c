//! The first sweep: refuses numbers that are not finite and finds starting prices.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use tensor::parallel;

use super::costs::{Costs, cost};

/// Partial results kept side by side; fixed, so that every instruction set adds in the same order.
const LANES: usize = 32;

/// Rows that one task sweeps. Ours: enough to hide its start and its own minima. A minimum has the same bits whatever the
/// order.
const ROWS_AT_ONCE: usize = 256;

/// Keeps the sign, the exponent and 8 bits of mantissa. A row's mean so shortened leaves differences of small
/// integers exact, and with them the ties of integer matrices.
const COARSE: u32 = 0xffff_8000;

/// The largest magnitude of all entries; infinite or NaN where one of them is.
pub(super) fn magnitude(entries: &[f32]) -> f32 {
    f32::from_bits(Arch::new().dispatch(Magnitude(entries)))
}

/// Starting prices `min over i of (cost[i][j] − mean of row i)`, written to `prices`, and the largest magnitude of
/// all entries (infinite or NaN where one of them is; the prices are then meaningless).
///
/// Taking the row means off first is half of centring the matrix twice; the column minimum does the other half.
pub(super) fn centred_minima<const NEGATE: bool>(costs: Costs<'_, NEGATE>, prices: &mut [f64]) -> f32 {
    let arch = Arch::new();
    let blocks = parallel::map(costs.n().div_ceil(ROWS_AT_ONCE), |block| {
        let rows = block * ROWS_AT_ONCE..costs.n().min((block + 1) * ROWS_AT_ONCE);
        let mut halves = vec![f32::INFINITY; costs.n()];
        let bits = arch.dispatch(CentredMinima { costs, rows, halves: &mut halves });
        (halves, bits)
    });
    prices.fill(f64::INFINITY);
    for (halves, _) in &blocks {
        for (price, &half) in prices.iter_mut().zip(halves) {
            let full = 2.0 * f64::from(half);
            *price = if full < *price { full } else { *price };
        }
    }
    f32::from_bits(blocks.iter().map(|(_, bits)| *bits).fold(0, u32::max))
}

struct Magnitude<'a>(&'a [f32]);

impl WithSimd for Magnitude<'_> {
    type Output = u32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> u32 {
        let (blocks, rest) = self.0.as_chunks::<LANES>();
        let mut lanes = [0; LANES];
        blocks.iter().for_each(|block| widen(&mut lanes, block));
        let rest = rest.iter().map(|x| x.abs().to_bits()).max().unwrap_or(0);
        lanes.into_iter().fold(rest, u32::max)
    }
}

/// Raises each lane to the magnitude of its entry. Magnitudes are compared as bits, where NaN and infinity lie above
/// every finite number and cannot be lost in a comparison.
#[inline(always)]
fn widen(lanes: &mut [u32; LANES], block: &[f32; LANES]) {
    for (lane, x) in lanes.iter_mut().zip(block) {
        *lane = (*lane).max(x.abs().to_bits());
    }
}

struct CentredMinima<'a, 'b, const NEGATE: bool> {
    costs: Costs<'a, NEGATE>,
    rows: Range<usize>,
    /// Halves of the minima: half of the difference of two finite numbers is always finite.
    halves: &'b mut [f32],
}

impl<const NEGATE: bool> WithSimd for CentredMinima<'_, '_, NEGATE> {
    type Output = u32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> u32 {
        let mut bits = 0;
        for i in self.rows {
            let row = self.costs.row(i);
            let (half_mean, magnitude) = half_mean::<NEGATE>(row);
            bits = bits.max(magnitude);
            for (least, &entry) in self.halves.iter_mut().zip(row) {
                let half = 0.5 * cost::<NEGATE>(entry) - half_mean;
                *least = if half < *least { half } else { *least };
            }
        }
        bits
    }
}

/// Half of a row's mean cost, coarsely, and the bits of its largest magnitude.
#[inline(always)]
fn half_mean<const NEGATE: bool>(row: &[f32]) -> (f32, u32) {
    let scale = 0.5 / row.len() as f32;
    let mut sums = [0.0; LANES];
    let mut bits = [0; LANES];
    let (blocks, rest) = row.as_chunks::<LANES>();
    for block in blocks {
        for (sum, &entry) in sums.iter_mut().zip(block) {
            *sum += scale * cost::<NEGATE>(entry);
        }
        widen(&mut bits, block);
    }
    for (lane, &entry) in rest.iter().enumerate() {
        sums[lane] += scale * cost::<NEGATE>(entry);
        bits[lane] = bits[lane].max(entry.abs().to_bits());
    }
    let sum: f32 = sums.iter().sum();
    (f32::from_bits(sum.to_bits() & COARSE), bits.into_iter().fold(0, u32::max))
}
