//! Methods that add weighted differences from a base: task arithmetic, TIES, DARE, DELLA, breadcrumbs.
//!
//! Each difference is pruned, scaled up to its old sum of magnitudes where asked, and weighted; where signs must agree, what has
//! not the sign of the sum is left out; the sum is divided by the weights where asked, times `lambda`, onto the base.

use std::ops::Range;

use tensor::{Key, Shape};

use super::{
    chunks::{Chunk, Chunks, Inputs, magnitude, subtract_base, tree_sums},
    guess::COLLECTED_BYTES,
    random::{self, mask_key, threshold, words},
    rows::ranks,
    select::{Cut, Streams, Within, key},
    wide::wide,
};
use crate::DeltaError;

/// How differences are pruned.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Pruning {
    /// Not at all.
    Nothing,
    /// To the largest ones.
    Magnitude,
    /// To those below the largest: the share of these, for each model.
    Outliers(Vec<f64>),
    /// To random ones.
    Random,
    /// To random ones, larger ones likelier: by how much, for each model.
    Ranked(Vec<f64>),
}

/// What is done with differences. Lists have an entry for each model but the base.
#[derive(Clone, Debug, PartialEq)]
pub struct Differences {
    pub(super) pruning: Pruning,
    pub(super) weights: Vec<f32>,
    pub(super) densities: Vec<f64>,
    pub(super) normalize: bool,
    pub(super) rescale: bool,
    pub(super) lambda: f32,
    pub(super) consensus: bool,
}

/// Elements that are worked on at a time, so that they stay in the first cache. Ours.
const TILE: usize = 1 << 10;

/// The most bytes of random masks that are kept; those of larger tensors are drawn anew. Ours.
const MOST_MASKS: usize = 1 << 26;

/// Which elements of a difference stay.
#[derive(Clone, Debug)]
enum Mask {
    All,
    None,
    /// Those behind the first cut and before the second.
    Between(Cut, Cut),
    Random {
        key: Key,
        below: u64,
    },
    /// With a probability that grows with the rank, from `low` by `span`.
    Ranked {
        key: Key,
        low: f64,
        span: f64,
    },
}

/// Ready to be applied to chunks.
#[derive(Clone, Debug)]
pub struct ReadyDifferences {
    work: Differences,
    base: usize,
    models: Vec<usize>,
    shape: Shape,
    masks: Vec<(Mask, f32)>,
    /// For each chunk and model the bits of random masks, where they were drawn already and there is room for them.
    drawn: Vec<Vec<Vec<u64>>>,
}

impl Differences {
    /// The length of what must stay in one chunk.
    pub(super) fn row(&self, shape: &Shape) -> usize {
        let ranked =
            matches!(self.pruning, Pruning::Ranked(_)) && self.densities.iter().any(|&density| density < 1.0);
        if ranked { super::rows::first_axis_slices(shape) } else { 1 }
    }

    /// Passes over the models before the result is made.
    pub(super) fn passes(&self) -> usize {
        let pruned = self.densities.iter().any(|&density| density > 0.0 && density < 1.0);
        let selected = matches!(self.pruning, Pruning::Magnitude | Pruning::Outliers(_));
        match (pruned, &self.pruning) {
            (false, _) | (_, Pruning::Nothing) => 0,
            _ => usize::from(selected) + usize::from(self.rescale),
        }
    }

    /// Finds thresholds and factors.
    pub(super) fn prepare(
        &self,
        chunks: Chunks,
        inputs: &dyn Inputs,
        base: usize,
        shape: &Shape,
        (seed, tensor): (u64, &str),
    ) -> Result<ReadyDifferences, DeltaError> {
        let models: Vec<usize> = (0..inputs.count()).filter(|&model| model != base).collect();
        let mut masks = Vec::new();
        for (index, &density) in self.densities.iter().enumerate() {
            masks.push((self.mask(index, density, mask_key(seed, tensor, models[index])), 1.0));
        }
        let (work, shape, drawn) = (self.clone(), shape.clone(), Vec::new());
        let mut ready = ReadyDifferences { work, base, models, shape, masks, drawn };
        ready.select(chunks, inputs)?;
        if self.rescale && ready.masks.iter().any(|(mask, _)| !matches!(mask, Mask::All | Mask::None)) {
            ready.rescale(chunks, inputs)?;
        }
        Ok(ready)
    }

    /// Bytes that are kept for a tensor.
    pub(super) fn kept_bytes(&self, elements: usize) -> usize {
        let all = (0..self.densities.len()).flat_map(|index| self.places(index, elements));
        let cuts = all.filter(|&place| place > 0 && place < elements as u64).count();
        cuts * COLLECTED_BYTES.min(8 * elements) + self.mask_bytes(elements)
    }

    /// Bytes of random masks that are kept for a tensor.
    fn mask_bytes(&self, elements: usize) -> usize {
        let bytes = elements.div_ceil(8).saturating_mul(self.densities.len());
        if self.rescale && self.pruning == Pruning::Random && bytes <= MOST_MASKS { bytes } else { 0 }
    }

    /// A mask that needs to know nothing of the tensor; cuts are found later.
    fn mask(&self, index: usize, density: f64, key: Key) -> Mask {
        match &self.pruning {
            Pruning::Nothing => Mask::All,
            _ if density >= 1.0 => Mask::All,
            _ if density <= 0.0 => Mask::None,
            Pruning::Random => Mask::Random { key, below: threshold(density) },
            Pruning::Ranked(epsilons) => {
                Mask::Ranked { key, low: density - epsilons[index], span: 2.0 * epsilons[index] }
            }
            Pruning::Magnitude | Pruning::Outliers(_) => Mask::None,
        }
    }

    /// Between which places of the order by magnitude the elements of a model stay; nothing where no order is needed.
    fn places(&self, index: usize, elements: usize) -> Vec<u64> {
        let (density, part) = (self.densities[index], |share: f64| (share * elements as f64) as u64);
        if density <= 0.0 || density >= 1.0 || elements == 0 {
            return Vec::new();
        }
        match &self.pruning {
            Pruning::Magnitude => vec![0, part(density).max(1)],
            Pruning::Outliers(gammas) => {
                let (stay, all) = (part(density), elements as u64);
                let smallest = all.saturating_sub(stay + part(gammas[index]));
                vec![all - smallest - stay, all - smallest]
            }
            _ => Vec::new(),
        }
    }
}

impl ReadyDifferences {
    fn select(&mut self, chunks: Chunks, inputs: &dyn Inputs) -> Result<(), DeltaError> {
        let places: Vec<Vec<u64>> =
            (0..self.models.len()).map(|index| self.work.places(index, inputs.elements())).collect();
        if places.iter().all(Vec::is_empty) {
            return Ok(());
        }
        let (base, models) = (self.base, &self.models);
        let keys = |chunk: &mut Chunk<'_>, keys: &mut [Vec<u32>]| {
            let base = &chunk.columns[base];
            for ((keys, &model), _) in keys.iter_mut().zip(models).zip(&places).filter(|(_, p)| !p.is_empty())
            {
                keys.resize(base.len(), 0);
                let both = chunk.columns[model].iter().zip(base);
                wide(
                    #[inline(always)]
                    || keys.iter_mut().zip(both).for_each(|(out, (&x, &b))| *out = key(x - b)),
                );
            }
        };
        let cuts = Streams { keys: &keys, places: &places }.cuts(chunks, inputs)?;
        for ((mask, _), cuts) in self.masks.iter_mut().zip(cuts) {
            if let Ok([first, second]) = <[Cut; 2]>::try_from(cuts) {
                *mask = Mask::Between(first, second);
            }
        }
        Ok(())
    }

    /// Factors by which what stays has the sum of magnitudes that all had.
    fn rescale(&mut self, chunks: Chunks, inputs: &dyn Inputs) -> Result<(), DeltaError> {
        let keep = self.work.mask_bytes(inputs.elements()) > 0;
        let parts = chunks.map(inputs, |chunk| {
            subtract_base(chunk.columns, Some(self.base));
            let (mut sums, mut drawn) = (Vec::new(), Vec::new());
            for (index, &model) in self.models.iter().enumerate() {
                let column = &mut chunk.columns[model];
                sums.push(magnitude(column));
                let bits = self.apply_mask(index, chunk.number, chunk.start, column);
                drawn.extend(bits.filter(|_| keep));
                sums.push(magnitude(column));
            }
            (sums, drawn)
        })?;
        let (parts, drawn): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        let sums = tree_sums(&parts);
        if keep && self.masks.iter().all(|(mask, _)| matches!(mask, Mask::Random { .. })) {
            self.drawn = drawn;
        }
        for ((mask, factor), sums) in self.masks.iter_mut().zip(sums.chunks_exact(2)) {
            // The bound is mergekit's.
            if !matches!(mask, Mask::All | Mask::None) && sums.iter().all(|&sum| sum >= 1e-7) {
                *factor = (sums[0] / sums[1]) as f32;
            }
        }
        Ok(())
    }

    /// Applies the mask of the model at `index`; its bits, where they were drawn for this.
    fn apply_mask(&self, index: usize, chunk: usize, start: usize, elements: &mut [f32]) -> Option<Vec<u64>> {
        match &self.masks[index].0 {
            Mask::All => {}
            Mask::None => elements.fill(0.0),
            Mask::Between(first, second) => between(first.within(chunk), second.within(chunk), elements),
            Mask::Random { key, below } => match self.drawn.get(chunk) {
                Some(drawn) => random::keep(&drawn[index], elements),
                None => {
                    let drawn = random::mask(*key, start, *below, elements.len());
                    random::keep(&drawn, elements);
                    return Some(drawn);
                }
            },
            Mask::Ranked { key, low, span } => {
                let words = words(*key, start, elements.len());
                let ranks = ranks(elements, &self.shape);
                for ((x, word), rank) in elements.iter_mut().zip(words).zip(ranks) {
                    let kept = u64::from(word) < threshold(low + f64::from(rank) * span);
                    *x = if kept { *x } else { 0.0 };
                }
            }
        }
        None
    }

    /// The result for a chunk.
    pub(super) fn apply(&self, chunk: &mut Chunk<'_>, out: &mut [f32]) {
        subtract_base(chunk.columns, Some(self.base));
        for (index, &model) in self.models.iter().enumerate() {
            self.apply_mask(index, chunk.number, chunk.start, &mut chunk.columns[model]);
        }
        for (number, out) in out.chunks_mut(TILE).enumerate() {
            let start = number * TILE;
            wide(
                #[inline(always)]
                || self.tile(chunk.columns, start..start + out.len(), out),
            );
        }
    }

    /// The result of some elements from differences with their masks.
    #[inline(always)]
    fn tile(&self, columns: &mut [Vec<f32>], place: Range<usize>, out: &mut [f32]) {
        out.fill(0.0);
        for ((&model, (_, factor)), weight) in self.models.iter().zip(&self.masks).zip(&self.work.weights) {
            for (sum, x) in out.iter_mut().zip(&mut columns[model][place.clone()]) {
                *x = *x * *factor * *weight;
                *sum += *x;
            }
        }
        let mut divisors = [self.divisor(); TILE];
        let divisors = &mut divisors[..out.len()];
        if self.work.consensus {
            self.agree(columns, place.clone(), out, divisors);
        }
        let base = &columns[self.base][place];
        if self.work.normalize {
            out.iter_mut().zip(divisors).for_each(|(out, divisor)| *out /= *divisor);
        }
        out.iter_mut().zip(base).for_each(|(out, &base)| *out = base + *out * self.work.lambda);
    }

    /// Keeps of each sum what has its sign, where a sum of zero counts as positive; the weights of what is kept, 1 for none.
    #[inline(always)]
    fn agree(&self, columns: &[Vec<f32>], place: Range<usize>, sums: &mut [f32], divisors: &mut [f32]) {
        let mut mixed = [0f32; TILE];
        divisors.fill(0.0);
        for (&model, &weight) in self.models.iter().zip(&self.work.weights) {
            let both = mixed.iter_mut().zip(&mut *divisors);
            for ((&x, &sum), (mixed, divisor)) in columns[model][place.clone()].iter().zip(&*sums).zip(both) {
                let agrees = ((sum >= 0.0) & (x > 0.0)) | ((sum < 0.0) & (x < 0.0));
                *mixed += if agrees { x } else { 0.0 };
                *divisor += if agrees { weight } else { 0.0 };
            }
        }
        divisors.iter_mut().for_each(|divisor| *divisor = if *divisor == 0.0 { 1.0 } else { *divisor });
        sums.copy_from_slice(&mixed[..sums.len()]);
    }

    fn divisor(&self) -> f32 {
        let sum: f32 = self.work.weights.iter().sum();
        if sum.abs() < 1e-8 { 1.0 } else { sum }
    }
}

/// Sets to zero what comes before the first cut, or not before the second.
fn between(first: Within, second: Within, elements: &mut [f32]) {
    if let (Within::From(beyond), Within::From(least)) = (first, second) {
        let kept = |x: f32| (key(x) >= least) & (key(x) < beyond);
        return wide(
            #[inline(always)]
            || elements.iter_mut().for_each(|x| *x = if kept(*x) { *x } else { 0.0 }),
        );
    }
    let (mut before, mut within) = (first.each(), second.each());
    for element in elements {
        let (before, within) = (before(key(*element)), within(key(*element)));
        *element = if within && !before { *element } else { 0.0 };
    }
}
