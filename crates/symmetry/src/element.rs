//! Elements of a group and their algebra.

use serde::{Deserialize, Serialize};
use tensor::Key;

use crate::{Group, SymmetryError, group::Fingerprint};

/// An element of a [`Group`]: one permutation of the slots for each generator.
///
/// A permutation `p` puts into slot `s` what was in slot `p[s]`. The element names its group by fingerprint, so that
/// one that was saved is not applied to another architecture; it is checked whenever a group takes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Element {
    group: Fingerprint,
    permutations: Vec<Vec<u32>>,
}

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

    /// Whether nothing moves.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        self.permutations
            .iter()
            .all(|permutation| permutation.iter().copied().eq(0..permutation.len() as u32))
    }
}

impl Group {
    /// The element that moves nothing.
    #[must_use]
    pub fn identity(&self) -> Element {
        let permutations = self.generators().iter().map(|generator| (0..generator.size as u32).collect());
        Element { group: self.fingerprint(), permutations: permutations.collect() }
    }

    /// A uniformly random element.
    #[must_use]
    pub fn random(&self, key: Key) -> Element {
        let permutations = self.generators().iter().enumerate().map(|(position, generator)| {
            let permutation = key.fold(position as u64).permutation(generator.size);
            permutation.into_iter().map(|slot| slot as u32).collect()
        });
        Element { group: self.fingerprint(), permutations: permutations.collect() }
    }

    /// The element with these permutations, one for each generator.
    ///
    /// # Errors
    /// Where their number or sizes are not the group's, or one is not a permutation.
    pub fn element(&self, permutations: Vec<Vec<u32>>) -> Result<Element, SymmetryError> {
        let element = Element { group: self.fingerprint(), permutations };
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
        Ok(Element { group: self.fingerprint(), permutations: permutations.collect() })
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
        Ok(Element { group: self.fingerprint(), permutations: permutations.collect() })
    }

    /// Checks that `element` is one of this group.
    ///
    /// # Errors
    /// Where it names another group, or its permutations are not ones of the generators' slots.
    pub fn check(&self, element: &Element) -> Result<(), SymmetryError> {
        if element.group != self.fingerprint() {
            return Err(SymmetryError::OtherGroup { expected: self.fingerprint(), found: element.group });
        }
        let (expected, found) = (self.generators().len(), element.permutations.len());
        if expected != found {
            return Err(SymmetryError::PermutationCount { group: self.fingerprint(), expected, found });
        }
        for (generator, permutation) in self.generators().iter().zip(&element.permutations) {
            if let Some(found) = fault(permutation, generator.size) {
                let (generator, size) = (generator.name.clone(), generator.size);
                return Err(SymmetryError::NotAPermutation { generator, size, found });
            }
        }
        Ok(())
    }
}

/// The first reason why `permutation` is not one of `0..size`.
fn fault(permutation: &[u32], size: usize) -> Option<String> {
    if permutation.len() != size {
        return Some(format!("{} entries", permutation.len()));
    }
    let mut seen = vec![false; size];
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
    use crate::{Generator, ParameterAxis, Slots, Subject};

    fn group(sizes: &[usize]) -> Group {
        let name = |position: usize| format!("w{position}");
        let subjects = sizes.iter().enumerate().map(|(position, &size)| Subject {
            name: name(position),
            shape: [size].into(),
            role: Role::Parameter,
        });
        let generators = sizes.iter().enumerate().map(|(position, &size)| Generator {
            name: name(position),
            size,
            actions: vec![ParameterAxis { parameter: name(position), axis: 0, slots: Slots::whole(size) }],
        });
        Group::new(subjects.collect(), generators.collect()).unwrap()
    }

    #[test]
    fn the_group_axioms_hold() {
        let group = group(&[5, 7]);
        let [a, b, c] = [1, 2, 3].map(|seed| group.random(Key::new(seed)));
        let compose = |a: &Element, b: &Element| group.compose(a, b).unwrap();
        assert_eq!(compose(&compose(&a, &b), &c), compose(&a, &compose(&b, &c)));
        assert_eq!(compose(&a, &group.identity()), a);
        assert_eq!(compose(&group.identity(), &a), a);
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
