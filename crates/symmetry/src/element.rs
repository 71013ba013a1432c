//! Elements of a group and their algebra.

use serde::{Deserialize, Serialize};
use tensor::{Fingerprint, Key, parallel};

use crate::{
    Factors, Generator, Group, LinearGroup, Matrix, SymmetryError, factors::SPREAD, generator::Part,
};

/// An element of a [`Group`]: for each generator one permutation of its slots, a factor for each slot and family, and a matrix
/// for each copy where slots can be mixed.
///
/// First slots are mixed; then a permutation `p` puts into slot `s` what was in slot `p[s]`, and that is multiplied by the
/// factors of slot `s`. What is inside of the slots of another generator moves before that does. The element names its group by fingerprint, so that one that was saved is not applied to another architecture; it is checked
/// whenever a group takes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Element {
    group: Fingerprint,
    permutations: Vec<Vec<u32>>,
    factors: Vec<Factors>,
    /// None where slots cannot be mixed.
    #[serde(default)]
    matrices: Vec<Vec<Matrix>>,
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

    /// The factors of each generator's slots, in the group's order of generators.
    #[must_use]
    pub fn factors(&self) -> &[Factors] {
        &self.factors
    }

    /// The matrix of each copy of each generator, in the group's order of generators; none where slots cannot be mixed.
    #[must_use]
    pub fn matrices(&self) -> &[Vec<Matrix>] {
        &self.matrices
    }

    /// The element with the factors and matrices that these functions make of its own, which need not be ones of its group.
    pub(crate) fn with_changed(
        &self,
        factors: impl Fn(&Factors) -> Factors,
        matrix: impl Fn(&Matrix) -> Matrix,
    ) -> Self {
        let matrices = self.matrices.iter().map(|own| own.iter().map(&matrix).collect());
        Self {
            factors: self.factors.iter().map(factors).collect(),
            matrices: matrices.collect(),
            ..self.clone()
        }
    }

    pub(crate) fn permutation_mut(&mut self, generator: usize) -> &mut [u32] {
        &mut self.permutations[generator]
    }

    /// Whether a generator moves, mixes or multiplies something.
    pub(crate) fn acts(&self, generator: usize) -> bool {
        let mut places = self.permutations[generator].iter().zip(0..);
        places.any(|(slot, place)| *slot != place)
            || !self.factors[generator].is_none()
            || !self.matrices[generator].iter().all(Matrix::is_identity)
    }

    /// Whether nothing moves, and nothing is multiplied.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        let stays = |permutation: &Vec<u32>| permutation.iter().copied().eq(0..permutation.len() as u32);
        self.permutations.iter().all(stays)
            && self.factors.iter().all(Factors::is_none)
            && self.matrices.iter().flatten().all(Matrix::is_identity)
    }
}

impl Group {
    /// The element that moves nothing.
    #[must_use]
    pub fn identity(&self) -> Element {
        let generators = || self.generators().iter();
        let unmixed = |generator: &Generator| match generator.mixing {
            Some(_) => vec![Matrix::identity(generator.size); generator.copies],
            None => Vec::new(),
        };
        Element {
            group: self.fingerprint(),
            permutations: generators().map(|generator| (0..generator.slots() as u32).collect()).collect(),
            factors: generators().map(Factors::none).collect(),
            matrices: generators().map(unmixed).collect(),
        }
    }

    /// A random element: permutations, signs and orthogonal matrices are uniform, scales log-normal with a standard deviation of
    /// 0.5 (of the logarithm), other matrices with singular values so distributed, or exponentials of normal ones.
    #[must_use]
    pub fn random(&self, key: Key) -> Element {
        self.random_by(key, Matrix::random)
    }

    /// A random element with matrices that `draw` draws.
    pub(crate) fn random_by(&self, key: Key, draw: Draw) -> Element {
        let mut element = self.identity();
        for (position, part) in self.parts() {
            self.randomise(&mut element, position, part, key, draw);
        }
        element
    }

    /// A uniformly random permutation of slots that are not inside of others, without factors.
    #[must_use]
    pub fn random_permutation(&self, key: Key) -> Element {
        let mut element = self.identity();
        for position in
            (0..self.generators().len()).filter(|&position| self.generators()[position].is_matched())
        {
            self.randomise(&mut element, position, Part::Permutation, key, Matrix::random);
        }
        element
    }

    /// Replaces one part of an element by a random one.
    pub(crate) fn randomise(&self, element: &mut Element, position: usize, part: Part, key: Key, draw: Draw) {
        let (generator, key) = (&self.generators()[position], key.fold(position as u64));
        let random = Factors::random(generator, key);
        match part {
            Part::Permutation => element.permutations[position] = random_permutation(generator, key),
            Part::Scale(family) => {
                element.factors[position].scales[family].clone_from(&random.scales[family]);
            }
            Part::Sign(family) => element.factors[position].signs[family].clone_from(&random.signs[family]),
            Part::Mixing => {
                let Some(mixing) = &generator.mixing else { return };
                let matrix = |copy: usize| {
                    let key = key.child("matrix").fold(copy as u64);
                    draw(&mixing.group, generator.size, SPREAD, key)
                };
                element.matrices[position] = parallel::map(generator.copies, matrix);
            }
        }
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
            let moving = if generator.is_matched() { given.next() } else { None };
            moving.unwrap_or_else(|| (0..generator.slots() as u32).collect())
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

    /// The element with these matrices besides, a list with one for each copy of each generator whose slots can be mixed,
    /// and an empty list for each other.
    ///
    /// # Errors
    /// Where their numbers or sizes are not the group's, or a matrix is not one of the generator's.
    pub fn with_matrices(
        &self,
        element: Element,
        matrices: Vec<Vec<Matrix>>,
    ) -> Result<Element, SymmetryError> {
        let element = Element { matrices, ..element };
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
        // What `a` does inside of slots, it does to where `b` has moved them.
        let moved = self.sources(b);
        let a = self.with_copies_from(a, |parent| inverse(&moved[parent]));
        let permutations = a.permutations.iter().zip(&b.permutations).map(|(a, b)| {
            // What `a` fetches from slot `a[s]`, `b` had put there from slot `b[a[s]]`.
            a.iter().map(|&slot| b[slot as usize]).collect()
        });
        let factors = a.factors.iter().zip(&b.factors).zip(&a.permutations);
        let factors = factors.map(|((own, other), from)| own.with(other, from)).collect();
        let matrices = (0..a.matrices.len()).map(|position| {
            let back = inverse(&b.permutations[position]);
            let pairs = a.matrices[position].iter().zip(&b.matrices[position]).enumerate();
            // A permutation that comes between two matrices goes to the left of both.
            let product = |(copy, (a, b)): (usize, (&Matrix, &Matrix))| {
                a.rearranged(|slot| back[copy * a.size() + slot] as usize - copy * a.size()).times(b)
            };
            pairs.map(product).collect()
        });
        let matrices = matrices.collect();
        Ok(Element { group: self.fingerprint(), permutations: permutations.collect(), factors, matrices })
    }

    /// The element that undoes `a`.
    ///
    /// # Errors
    /// Where `a` is not an element of this group.
    pub fn invert(&self, a: &Element) -> Result<Element, SymmetryError> {
        self.check(a)?;
        let moved = self.sources(a);
        let permutations: Vec<Vec<u32>> =
            a.permutations.iter().map(|permutation| inverse(permutation)).collect();
        let factors = a.factors.iter().zip(&permutations).map(|(own, inverse)| own.undone(inverse)).collect();
        let matrices = a.matrices.iter().zip(&a.permutations).map(|(matrices, from)| {
            let undone = |(copy, matrix): (usize, &Matrix)| {
                let size = matrix.size();
                matrix.inverse().rearranged(|slot| from[copy * size + slot] as usize - copy * size)
            };
            matrices.iter().enumerate().map(undone).collect()
        });
        let matrices = matrices.collect();
        let undone = Element { group: self.fingerprint(), permutations, factors, matrices };
        Ok(self.with_copies_from(&undone, |parent| moved[parent].clone()))
    }

    /// From where each slot of each generator is read, what its parents do included.
    pub(crate) fn sources(&self, element: &Element) -> Vec<Vec<u32>> {
        let mut sources: Vec<Vec<u32>> = Vec::with_capacity(self.generators().len());
        for (generator, own) in self.generators().iter().zip(&element.permutations) {
            let size = generator.size as u32;
            let source = |slot: u32| match generator.parent {
                Some(parent) => own[(sources[parent][(slot / size) as usize] * size + slot % size) as usize],
                None => own[slot as usize],
            };
            sources.push((0..generator.slots() as u32).map(source).collect());
        }
        sources
    }

    /// The element with copy `from[c]` of what is inside of a parent's slots in the place of copy `c`.
    fn with_copies_from(&self, element: &Element, from: impl Fn(usize) -> Vec<u32>) -> Element {
        let mut moved = element.clone();
        for (position, generator) in self.generators().iter().enumerate() {
            let Some(parent) = generator.parent else { continue };
            let (from, size) = (from(parent), generator.size);
            let source = |slot: usize| from[slot / size] as usize * size + slot % size;
            let own = &element.permutations[position];
            // Where a copy permutes its slots, its entries are numbers of its own slots.
            let entry = |slot: usize| (own[source(slot)] as usize % size + slot / size * size) as u32;
            moved.permutations[position] = (0..own.len()).map(entry).collect();
            moved.factors[position] = element.factors[position].rearranged(source);
            let matrices = &element.matrices[position];
            moved.matrices[position] =
                (0..matrices.len()).map(|copy| matrices[from[copy] as usize].clone()).collect();
        }
        moved
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
        if let Some(found) = [element.permutations.len(), element.factors.len(), element.matrices.len()]
            .into_iter()
            .find(|n| *n != expected)
        {
            return Err(SymmetryError::PermutationCount { group: self.fingerprint(), expected, found });
        }
        for (position, generator) in self.generators().iter().enumerate() {
            if let Some(found) = fault(&element.permutations[position], generator) {
                let (generator, size) = (generator.name.clone(), generator.slots());
                return Err(SymmetryError::NotAPermutation { generator, size, found });
            }
            let factors = element.factors[position].fault(generator);
            if let Some(found) = factors.or_else(|| matrix_fault(&element.matrices[position], generator)) {
                return Err(SymmetryError::Factors { generator: generator.name.clone(), found });
            }
        }
        Ok(())
    }
}

/// How a matrix is drawn: of a group, of a size, with the standard deviation of logarithms.
pub(crate) type Draw = fn(&LinearGroup, usize, f64, Key) -> Matrix;

/// A permutation of the slots of each copy.
fn random_permutation(generator: &Generator, key: Key) -> Vec<u32> {
    let of_copy = |copy: usize| {
        let key = if copy == 0 { key } else { key.child("copy").fold(copy as u64) };
        key.permutation(generator.size).into_iter().map(move |slot| (copy * generator.size + slot) as u32)
    };
    (0..generator.copies).flat_map(of_copy).collect()
}

fn inverse(permutation: &[u32]) -> Vec<u32> {
    let mut inverse = vec![0; permutation.len()];
    for (slot, &source) in permutation.iter().enumerate() {
        inverse[source as usize] = slot as u32;
    }
    inverse
}

/// The first reason why `permutation` is not one of the generator's slots.
fn fault(permutation: &[u32], generator: &Generator) -> Option<String> {
    let slots = generator.slots();
    if permutation.len() != slots {
        return Some(format!("{} entries", permutation.len()));
    }
    if !generator.is_exchangeable && !permutation.iter().copied().eq(0..slots as u32) {
        return Some("one that moves slots, which cannot be exchanged".to_owned());
    }
    let mut seen = vec![false; slots];
    let wrong = permutation.iter().find_map(|&slot| match seen.get_mut(slot as usize) {
        None => Some(format!("the entry {slot}")),
        Some(true) => Some(format!("{slot} twice")),
        Some(unseen) => {
            *unseen = true;
            None
        }
    });
    let mut copies = permutation.iter().enumerate();
    let leaves = copies.find(|&(slot, &source)| slot / generator.size != source as usize / generator.size);
    wrong.or_else(|| leaves.map(|(slot, source)| format!("slot {slot} from {source}, inside of another")))
}

/// The first reason why matrices are not ones by which the generator's slots can be mixed.
fn matrix_fault(matrices: &[Matrix], generator: &Generator) -> Option<String> {
    let expected = if generator.mixing.is_some() { generator.copies } else { 0 };
    if matrices.len() != expected {
        return Some(format!("{} matrices instead of {expected}", matrices.len()));
    }
    let mixing = generator.mixing.as_ref()?;
    matrices.iter().find_map(|matrix| matrix.fault(&mixing.group, generator.size))
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
