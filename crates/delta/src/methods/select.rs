//! The largest elements of a tensor that is too large to be sorted.
//!
//! Elements are ordered by a key, larger ones first, and equal ones by their position. Where a number of them ends in that order
//! is found by counting: first by the upper bits of the keys, then by the lower ones of those that share the upper ones.

use super::{
    chunks::{Chunk, Chunks, Inputs},
    guess,
};
use crate::DeltaError;

/// Lower bits of a key: half of the 31 that a magnitude in f32 has.
const LOW_BITS: u32 = 15;
const LOW: usize = 1 << LOW_BITS;
const HIGH: usize = 1 << (31 - LOW_BITS);

/// The key of a magnitude: larger for larger ones.
pub(crate) fn key(number: f32) -> u32 {
    number.to_bits() & !(1 << 31)
}

/// Where the first so many elements end in the order of the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// Elements with a larger key come before.
    key: u32,
    /// So many with just this key come before, too.
    ties: u64,
    /// How many elements of this key stand in earlier chunks, and in all of them; nothing where all or none of them come before.
    before: Vec<u64>,
}

/// Which elements of a chunk come before a cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Within {
    /// Those with this key or a larger one.
    From(u32),
    /// Those with a larger key, and the first so many with just this one.
    Some(u32, u64),
}

impl Cut {
    /// `equal` is how often the key occurs in each chunk, or nothing where all elements with it come before.
    pub(super) fn new(key: u32, ties: u64, equal: Vec<u64>) -> Self {
        let mut before = vec![0];
        let mut sum = 0;
        before.extend(equal.into_iter().map(|count| {
            sum += count;
            sum
        }));
        if ties == 0 || ties >= sum {
            before.clear();
        }
        Self { key, ties, before }
    }

    /// Which elements of a chunk come before the cut.
    pub(super) fn within(&self, chunk: usize) -> Within {
        let all = if self.ties > 0 { Within::From(self.key) } else { Within::From(self.key + 1) };
        match self.before.get(chunk..chunk + 2) {
            Some(&[_, behind]) if behind <= self.ties => Within::From(self.key),
            Some(&[before, _]) if before >= self.ties => Within::From(self.key + 1),
            Some(&[before, _]) => Within::Some(self.key, self.ties - before),
            _ => all,
        }
    }
}

impl Within {
    /// For keys in order, whether each comes before the cut.
    pub(super) fn each(self) -> impl FnMut(u32) -> bool {
        let (least, mut left) = match self {
            Self::From(least) => (least, 0),
            Self::Some(key, left) => (key + 1, left),
        };
        move |key| {
            let tie = left > 0 && key + 1 == least;
            left -= u64::from(tie);
            tie || key >= least
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
        match guess::cuts(self, chunks, inputs)? {
            Some(cuts) => Ok(cuts),
            None => self.counted(chunks, inputs),
        }
    }

    /// The cuts by counting, in three passes.
    fn counted(&self, chunks: Chunks, inputs: &dyn Inputs) -> Result<Vec<Vec<Cut>>, DeltaError> {
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
        let equal = if whole.iter().all(|&whole| whole) {
            vec![Vec::new(); searches.len()]
        } else {
            self.ties(chunks, inputs, &searches)?
        };
        let mut cuts = vec![Vec::new(); self.places.len()];
        for (search, equal) in searches.iter().zip(equal) {
            cuts[search.stream].push(Cut::new(search.key, search.left, equal));
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

    /// For each search, how many elements of its key stand in each chunk.
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
        let of = |search: usize| equal.iter().map(|chunk| chunk[search]).collect();
        Ok((0..searches.len()).map(of).collect())
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
            let places = [places.to_vec()];
            let streams = Streams { keys: &keys, places: &places };
            let guessed = guess::cuts(&streams, chunks, &column).unwrap().unwrap();
            let counted = streams.counted(chunks, &column).unwrap();
            for (cut, &place) in guessed[0].iter().chain(&counted[0]).zip(places[0].iter().cycle()) {
                let mut found = Vec::new();
                for number in 0..chunks.count() {
                    let (start, length) = chunks.place(number);
                    let mut within = cut.within(number).each();
                    found.extend((start..start + length).filter(|&i| within(key(numbers[i]))));
                }
                let mut expected = order[..place as usize].to_vec();
                expected.sort_unstable();
                assert_eq!(found, expected, "{levels} levels, {place} of {count}");
            }
        }
    }

    /// A tensor that no sample tells: one row has other magnitudes than all others.
    #[test]
    fn what_a_sample_does_not_tell_is_counted() {
        let count = 4_000_000;
        let mut numbers: Vec<f32> = (0..count).map(|i| 1.0 + (i * 7919 % count) as f32).collect();
        numbers[123_456..133_456].iter_mut().for_each(|number| *number += 1e9);
        let (column, chunks) = (Column(numbers.clone()), Chunks::new(count, 1));
        let keys = |chunk: &mut Chunk<'_>, keys: &mut [Vec<u32>]| {
            keys[0] = chunk.columns[0].iter().map(|&number| key(number)).collect();
        };
        let places = [vec![100, 9_000, 20_000, 2_000_000]];
        let cuts = Streams { keys: &keys, places: &places }.cuts(chunks, &column).unwrap();
        for (cut, &place) in cuts[0].iter().zip(&places[0]) {
            let within = |chunk: usize| {
                let (start, length) = chunks.place(chunk);
                let mut within = cut.within(chunk).each();
                numbers[start..start + length].iter().filter(|&&number| within(key(number))).count() as u64
            };
            assert_eq!((0..chunks.count()).map(within).sum::<u64>(), place);
        }
    }
}
