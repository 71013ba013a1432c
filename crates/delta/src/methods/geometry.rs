//! Methods whose result is a weighted sum of the models, with weights that depend on lengths and angles alone.
//!
//! Lengths and angles follow from the products of the models with each other, which one pass over the tensor gives. So the
//! Karcher mean, too, is found without another look at the tensor: all its steps stay in the span of the models.

use super::chunks::{Chunks, Inputs, dot, subtract_base, tree_sums};
use crate::DeltaError;

/// Products of models with each other, or of their differences from a base.
#[derive(Clone, Debug)]
pub(super) struct Products {
    count: usize,
    values: Vec<f64>,
}

impl Products {
    /// Of the models `which`, after `base` was subtracted where there is one.
    pub(super) fn of_tensor(
        chunks: Chunks,
        inputs: &dyn Inputs,
        which: &[usize],
        base: Option<usize>,
    ) -> Result<Self, DeltaError> {
        let parts = chunks.map(inputs, |chunk| {
            subtract_base(chunk.columns, base);
            let columns: Vec<&[f32]> = which.iter().map(|&index| &chunk.columns[index][..]).collect();
            Self::values(&columns)
        })?;
        Ok(Self { count: which.len(), values: tree_sums(&parts) })
    }

    /// Of elements at hand.
    pub(super) fn of(columns: &[&[f32]]) -> Self {
        Self { count: columns.len(), values: Self::values(columns) }
    }

    /// Of `count` vectors, the products of each with itself and the later ones, in order.
    pub(super) const fn from_values(count: usize, values: Vec<f64>) -> Self {
        Self { count, values }
    }

    fn values(columns: &[&[f32]]) -> Vec<f64> {
        let pairs = (0..columns.len()).flat_map(|i| (i..columns.len()).map(move |j| (i, j)));
        pairs.map(|(i, j)| dot(columns[i], columns[j])).collect()
    }

    /// The product of two of them.
    pub(super) fn get(&self, i: usize, j: usize) -> f64 {
        let (i, j) = (i.min(j), i.max(j));
        self.values.get(i * self.count - i * (i + 1) / 2 + j).copied().unwrap_or(0.0)
    }

    pub(super) fn length(&self, i: usize) -> f64 {
        self.get(i, i).sqrt()
    }
}

/// As written by Shoemake (1985) on vectors that keep their lengths. Nearly parallel and nearly opposite ones (cosine beyond
/// 0.9995, as in mergekit) are interpolated along the line.
pub(super) fn slerp(products: &Products, t: f64) -> [f64; 2] {
    let guarded = |length: f64| if length > 1e-8 { length } else { 1.0 };
    let lengths = guarded(products.length(0)) * guarded(products.length(1));
    let cosine = (products.get(0, 1) / lengths).clamp(-1.0, 1.0);
    if cosine.abs() > 0.9995 { [1.0 - t, t] } else { arc(cosine, t) }
}

/// As [`slerp`], along the line only where the sine of the angle is below 1e-8, as in mergekit's nuslerp.
pub(super) fn nuslerp(products: &Products, t: f64) -> [f64; 2] {
    let lengths = products.length(0).max(1e-7) * products.length(1).max(1e-7);
    let cosine = (products.get(0, 1) / lengths).clamp(-1.0, 1.0);
    if 1.0 - cosine * cosine <= 1e-16 { [1.0 - t, t] } else { arc(cosine, t) }
}

fn arc(cosine: f64, t: f64) -> [f64; 2] {
    let angle = cosine.acos();
    [((1.0 - t) * angle).sin() / angle.sin(), (t * angle).sin() / angle.sin()]
}

/// How far from the base towards the average (Jang et al. 2024, equation 3 for any number of models): `t = N·c / (1 + (N − 1)·c)`
/// with the mean cosine `c` between differences; 0 where the denominator vanishes.
pub(super) fn stock(products: &Products, models: usize) -> f64 {
    let pairs = (0..models).flat_map(|i| (i + 1..models).map(move |j| (i, j)));
    let cosines: Vec<f64> = pairs
        .map(|(i, j)| {
            let lengths = (products.length(i) * products.length(j)).max(1e-6);
            (products.get(i, j) / lengths).clamp(-1.0, 1.0)
        })
        .collect();
    let cosine = cosines.iter().sum::<f64>() / cosines.len().max(1) as f64;
    let denominator = 1.0 + (models as f64 - 1.0) * cosine;
    if denominator.abs() < 1e-6 { 0.0 } else { models as f64 * cosine / denominator }
}

/// The mean on the unit sphere, equal weights, times the mean length: the weights of the models. Models of no length count in the
/// length alone.
pub(super) fn karcher(products: &Products, models: usize, steps: usize, tolerance: f64) -> Vec<f64> {
    let lengths: Vec<f64> = (0..models).map(|index| products.length(index)).collect();
    let scale = lengths.iter().sum::<f64>() / models as f64;
    let valid: Vec<usize> = (0..models).filter(|&index| lengths[index] > tolerance).collect();
    let mut weights = vec![0.0; models];
    let Some(&first) = valid.first() else { return weights };
    // Between unit vectors; `weights` are those of unit vectors until the end.
    let cosine = |i: usize, j: usize| products.get(i, j) / (lengths[i] * lengths[j]);
    let product = |x: &[f64], i: usize| valid.iter().map(|&j| x[j] * cosine(j, i)).sum::<f64>();
    let length = |x: &[f64]| valid.iter().map(|&i| x[i] * product(x, i)).sum::<f64>().max(0.0).sqrt();
    let part = 1.0 / valid.len() as f64;
    valid.iter().for_each(|&index| weights[index] = part);
    let mean = length(&weights);
    if mean < tolerance {
        weights.fill(0.0);
        weights[first] = 1.0;
    } else {
        weights.iter_mut().for_each(|weight| *weight /= mean);
    }
    for _ in 0..steps {
        let mut tangent = vec![0.0; models];
        for &index in &valid {
            let near = product(&weights, index).clamp(-1.0, 1.0);
            let angle = near.acos();
            if angle < tolerance {
                continue;
            }
            let factor = part * angle / angle.sin();
            tangent[index] += factor;
            tangent.iter_mut().zip(&weights).for_each(|(t, weight)| *t -= factor * near * weight);
        }
        let step = length(&tangent);
        if step < tolerance {
            break;
        }
        for (weight, t) in weights.iter_mut().zip(&tangent) {
            *weight = step.cos() * *weight + step.sin() * t / step;
        }
        let whole = length(&weights);
        if whole > tolerance {
            weights.iter_mut().for_each(|weight| *weight /= whole);
        }
    }
    weights
        .iter()
        .zip(&lengths)
        .map(|(weight, length)| if *length > tolerance { scale * weight / length } else { 0.0 })
        .collect()
}
