//! The largest elements of a tensor that is too large to be sorted.
//!
//! Elements are ordered by a key, larger ones first, and equal ones by their position. Where a number of them ends in that order
//! is found by counting: first by the upper bits of the keys, then by the lower ones of those that share the upper ones.

use super::chunks::{Chunk, Chunks, Inputs};
use crate::DeltaError;

/// Lower bits of a key: half of the 31 that a magnitude in f32 has.
const LOW_BITS: u32 = 15;
const LOW: usize = 1 << LOW_BITS;
const HIGH: usize = 1 << (31 - LOW_BITS);

/// The key of a magnitude: larger for larger ones.
pub(super) fn key(number: f32) -> u32 {
    number.to_bits() & !(1 << 31)
}

/// Where the first so many elements end in the order of the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// Elements with a larger key come before.
    key: u32,
    /// So many with just this key come before, too.
    ties: u64,
    /// How many elements of this key stand in earlier chunks.
    before: Vec<u64>,
}

impl Cut {
    /// For the elements of a chunk, in order, whether each comes before the cut.
    pub(super) fn within(&self, chunk: usize) -> impl FnMut(u32) -> bool + '_ {
        let mut left = self.ties.saturating_sub(self.before.get(chunk).copied().unwrap_or(0));
        move |key| {
            if key != self.key {
                return key > self.key;
            }
            let within = left > 0;
            left = left.saturating_sub(1);
            within
        }
    }
}

/// What is ordered: for each stream the keys of a chunk's elements, and behind how many of them there are cuts.
pub(super) struct Streams<'a> {
    /// Writes the keys of each stream for a chunk.
    pub(super) keys: &'a (dyn Fn(&mut Chunk<'_>, &mut [Vec<u32>]) + Sync),
    /// The cuts of each stream.
    pub(super) places: &'a [Vec<u64>],
}

/// A cut that is being found.
#[derive(Clone, Copy)]
struct Search {
    stream: usize,
    /// The elements that come before and are not yet accounted for by larger keys.
    left: u64,
    /// The upper bits of the key, then all of them.
    key: u32,
}

impl Streams<'_> {
    /// The cuts, stream by stream.
    pub(super) fn cuts(&self, chunks: Chunks, inputs: &dyn Inputs) -> Result<Vec<Vec<Cut>>, DeltaError> {
        let mut searches: Vec<Search> = Vec::new();
        for (stream, places) in self.places.iter().enumerate() {
            searches.extend(places.iter().map(|&left| Search { stream, left, key: 0 }));
        }
        let streams: Vec<usize> =
            (0..self.places.len()).filter(|&stream| !self.places[stream].is_empty()).collect();
        let high = self.count(chunks, inputs, streams.len(), HIGH, |keys, counts| {
            for (count, &stream) in counts.iter_mut().zip(&streams) {
                keys[stream].iter().for_each(|key| count[(key >> LOW_BITS) as usize] += 1);
            }
        })?;
        for search in &mut searches {
            let place = streams.iter().position(|&stream| stream == search.stream).unwrap_or(0);
            search.descend(&high[place]);
        }
        let low = self.count(chunks, inputs, searches.len(), LOW, |keys, counts| {
            for (count, search) in counts.iter_mut().zip(&searches) {
                let inside = keys[search.stream].iter().filter(|&&key| key >> LOW_BITS == search.key);
                inside.for_each(|key| count[(key & (LOW as u32 - 1)) as usize] += 1);
            }
        })?;
        let mut whole = Vec::new();
        for (search, counts) in searches.iter_mut().zip(&low) {
            let upper = search.key << LOW_BITS;
            let equal = search.descend(counts);
            search.key |= upper;
            whole.push(search.left == 0 || search.left >= equal);
        }
        let before = if whole.iter().all(|&whole| whole) {
            vec![Vec::new(); searches.len()]
        } else {
            self.ties(chunks, inputs, &searches)?
        };
        let mut cuts = vec![Vec::new(); self.places.len()];
        for (search, before) in searches.iter().zip(before) {
            cuts[search.stream].push(Cut { key: search.key, ties: search.left, before });
        }
        Ok(cuts)
    }

    /// How often each value occurs, for `rows` tables of `size` counts.
    fn count(
        &self,
        chunks: Chunks,
        inputs: &dyn Inputs,
        rows: usize,
        size: usize,
        look: impl Fn(&[Vec<u32>], &mut [Vec<u64>]) + Sync + Send,
    ) -> Result<Vec<Vec<u64>>, DeltaError> {
        let empty = || (vec![vec![0u64; size]; rows], vec![Vec::new(); self.places.len()]);
        let one = |(counts, keys): &mut (Vec<Vec<u64>>, Vec<Vec<u32>>), mut chunk: Chunk<'_>| {
            (self.keys)(&mut chunk, keys);
            look(keys, counts);
        };
        let join = |sum: &mut (Vec<Vec<u64>>, _), other: (Vec<Vec<u64>>, _)| {
            for (sum, other) in sum.0.iter_mut().flatten().zip(other.0.iter().flatten()) {
                *sum += other;
            }
        };
        Ok(chunks.gather(inputs, empty, one, join)?.0)
    }

    /// For each search, how many elements of its key stand before each chunk.
    fn ties(
        &self,
        chunks: Chunks,
        inputs: &dyn Inputs,
        searches: &[Search],
    ) -> Result<Vec<Vec<u64>>, DeltaError> {
        let equal = chunks.map(inputs, |mut chunk| {
            let mut keys = vec![Vec::new(); self.places.len()];
            (self.keys)(&mut chunk, &mut keys);
            let count =
                |search: &Search| keys[search.stream].iter().filter(|&&key| key == search.key).count();
            searches.iter().map(|search| count(search) as u64).collect::<Vec<u64>>()
        })?;
        let mut before = vec![Vec::with_capacity(equal.len()); searches.len()];
        let mut sums = vec![0u64; searches.len()];
        for chunk in equal {
            for ((before, sum), equal) in before.iter_mut().zip(&mut sums).zip(chunk) {
                before.push(*sum);
                *sum += equal;
            }
        }
        Ok(before)
    }
}

impl Search {
    /// Finds the value at which the count from above reaches what is left; how often that value occurs.
    fn descend(&mut self, counts: &[u64]) -> u64 {
        for (value, &count) in counts.iter().enumerate().rev() {
            if count >= self.left && (count > 0 || self.left == 0) {
                self.key = value as u32;
                return count;
            }
            self.left -= count;
        }
        // More is asked for than there is: all come before.
        (self.key, self.left) = (0, u64::MAX);
        u64::MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Column(Vec<f32>);

    impl Inputs for Column {
        fn count(&self) -> usize {
            1
        }
        fn elements(&self) -> usize {
            self.0.len()
        }
        fn read(&self, _: usize, start: usize, out: &mut [f32]) -> Result<(), DeltaError> {
            out.copy_from_slice(&self.0[start..start + out.len()]);
            Ok(())
        }
    }

    /// Against sorting, with many equal magnitudes and with none, over several chunks.
    #[test]
    fn cuts_are_those_of_a_stable_sort() {
        let random = tensor::Key::new(3);
        for levels in [2.0, 50.0, 1e9] {
            let count = 300_000;
            let numbers: Vec<f32> =
                (0..count).map(|i| ((random.uniform(i) - 0.5) * levels).round() as f32 / 64.0).collect();
            let mut order: Vec<usize> = (0..numbers.len()).collect();
            order.sort_by(|&a, &b| numbers[b].abs().total_cmp(&numbers[a].abs()));
            let places = [0, 1, 7, 1000, 150_000, count - 1, count];
            let column = Column(numbers.clone());
            let chunks = Chunks::new(numbers.len(), 1);
            let keys = |chunk: &mut Chunk<'_>, keys: &mut [Vec<u32>]| {
                keys[0] = chunk.columns[0].iter().map(|&number| key(number)).collect();
            };
            let cuts = Streams { keys: &keys, places: &[places.to_vec()] }.cuts(chunks, &column).unwrap();
            for (cut, place) in cuts[0].iter().zip(places) {
                let mut found = Vec::new();
                for number in 0..chunks.count() {
                    let (start, length) = chunks.place(number);
                    let mut within = cut.within(number);
                    found.extend((start..start + length).filter(|&i| within(key(numbers[i]))));
                }
                let mut expected = order[..place as usize].to_vec();
                expected.sort_unstable();
                assert_eq!(found, expected, "{levels} levels, {place} of {count}");
            }
        }
    }
}
