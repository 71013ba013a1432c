//! SCE (Wan et al. 2024): select the differences that vary most between models, calculate weights from their squares, erase
//! what has not the majority's sign.

use super::{
    chunks::{Chunk, Chunks, Inputs, dot, subtract_base, tree_sums},
    select::{Cut, Streams, key},
};
use crate::DeltaError;

/// Ready to be applied to chunks.
#[derive(Clone, Debug)]
pub struct ReadySce {
    base: usize,
    models: Vec<usize>,
    selected: Selected,
    weights: Vec<f32>,
}

#[derive(Clone, Debug)]
enum Selected {
    All,
    None,
    /// Where the variance is among the largest.
    First(Cut),
}

/// Finds what is selected and the weights.
pub(super) fn prepare(
    chunks: Chunks,
    inputs: &dyn Inputs,
    base: usize,
    share: f64,
) -> Result<ReadySce, DeltaError> {
    let models: Vec<usize> = (0..inputs.count()).filter(|&model| model != base).collect();
    let weights = vec![0.0; models.len()];
    let mut ready = ReadySce { base, models, selected: Selected::All, weights };
    if share < 1.0 {
        ready.selected = ready.select(chunks, inputs, share)?;
    }
    ready.weigh(chunks, inputs)?;
    Ok(ready)
}

impl ReadySce {
    fn select(&self, chunks: Chunks, inputs: &dyn Inputs, share: f64) -> Result<Selected, DeltaError> {
        let varying = chunks.map(inputs, |chunk| {
            subtract_base(chunk.columns, Some(self.base));
            self.variances(chunk.columns).iter().filter(|&&variance| variance != 0.0).count()
        })?;
        let count = (varying.iter().sum::<usize>() as f64 * share.max(0.0)) as u64;
        if count == 0 {
            return Ok(Selected::None);
        }
        let keys = |chunk: &mut Chunk<'_>, keys: &mut [Vec<u32>]| {
            subtract_base(chunk.columns, Some(self.base));
            keys[0] = self.variances(chunk.columns).into_iter().map(key).collect();
        };
        let mut cuts = Streams { keys: &keys, places: &[vec![count]] }.cuts(chunks, inputs)?;
        Ok(cuts.pop().and_then(|mut cuts| cuts.pop()).map_or(Selected::All, Selected::First))
    }

    /// The variance between models of each element, divided by their number.
    fn variances(&self, columns: &[Vec<f32>]) -> Vec<f32> {
        let count = self.models.len() as f32;
        let (mut means, mut variances) =
            (vec![0f32; columns[self.base].len()], vec![0f32; columns[self.base].len()]);
        for &model in &self.models {
            means.iter_mut().zip(&columns[model]).for_each(|(mean, &x)| *mean += x / count);
        }
        for &model in &self.models {
            for ((variance, &mean), &x) in variances.iter_mut().zip(&means).zip(&columns[model]) {
                *variance += (x - mean) * (x - mean) / count;
            }
        }
        variances
    }

    /// Sets all to zero that is not selected.
    fn mask(&self, chunk: usize, columns: &mut [Vec<f32>]) {
        match &self.selected {
            Selected::All => {}
            Selected::None => self.models.iter().for_each(|&model| columns[model].fill(0.0)),
            Selected::First(cut) => {
                let mut within = cut.within(chunk).each();
                let kept: Vec<bool> =
                    self.variances(columns).into_iter().map(|variance| within(key(variance))).collect();
                for &model in &self.models {
                    let elements = columns[model].iter_mut().zip(&kept);
                    elements.for_each(|(x, &kept)| *x = if kept { *x } else { 0.0 });
                }
            }
        }
    }

    /// Weights in proportion to the mean squares of differences; equal ones where these vanish.
    fn weigh(&mut self, chunks: Chunks, inputs: &dyn Inputs) -> Result<(), DeltaError> {
        let parts = chunks.map(inputs, |chunk| {
            subtract_base(chunk.columns, Some(self.base));
            self.mask(chunk.number, chunk.columns);
            self.models.iter().map(|&model| dot(&chunk.columns[model], &chunk.columns[model])).collect()
        })?;
        let elements = inputs.elements().max(1) as f64;
        let squares: Vec<f64> = tree_sums(&parts).iter().map(|sum| sum / elements).collect();
        let sum: f64 = squares.iter().sum();
        let equal = 1.0 / self.models.len().max(1) as f64;
        // The bound is mergekit's.
        let weight = |square: &f64| if sum.abs() < 1e-6 { equal } else { square / sum };
        self.weights = squares.iter().map(|square| weight(square) as f32).collect();
        Ok(())
    }

    /// The result for a chunk.
    pub(super) fn apply(&self, chunk: &mut Chunk<'_>, out: &mut [f32]) {
        subtract_base(chunk.columns, Some(self.base));
        self.mask(chunk.number, chunk.columns);
        let base = &chunk.columns[self.base];
        for (place, out) in out.iter_mut().enumerate() {
            let sum: f32 = self.models.iter().map(|&model| chunk.columns[model][place]).sum();
            let (mut mixed, mut divisor) = (0.0, 0.0);
            for (&model, &weight) in self.models.iter().zip(&self.weights) {
                let x = chunk.columns[model][place];
                if if sum >= 0.0 { x > 0.0 } else { x < 0.0 } {
                    mixed += x * weight;
                    divisor += weight;
                }
            }
            *out = base[place] + mixed / f32::max(divisor, 1e-6);
        }
    }
}
