//! Factors of slots.

use serde::{Deserialize, Serialize};
use tensor::Key;

use crate::Generator;

/// The factors of one generator's slots.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Factors {
    /// For each family of scales a positive number for each slot.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scales: Vec<Vec<f64>>,
    /// For each family of signs whether the sign of each slot changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signs: Vec<Vec<bool>>,
}

impl Factors {
    pub(crate) fn none(generator: &Generator) -> Self {
        Self {
            scales: vec![vec![1.0; generator.slots()]; generator.scales.len()],
            signs: vec![vec![false; generator.slots()]; generator.signs.len()],
        }
    }

    pub(crate) fn random(generator: &Generator, key: Key) -> Self {
        let slots = |name: &str, family: usize| {
            let key = key.child(name).fold(family as u64);
            (0..generator.slots() as u64).map(move |slot| key.normal(slot))
        };
        let scales = (0..generator.scales.len())
            .map(|family| slots("scale", family).map(|x| (SPREAD * x).exp()).collect());
        let signs = (0..generator.signs.len()).map(|family| slots("sign", family).map(|x| x < 0.0).collect());
        Self { scales: scales.collect(), signs: signs.collect() }
    }

    pub(crate) fn is_none(&self) -> bool {
        self.scales.iter().flatten().all(|scale| *scale == 1.0)
            && !self.signs.iter().flatten().any(|sign| *sign)
    }

    /// The factors with those of slot `from[s]` of `other` besides in slot `s`.
    pub(crate) fn with(&self, other: &Self, from: &[u32]) -> Self {
        let scales = self.scales.iter().zip(&other.scales).map(|(own, other)| {
            own.iter().zip(from).map(|(own, &slot)| own * other[slot as usize]).collect()
        });
        let signs = self.signs.iter().zip(&other.signs).map(|(own, other)| {
            own.iter().zip(from).map(|(own, &slot)| own ^ other[slot as usize]).collect()
        });
        Self { scales: scales.collect(), signs: signs.collect() }
    }

    /// The factors with those of slot `from(s)` in slot `s`.
    pub(crate) fn rearranged(&self, from: impl Fn(usize) -> usize + Copy) -> Self {
        fn each<T: Copy>(all: &[Vec<T>], from: impl Fn(usize) -> usize + Copy) -> Vec<Vec<T>> {
            let of = |own: &Vec<T>| (0..own.len()).map(|slot| own[from(slot)]).collect();
            all.iter().map(of).collect()
        }
        Self { scales: each(&self.scales, from), signs: each(&self.signs, from) }
    }

    /// What undoes the factors, when the slots are arranged by `inverse` before.
    pub(crate) fn undone(&self, inverse: &[u32]) -> Self {
        let arranged = |slot: &u32| *slot as usize;
        let scales =
            self.scales.iter().map(|own| inverse.iter().map(|slot| 1.0 / own[arranged(slot)]).collect());
        let signs = self.signs.iter().map(|own| inverse.iter().map(|slot| own[arranged(slot)]).collect());
        Self { scales: scales.collect(), signs: signs.collect() }
    }

    pub(crate) fn fault(&self, generator: &Generator) -> Option<String> {
        let (scales, signs) = (generator.scales.len(), generator.signs.len());
        if (self.scales.len(), self.signs.len()) != (scales, signs) {
            let found = (self.scales.len(), self.signs.len());
            return Some(format!("{} scales and {} signs instead of {scales} and {signs}", found.0, found.1));
        }
        let lengths = self.scales.iter().map(Vec::len).chain(self.signs.iter().map(Vec::len));
        if let Some(length) = lengths.into_iter().find(|length| *length != generator.slots()) {
            return Some(format!("factors for {length} slots instead of {}", generator.slots()));
        }
        let wrong = self.scales.iter().flatten().find(|scale| !(scale.is_finite() && **scale > 0.0));
        wrong.map(|scale| format!("the scale {scale}"))
    }
}

/// The standard deviation of the logarithm of a random scale. Ours: factors between 1/3 and 3, so that a condition number of a
/// few hundred tests an action without drowning it in rounding.
pub(crate) const SPREAD: f64 = 0.5;
