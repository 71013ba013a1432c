//! Sorting many lines of one length at once.

use pulp::{Arch, Simd, WithSimd};

/// Lines that are sorted at once; fixed, so that every machine does the same.
pub(super) const LANES: usize = 16;

/// Entries of so many lines, of the same place in each.
pub(super) type Entries = [f32; LANES];

/// Sorts each line, all in the same steps, so that a step is a minimum and a maximum of vectors: Batcher's exchange of merges (Knuth,
/// *The Art of Computer Programming*, volume 3, algorithm 5.2.2M). The order is that of [`f32::total_cmp`].
pub(super) fn sort(lines: &mut [Entries]) {
    Arch::new().dispatch(Sort(lines));
}

struct Sort<'a>(&'a mut [Entries]);

impl WithSimd for Sort<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.0.iter_mut().for_each(key);
        exchange_merges(self.0);
        self.0.iter_mut().for_each(key);
    }
}

/// Replaces numbers by those whose bits, taken for integers, have their order; twice is nothing.
#[inline(always)]
fn key(entries: &mut Entries) {
    for entry in entries {
        let bits = entry.to_bits() as i32;
        *entry = f32::from_bits((bits ^ ((bits >> 31) as u32 >> 1) as i32) as u32);
    }
}

#[inline(always)]
fn exchange_merges(lines: &mut [Entries]) {
    let top = lines.len().next_power_of_two() / 2;
    let mut part = top;
    while part > 0 {
        let (mut merged, mut rest, mut distance) = (top, 0, part);
        loop {
            // Of those below `end` the lines whose number has the bit of `part` as `rest` has it, run by run.
            let end = lines.len().saturating_sub(distance);
            for low in (rest..end).step_by(2 * part) {
                exchange(lines, low, distance, part.min(end - low));
            }
            if merged == part {
                break;
            }
            (distance, merged, rest) = (merged - part, merged / 2, part);
        }
        part /= 2;
    }
}

/// Leaves of so many lines from `low` on the lesser entries there, and the greater ones so far behind, which is as far at least.
#[inline(always)]
fn exchange(lines: &mut [Entries], low: usize, distance: usize, count: usize) {
    let (before, from) = lines.split_at_mut(low + distance);
    for (low, high) in before[low..low + count].iter_mut().zip(&mut from[..count]) {
        for lane in 0..LANES {
            let (one, other) = (low[lane].to_bits() as i32, high[lane].to_bits() as i32);
            low[lane] = f32::from_bits(one.min(other) as u32);
            high[lane] = f32::from_bits(one.max(other) as u32);
        }
    }
}

#[cfg(test)]
mod tests {
    use tensor::Key;

    use super::*;

    #[test]
    fn every_line_is_sorted_whatever_its_length() {
        for length in (0..70).chain([127, 128, 129, 576]) {
            let key = Key::new(length as u64);
            let entry = |at: usize, lane: usize| match (at + lane) % 7 {
                0 => 0.0,
                1 => -0.0,
                2 => 1.0,
                _ => key.normal((at * LANES + lane) as u64) as f32,
            };
            let mut lines: Vec<Entries> =
                (0..length).map(|at| std::array::from_fn(|lane| entry(at, lane))).collect();
            let expected: Vec<Vec<u32>> = (0..LANES)
                .map(|lane| {
                    let mut line: Vec<f32> = lines.iter().map(|entries| entries[lane]).collect();
                    line.sort_unstable_by(f32::total_cmp);
                    line.into_iter().map(f32::to_bits).collect()
                })
                .collect();
            sort(&mut lines);
            for (lane, expected) in expected.iter().enumerate() {
                let found: Vec<u32> = lines.iter().map(|entries| entries[lane].to_bits()).collect();
                assert_eq!(found, *expected, "length {length}, lane {lane}");
            }
        }
    }
}
