//! Elements of a group and their algebra.

use serde::{Deserialize, Serialize};
use tensor::Key;

use crate::{Generator, Group, SymmetryError, group::Fingerprint};

/// An element of a [`Group`]: for each generator one permutation of its slots, and a factor for each slot and family.
///
/// A permutation `p` puts into slot `s` what was in slot `p[s]`, and that is multiplied by the factors of slot `s`. The
/// element names its group by fingerprint, so that one that was saved is not applied to another architecture; it is checked
/// whenever a group takes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Element {
    group: Fingerprint,
    permutations: Vec<Vec<u32>>,
    factors: Vec<Factors>,
}

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
    fn none(generator: &Generator) -> Self {
        Self {
            scales: vec![vec![1.0; generator.size]; generator.scales.len()],
            signs: vec![vec![false; generator.size]; generator.signs.len()],
        }
    }

    fn random(generator: &Generator, key: Key) -> Self {
        let slots = |name: &str, family: usize| {
            let key = key.child(name).fold(family as u64);
            (0..generator.size as u64).map(move |slot| key.normal(slot))
        };
        let scales = (0..generator.scales.len())
            .map(|family| slots("scale", family).map(|x| (SPREAD * x).exp()).collect());
        let signs = (0..generator.signs.len()).map(|family| slots("sign", family).map(|x| x < 0.0).collect());
        Self { scales: scales.collect(), signs: signs.collect() }
    }

    fn is_none(&self) -> bool {
        self.scales.iter().flatten().all(|scale| *scale == 1.0)
            && !self.signs.iter().flatten().any(|sign| *sign)
    }

    /// The factors with those of slot `from[s]` of `other` besides in slot `s`.
    fn with(&self, other: &Self, from: &[u32]) -> Self {
        let scales = self.scales.iter().zip(&other.scales).map(|(own, other)| {
            own.iter().zip(from).map(|(own, &slot)| own * other[slot as usize]).collect()
        });
        let signs = self.signs.iter().zip(&other.signs).map(|(own, other)| {
            own.iter().zip(from).map(|(own, &slot)| own ^ other[slot as usize]).collect()
        });
        Self { scales: scales.collect(), signs: signs.collect() }
    }

    /// What undoes the factors, when the slots are arranged by `inverse` before.
    fn undone(&self, inverse: &[u32]) -> Self {
        let arranged = |slot: &u32| *slot as usize;
        let scales =
            self.scales.iter().map(|own| inverse.iter().map(|slot| 1.0 / own[arranged(slot)]).collect());
        let signs = self.signs.iter().map(|own| inverse.iter().map(|slot| own[arranged(slot)]).collect());
        Self { scales: scales.collect(), signs: signs.collect() }
    }

    fn fault(&self, generator: &Generator) -> Option<String> {
        let (scales, signs) = (generator.scales.len(), generator.signs.len());
        if (self.scales.len(), self.signs.len()) != (scales, signs) {
            let found = (self.scales.len(), self.signs.len());
            return Some(format!("{} scales and {} signs instead of {scales} and {signs}", found.0, found.1));
        }
        let lengths = self.scales.iter().map(Vec::len).chain(self.signs.iter().map(Vec::len));
        if let Some(length) = lengths.into_iter().find(|length| *length != generator.size) {
            return Some(format!("factors for {length} slots instead of {}", generator.size));
        }
        let wrong = self.scales.iter().flatten().find(|scale| !(scale.is_finite() && **scale > 0.0));
        wrong.map(|scale| format!("the scale {scale}"))
    }
}

/// The standard deviation of the logarithm of a random scale. Ours: factors between 1/3 and 3, so that a condition number of a
/// few hundred tests an action without drowning it in rounding.
const SPREAD: f64 = 0.5;

impl Element {
    /// The fingerprint of the group to which the element belongs.
    #[must_use]
    pub const fn group(&self) -> Fingerprint {
        self.group
    }

    /// The permutation of each generator's slots, in the group's order of generators.
    #[must_use]
    pub fn permutations(&self) -> &[Vec<u32>] {
        &self.permutations
    }

    /// The factors of each generator's slots, in the group's order of generators.
    #[must_use]
    pub fn factors(&self) -> &[Factors] {
        &self.factors
    }

    /// Whether nothing moves, and nothing is multiplied.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        let stays = |permutation: &Vec<u32>| permutation.iter().copied().eq(0..permutation.len() as u32);
        self.permutations.iter().all(stays) && self.factors.iter().all(Factors::is_none)
    }
}

impl Group {
    /// The element that moves nothing.
    #[must_use]
    pub fn identity(&self) -> Element {
        let permutations = self.generators().iter().map(|generator| (0..generator.size as u32).collect());
        let factors = self.generators().iter().map(Factors::none);
        Element {
            group: self.fingerprint(),
            permutations: permutations.collect(),
            factors: factors.collect(),
        }
    }

    /// A random element: permutations and signs are uniform, scales log-normal with a standard deviation of 0.5 (of the
    /// logarithm).
    #[must_use]
    pub fn random(&self, key: Key) -> Element {
        let of = |(position, generator): (usize, &Generator)| {
            Factors::random(generator, key.fold(position as u64))
        };
        Element {
            factors: self.generators().iter().enumerate().map(of).collect(),
            ..self.random_permutation(key)
        }
    }

    /// A uniformly random permutation, without factors.
    #[must_use]
    pub fn random_permutation(&self, key: Key) -> Element {
        let mut element = self.identity();
        for (position, generator) in
            self.generators().iter().enumerate().filter(|(_, each)| each.is_exchangeable)
        {
            let permutation = key.fold(position as u64).permutation(generator.size);
            element.permutations[position] = permutation.into_iter().map(|slot| slot as u32).collect();
        }
        element
    }

    /// The element with these permutations, one for each generator, and no factors.
    ///
    /// # Errors
    /// Where their number or sizes are not the group's, or one is not a permutation, or permutes slots that cannot be
    /// exchanged.
    pub fn element(&self, permutations: Vec<Vec<u32>>) -> Result<Element, SymmetryError> {
        let element = Element { permutations, ..self.identity() };
        self.check(&element)?;
        Ok(element)
    }

    /// Permutations of the generators that can be exchanged, in order, with the identity for the others.
    pub(crate) fn with_idle(&self, permutations: Vec<Vec<u32>>) -> Vec<Vec<u32>> {
        let mut given = permutations.into_iter();
        let of = |generator: &Generator| {
            let moving = if generator.is_exchangeable { given.next() } else { None };
            moving.unwrap_or_else(|| (0..generator.size as u32).collect())
        };
        self.generators().iter().map(of).collect()
    }

    /// The element with these factors besides.
    ///
    /// # Errors
    /// Where the numbers of families or slots are not the group's, or a scale is not positive and finite.
    pub fn with_factors(&self, element: Element, factors: Vec<Factors>) -> Result<Element, SymmetryError> {
        let element = Element { factors, ..element };
        self.check(&element)?;
        Ok(element)
    }

    /// The element that acts as `b` first and then `a`: `act(compose(a, b), x) = act(a, act(b, x))`.
    ///
    /// # Errors
    /// Where one is not an element of this group.
    pub fn compose(&self, a: &Element, b: &Element) -> Result<Element, SymmetryError> {
        self.check(a)?;
        self.check(b)?;
        let permutations = a.permutations.iter().zip(&b.permutations).map(|(a, b)| {
            // What `a` fetches from slot `a[s]`, `b` had put there from slot `b[a[s]]`.
            a.iter().map(|&slot| b[slot as usize]).collect()
        });
        let factors = a.factors.iter().zip(&b.factors).zip(&a.permutations);
        let factors = factors.map(|((own, other), from)| own.with(other, from)).collect();
        Ok(Element { group: self.fingerprint(), permutations: permutations.collect(), factors })
    }

    /// The element that undoes `a`.
    ///
    /// # Errors
    /// Where `a` is not an element of this group.
    pub fn invert(&self, a: &Element) -> Result<Element, SymmetryError> {
        self.check(a)?;
        let permutations = a.permutations.iter().map(|permutation| {
            let mut inverse = vec![0; permutation.len()];
            for (slot, &source) in permutation.iter().enumerate() {
                inverse[source as usize] = slot as u32;
            }
            inverse
        });
        let permutations: Vec<Vec<u32>> = permutations.collect();
        let factors = a.factors.iter().zip(&permutations).map(|(own, inverse)| own.undone(inverse)).collect();
        Ok(Element { group: self.fingerprint(), permutations, factors })
    }

    /// Checks that `element` is one of this group.
    ///
    /// # Errors
    /// Where it names another group, or its permutations are not ones of the generators' slots.
    pub fn check(&self, element: &Element) -> Result<(), SymmetryError> {
        if element.group != self.fingerprint() {
            return Err(SymmetryError::OtherGroup { expected: self.fingerprint(), found: element.group });
        }
        let expected = self.generators().len();
        if let Some(found) =
            [element.permutations.len(), element.factors.len()].into_iter().find(|n| *n != expected)
        {
            return Err(SymmetryError::PermutationCount { group: self.fingerprint(), expected, found });
        }
        let parts = element.permutations.iter().zip(&element.factors);
        for (generator, (permutation, factors)) in self.generators().iter().zip(parts) {
            if let Some(found) = fault(permutation, generator) {
                let (generator, size) = (generator.name.clone(), generator.size);
                return Err(SymmetryError::NotAPermutation { generator, size, found });
            }
            if let Some(found) = factors.fault(generator) {
                return Err(SymmetryError::Factors { generator: generator.name.clone(), found });
            }
        }
        Ok(())
    }
}

/// The first reason why `permutation` is not one of the generator's slots.
fn fault(permutation: &[u32], generator: &Generator) -> Option<String> {
    if permutation.len() != generator.size {
        return Some(format!("{} entries", permutation.len()));
    }
    if !generator.is_exchangeable && !permutation.iter().copied().eq(0..generator.size as u32) {
        return Some("one that moves slots, which cannot be exchanged".to_owned());
    }
    let mut seen = vec![false; generator.size];
    permutation.iter().find_map(|&slot| match seen.get_mut(slot as usize) {
        None => Some(format!("the entry {slot}")),
        Some(true) => Some(format!("{slot} twice")),
        Some(unseen) => {
            *unseen = true;
            None
        }
    })
}

#[cfg(test)]
mod tests {
    use graph::Role;

    use super::*;
    use crate::{Exponents, Family, ParameterAxis, Slots, Subject};

    fn group(sizes: &[usize]) -> Group {
        let name = |position: usize| format!("w{position}");
        let subjects = sizes.iter().enumerate().map(|(position, &size)| Subject {
            name: name(position),
            shape: [size].into(),
            role: Role::Parameter,
        });
        let generators = sizes.iter().enumerate().map(|(position, &size)| {
            let action = ParameterAxis { parameter: name(position), axis: 0, slots: Slots::whole(size) };
            let family =
                |exponent| Family { exponents: vec![Exponents::new(vec![exponent])], is_approximate: false };
            let generator = Generator::permutations(name(position), size, vec![action]);
            Generator { scales: vec![family(1)], signs: vec![family(1)], ..generator }
        });
        Group::new(subjects.collect(), generators.collect()).unwrap()
    }

    #[test]
    fn the_group_axioms_hold() {
        let group = group(&[5, 7]);
        let [a, b, c] = [1, 2, 3].map(|seed| group.random(Key::new(seed)));
        let compose = |a: &Element, b: &Element| group.compose(a, b).unwrap();
        let (left, right) = (compose(&compose(&a, &b), &c), compose(&a, &compose(&b, &c)));
        assert_eq!(left.permutations, right.permutations);
        for (left, right) in left.factors.iter().zip(&right.factors) {
            assert_eq!(left.signs, right.signs);
            for (left, right) in left.scales[0].iter().zip(&right.scales[0]) {
                assert!((left - right).abs() < 1e-14 * left);
            }
        }
        assert_eq!(compose(&a, &group.identity()), a);
        assert_eq!(compose(&group.identity(), &a), a);
        // Of powers of two, so that nothing is rounded.
        let scales = a.factors.iter().map(|factors| Factors {
            scales: factors
                .scales
                .iter()
                .map(|own| own.iter().map(|x| x.log2().round().exp2()).collect())
                .collect(),
            ..factors.clone()
        });
        let a = group.with_factors(a.clone(), scales.collect()).unwrap();
        assert!(compose(&a, &group.invert(&a).unwrap()).is_identity());
        assert!(compose(&group.invert(&a).unwrap(), &a).is_identity());
        assert_ne!(compose(&a, &b), compose(&b, &a));
    }

    #[test]
    fn an_element_survives_json() {
        let group = group(&[3, 4]);
        let element = group.random(Key::new(9));
        let text = serde_json::to_string(&element).unwrap();
        let back: Element = serde_json::from_str(&text).unwrap();
        assert_eq!(back, element);
        group.check(&back).unwrap();
        assert!(text.contains(&group.fingerprint().to_string()), "{text}");
    }

    #[test]
    fn an_element_of_another_group_is_refused() {
        let error = group(&[3]).check(&group(&[4]).identity()).unwrap_err();
        assert!(matches!(error, SymmetryError::OtherGroup { .. }), "{error}");
    }

    #[test]
    fn what_is_not_a_permutation_is_refused() {
        let group = group(&[3]);
        let refusal = |permutations: &[&[u32]]| {
            let permutations = permutations.iter().map(|permutation| permutation.to_vec()).collect();
            group.element(permutations).unwrap_err().to_string()
        };
        assert!(refusal(&[&[0, 1]]).contains("2 entries"));
        assert!(refusal(&[&[0, 1, 3]]).contains("the entry 3"));
        assert!(refusal(&[&[0, 1, 1]]).contains("1 twice"));
        assert!(refusal(&[]).contains("expected 1 permutations, found 0"));
        assert!(group.element(vec![vec![2, 0, 1]]).is_ok());
    }
}
