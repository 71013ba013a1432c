//! Methods that add weighted differences from a base: task arithmetic, TIES, DARE, DELLA, breadcrumbs.
//!
//! Each difference is pruned, scaled up to its old sum of magnitudes where asked, and weighted; where signs must agree, what has
//! not the sign of the sum is left out; the sum is divided by the weights where asked, times `lambda`, onto the base.

use tensor::{Key, Shape};

use super::{
    chunks::{Chunk, Chunks, Inputs, subtract_base, tree_sums},
    random::{mask_key, threshold, words},
    rows::ranks,
    select::{Cut, Streams, key},
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
            _ => 3 * usize::from(selected) + usize::from(self.rescale),
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
        let mut ready = ReadyDifferences { work: self.clone(), base, models, shape: shape.clone(), masks };
        ready.select(chunks, inputs)?;
        if self.rescale && ready.masks.iter().any(|(mask, _)| !matches!(mask, Mask::All | Mask::None)) {
            ready.rescale(chunks, inputs)?;
        }
        Ok(ready)
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
                keys.clear();
                keys.extend(chunk.columns[model].iter().zip(base).map(|(&x, &b)| key(x - b)));
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
        let magnitude =
            |elements: &[f32]| elements.iter().map(|element| f64::from(element.abs())).sum::<f64>();
        let parts = chunks.map(inputs, |chunk| {
            subtract_base(chunk.columns, Some(self.base));
            let mut sums = Vec::new();
            for (&model, (mask, _)) in self.models.iter().zip(&self.masks) {
                sums.push(magnitude(&chunk.columns[model]));
                self.apply_mask(mask, chunk.number, chunk.start, &mut chunk.columns[model]);
                sums.push(magnitude(&chunk.columns[model]));
            }
            sums
        })?;
        let sums = tree_sums(&parts);
        for ((mask, factor), sums) in self.masks.iter_mut().zip(sums.chunks_exact(2)) {
            // The bound is mergekit's.
            if !matches!(mask, Mask::All | Mask::None) && sums.iter().all(|&sum| sum >= 1e-7) {
                *factor = (sums[0] / sums[1]) as f32;
            }
        }
        Ok(())
    }

    fn apply_mask(&self, mask: &Mask, chunk: usize, start: usize, elements: &mut [f32]) {
        match mask {
            Mask::All => {}
            Mask::None => elements.fill(0.0),
            Mask::Between(first, second) => {
                let (mut before, mut within) = (first.within(chunk), second.within(chunk));
                for element in elements {
                    let key = key(*element);
                    let (before, within) = (before(key), within(key));
                    *element = if within && !before { *element } else { 0.0 };
                }
            }
            Mask::Random { key, below } => {
                let words = words(*key, start, elements.len());
                let kept = |word: u32| u64::from(word) < *below;
                elements.iter_mut().zip(words).for_each(|(x, word)| *x = if kept(word) { *x } else { 0.0 });
            }
            Mask::Ranked { key, low, span } => {
                let words = words(*key, start, elements.len());
                let ranks = ranks(elements, &self.shape);
                for ((x, word), rank) in elements.iter_mut().zip(words).zip(ranks) {
                    let kept = u64::from(word) < threshold(low + f64::from(rank) * span);
                    *x = if kept { *x } else { 0.0 };
                }
            }
        }
    }

    /// The result for a chunk.
    pub(super) fn apply(&self, chunk: &mut Chunk<'_>, out: &mut [f32]) {
        let work = &self.work;
        subtract_base(chunk.columns, Some(self.base));
        out.fill(0.0);
        for ((&model, (mask, factor)), weight) in self.models.iter().zip(&self.masks).zip(&work.weights) {
            let delta = &mut chunk.columns[model];
            self.apply_mask(mask, chunk.number, chunk.start, delta);
            for (sum, x) in out.iter_mut().zip(delta) {
                *x = *x * *factor * *weight;
                *sum += *x;
            }
        }
        let divisor = if work.consensus { self.agree(chunk.columns, out) } else { self.divisor(out.len()) };
        for ((out, &base), divisor) in out.iter_mut().zip(&chunk.columns[self.base]).zip(divisor) {
            let mixed = if work.normalize { *out / divisor } else { *out };
            *out = base + mixed * work.lambda;
        }
    }

    /// Keeps of each sum what has its sign, where a sum of zero counts as positive; the weights of what is kept, 1 for none.
    fn agree(&self, columns: &[Vec<f32>], sums: &mut [f32]) -> Vec<f32> {
        let (mut mixed, mut divisor) = (vec![0f32; sums.len()], vec![0f32; sums.len()]);
        for (&model, &weight) in self.models.iter().zip(&self.work.weights) {
            let both = mixed.iter_mut().zip(&mut divisor);
            for ((&x, &sum), (mixed, divisor)) in columns[model].iter().zip(&*sums).zip(both) {
                let agrees = if sum >= 0.0 { x > 0.0 } else { x < 0.0 };
                *mixed += if agrees { x } else { 0.0 };
                *divisor += if agrees { weight } else { 0.0 };
            }
        }
        divisor.iter_mut().filter(|divisor| **divisor == 0.0).for_each(|divisor| *divisor = 1.0);
        sums.copy_from_slice(&mixed);
        divisor
    }

    fn divisor(&self, count: usize) -> Vec<f32> {
        let sum: f32 = self.work.weights.iter().sum();
        vec![if sum.abs() < 1e-8 { 1.0 } else { sum }; count]
    }
}
