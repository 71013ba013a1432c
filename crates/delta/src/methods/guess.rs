//! Finding cuts in one pass: a sample tells between which keys each of them lies, then what is beyond these is counted and what
//! is between them collected. The sample decides about time alone: where a cut lies elsewhere, it is found by counting.

use std::sync::atomic::{AtomicUsize, Ordering};

use tensor::{Key, parallel};

use super::{
    chunks::{Chunk, Chunks, Inputs},
    select::{Cut, Streams},
    wide::wide,
};
use crate::DeltaError;

/// Up to so many elements all keys are collected. Ours: a few chunks.
const ALL: usize = 1 << 17;

/// Neighbours in a sample. Ours: reading fewer of them costs as much.
const BLOCK: usize = 1 << 8;

/// The least and the most blocks of a sample; between these, one for so many elements as [`EACH`]. Ours.
const BLOCKS: [usize; 2] = [64, 256];

/// See [`BLOCKS`].
const EACH: usize = 1 << 14;

/// Standard errors of the sample within which a cut is looked for. Ours: nearly none lies beyond.
const ERRORS: f64 = 4.0;

/// The most keys collected for a cut. Ours: 16 MB.
const MOST: usize = 1 << 22;

/// Bytes of the keys collected for a cut, twice while one of them is looked for.
pub(super) const COLLECTED_BYTES: usize = 8 * MOST;

/// The largest key.
const LARGEST: u32 = !(1 << 31);

/// Between which keys a cut is looked for.
#[derive(Clone, Copy, Debug)]
struct Span {
    stream: usize,
    /// How many elements come before the cut.
    place: u64,
    low: u32,
    high: u32,
}

/// What a chunk has beyond a span, at its ends, and between them.
#[derive(Debug, Default)]
struct Tally {
    above: u64,
    high: u64,
    low: u64,
    between: Vec<u32>,
}

/// The cuts, stream by stream; `None` where one of them lies elsewhere than the sample said.
pub(super) fn cuts(
    streams: &Streams<'_>,
    chunks: Chunks,
    inputs: &dyn Inputs,
) -> Result<Option<Vec<Vec<Cut>>>, DeltaError> {
    let spans = spans(streams, inputs)?;
    let collected: Vec<AtomicUsize> = spans.iter().map(|_| AtomicUsize::new(0)).collect();
    let tallies = chunks.map(inputs, |mut chunk| {
        let mut keys = vec![Vec::new(); streams.places.len()];
        (streams.keys)(&mut chunk, &mut keys);
        let each = spans.iter().zip(&collected);
        each.map(|(span, collected)| Tally::new(&keys[span.stream], *span, collected)).collect::<Vec<_>>()
    })?;
    let mut cuts = vec![Vec::new(); streams.places.len()];
    for (number, (span, collected)) in spans.iter().zip(collected).enumerate() {
        let own: Vec<&Tally> = tallies.iter().map(|tallies| &tallies[number]).collect();
        let Some(cut) = span.cut(&own, inputs.elements() as u64).filter(|_| collected.into_inner() <= MOST)
        else {
            return Ok(None);
        };
        cuts[span.stream].push(cut);
    }
    Ok(Some(cuts))
}

fn spans(streams: &Streams<'_>, inputs: &dyn Inputs) -> Result<Vec<Span>, DeltaError> {
    let elements = inputs.elements();
    let sample =
        if elements <= ALL { vec![Vec::new(); streams.places.len()] } else { sample(streams, inputs)? };
    let mut spans = Vec::new();
    for (stream, (places, keys)) in streams.places.iter().zip(sample).enumerate() {
        spans.extend(places.iter().map(|&place| {
            let (low, high) = match place {
                // Nothing needs to be known.
                0 => (LARGEST, LARGEST),
                place if place >= elements as u64 => (LARGEST, LARGEST),
                place => bounds(&keys, place as f64 / elements as f64),
            };
            Span { stream, place, low, high }
        }));
    }
    Ok(spans)
}

/// The keys of blocks spread over the tensor, one at random in each of as many equal parts.
fn sample(streams: &Streams<'_>, inputs: &dyn Inputs) -> Result<Vec<Vec<u32>>, DeltaError> {
    let blocks = (inputs.elements() / EACH).clamp(BLOCKS[0], BLOCKS[1]);
    let (part, random) = (inputs.elements() / blocks, Key::new(0).child("sample"));
    let block = |number: usize| {
        let start = number * part + random.below(number as u64, (part - BLOCK) as u64) as usize;
        let mut columns = vec![vec![0.0; BLOCK]; inputs.count()];
        columns.iter_mut().enumerate().try_for_each(|(index, column)| inputs.read(index, start, column))?;
        let mut keys = vec![Vec::new(); streams.places.len()];
        (streams.keys)(&mut Chunk { number: 0, start, columns: &mut columns }, &mut keys);
        Ok(keys)
    };
    let blocks = parallel::map(blocks, block).into_iter().collect::<Result<Vec<_>, DeltaError>>()?;
    Ok((0..streams.places.len())
        .map(|stream| blocks.iter().flat_map(|keys| keys[stream].clone()).collect())
        .collect())
}

/// The keys between which this share of all, the largest ones, ends; all keys where there is no sample.
fn bounds(sample: &[u32], share: f64) -> (u32, u32) {
    if sample.is_empty() {
        return (0, LARGEST);
    }
    let (mut keys, count) = (sample.to_vec(), sample.len() as f64);
    let mut at = |rank: f64| match rank {
        rank if rank < 0.0 => LARGEST,
        rank if rank >= count => 0,
        rank => *keys.select_nth_unstable_by(rank as usize, |a, b| b.cmp(a)).1,
    };
    let middle = at((share * count).min(count - 1.0));
    let error = |is: &dyn Fn(u32) -> bool| {
        let shares = sample
            .chunks(BLOCK)
            .map(|block| block.iter().filter(|&&key| is(key)).count() as f64 / BLOCK as f64);
        let shares: Vec<f64> = shares.collect();
        let mean = shares.iter().sum::<f64>() / shares.len() as f64;
        let variance = shares.iter().map(|share| (share - mean).powi(2)).sum::<f64>() / shares.len() as f64;
        (variance / shares.len() as f64).sqrt()
    };
    let error = error(&|key| key > middle).max(error(&|key| key >= middle));
    let margin = (ERRORS * error * count).max(2.0 * ERRORS);
    (at((share * count + margin).ceil()), at((share * count - margin).floor()))
}

impl Tally {
    fn new(keys: &[u32], span: Span, collected: &AtomicUsize) -> Self {
        let mut tally = Self::default();
        wide(
            #[inline(always)]
            || tally.count(keys, span),
        );
        if collected.load(Ordering::Relaxed) <= MOST {
            wide(
                #[inline(always)]
                || tally.collect(keys, span),
            );
            collected.fetch_add(tally.between.len(), Ordering::Relaxed);
        }
        tally
    }

    #[inline(always)]
    fn count(&mut self, keys: &[u32], Span { low, high, .. }: Span) {
        // In 32 bits, of which vectors hold more.
        for keys in keys.chunks(1 << 15) {
            let (mut above, mut equal, mut least) = (0u32, 0u32, 0u32);
            for &key in keys {
                above += u32::from(key > high);
                equal += u32::from(key == high);
                least += u32::from(key == low);
            }
            self.above += u64::from(above);
            self.high += u64::from(equal);
            self.low += u64::from(least);
        }
        if low == high {
            self.low = 0;
        }
    }

    #[inline(always)]
    fn collect(&mut self, keys: &[u32], Span { low, high, .. }: Span) {
        let between = |key: u32| (key > low) & (key < high);
        for block in keys.chunks(16) {
            if block.iter().fold(false, |any, &key| any | between(key)) {
                self.between.extend(block.iter().copied().filter(|&key| between(key)));
            }
        }
    }
}

impl Span {
    /// The cut, where it lies within.
    fn cut(&self, tallies: &[&Tally], elements: u64) -> Option<Cut> {
        let sum = |of: &dyn Fn(&Tally) -> u64| tallies.iter().map(|tally| of(tally)).sum::<u64>();
        let (above, high, low) =
            (sum(&|tally| tally.above), sum(&|tally| tally.high), sum(&|tally| tally.low));
        if self.place == 0 {
            return Some(Cut::new(LARGEST, 0, Vec::new()));
        }
        if self.place >= elements {
            return Some(Cut::new(0, u64::MAX, Vec::new()));
        }
        // Where none is left, the key of the last one lies above.
        let mut left = self.place.checked_sub(above).filter(|&left| left > 0)?;
        if left <= high {
            return Some(Cut::new(self.high, left, tallies.iter().map(|tally| tally.high).collect()));
        }
        left -= high;
        let mut between: Vec<u32> = tallies.iter().flat_map(|tally| tally.between.iter().copied()).collect();
        if left > between.len() as u64 {
            left -= between.len() as u64;
            return (left <= low)
                .then(|| Cut::new(self.low, left, tallies.iter().map(|tally| tally.low).collect()));
        }
        let (larger, &mut key, _) = between.select_nth_unstable_by(left as usize - 1, |a, b| b.cmp(a));
        left -= larger.iter().filter(|&&other| other > key).count() as u64;
        let equal = |tally: &&Tally| tally.between.iter().filter(|&&other| other == key).count() as u64;
        Some(Cut::new(key, left, tallies.iter().map(equal).collect()))
    }
}
