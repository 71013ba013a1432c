//! Groups that act on parameters along their axes.

use std::{collections::BTreeSet, fmt};

use graph::Role;
use serde::{Deserialize, Serialize};
use tensor::Shape;

use crate::SymmetryError;

/// A tensor that a group knows: a parameter, or a state bound to parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The name of the input of the graph.
    pub name: String,
    /// Its shape.
    pub shape: Shape,
    /// [`Role::Parameter`] or [`Role::State`].
    pub role: Role,
}

/// The indices of one axis that belong to each slot of a generator: `block` indices for each, in an order that
/// a permutation of the slots keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slots {
    /// The number of indices of each slot; 1 where an index is a slot of its own.
    pub block: usize,
    /// The indices of slot 0, then those of slot 1, and so on.
    pub indices: Vec<usize>,
}

impl Slots {
    /// All `size` indices of an axis in their order, each a slot.
    #[must_use]
    pub fn whole(size: usize) -> Self {
        Self { block: 1, indices: (0..size).collect() }
    }

    /// The indices of a slot.
    ///
    /// # Panics
    /// Where there is no such slot.
    #[must_use]
    pub fn slot(&self, slot: usize) -> &[usize] {
        &self.indices[slot * self.block..][..self.block]
    }
}

/// How a generator acts on one axis of one tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterAxis {
    /// The name of the parameter or state.
    pub parameter: String,
    /// The axis.
    pub axis: usize,
    /// Which indices move.
    pub slots: Slots,
}

/// The exponents of a slot's factor, by the rank of an index among those of the slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exponents(Vec<i32>);

impl Exponents {
    /// The exponents of every rank.
    #[must_use]
    pub fn new(mut exponents: Vec<i32>) -> Self {
        if exponents.windows(2).all(|pair| pair[0] == pair[1]) {
            exponents.truncate(1);
        }
        Self(exponents)
    }

    /// The exponent of a rank; 0 where there are none.
    #[must_use]
    pub fn of(&self, rank: usize) -> i32 {
        if let [one] = self.0[..] { one } else { self.0.get(rank).copied().unwrap_or(0) }
    }

    /// The exponent of all ranks, where there is one.
    #[must_use]
    pub fn common(&self) -> Option<i32> {
        match self.0[..] {
            [] => Some(0),
            [one] => Some(one),
            _ => None,
        }
    }
}

/// A way of scaling slots, or of changing their signs: each slot has a factor of its own, and what belongs to the slot is
/// multiplied by powers of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// The exponents for each action of the generator, in order; of a sign those of −1.
    pub exponents: Vec<Exponents>,
    /// Whether it holds only as far as the epsilons of normalisations do not matter.
    pub is_approximate: bool,
}

/// Like slots, with every place where they are: what can be done with them without changing the function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generator {
    /// A name for people, unique in its group, as `hidden units of 0.weight[0]`.
    pub name: String,
    /// The number of slots.
    pub size: usize,
    /// Whether the slots can be permuted, in every way.
    pub is_exchangeable: bool,
    /// All axes that move together.
    pub actions: Vec<ParameterAxis>,
    /// The positive factors that each slot can have.
    pub scales: Vec<Family>,
    /// The signs that each slot can have.
    pub signs: Vec<Family>,
}

/// A part of a generator that can hold without the others; of families their position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Permutation,
    Scale(usize),
    Sign(usize),
}

impl Generator {
    /// The symmetric group on slots, without factors.
    #[must_use]
    pub const fn permutations(name: String, size: usize, actions: Vec<ParameterAxis>) -> Self {
        Self { name, size, is_exchangeable: true, actions, scales: Vec::new(), signs: Vec::new() }
    }

    /// Whether a part holds only as far as epsilons do not matter.
    pub(crate) fn is_approximate(&self, part: Part) -> bool {
        match part {
            Part::Permutation => false,
            Part::Scale(family) => self.scales[family].is_approximate,
            Part::Sign(family) => self.signs[family].is_approximate,
        }
    }

    /// Whether there is nothing that it can do.
    #[must_use]
    pub const fn is_trivial(&self) -> bool {
        !self.is_exchangeable && self.scales.is_empty() && self.signs.is_empty()
    }
}

/// A group that acts on parameters: the direct product over its generators of permutations of slots with factors of the
/// slots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    subjects: Vec<Subject>,
    generators: Vec<Generator>,
    fingerprint: Fingerprint,
}

impl Group {
    /// The product of `generators`, acting on `subjects`. This trusts the caller that the function of the network is
    /// kept; [`crate::infer()`] derives it and [`crate::certified`] tests it.
    ///
    /// # Errors
    /// [`SymmetryError::Generator`] where a generator has no slots or another number of them than it says, names a
    /// subject, axis or index that is not there, or moves an index that moves already.
    pub fn new(subjects: Vec<Subject>, generators: Vec<Generator>) -> Result<Self, SymmetryError> {
        let mut taken = BTreeSet::new();
        for generator in &generators {
            for action in &generator.actions {
                check_action(&subjects, generator, action, &mut taken)?;
            }
        }
        Ok(Self::trusted(subjects, generators))
    }

    pub(crate) fn trusted(subjects: Vec<Subject>, generators: Vec<Generator>) -> Self {
        let fingerprint = Fingerprint::of(&subjects, &generators);
        Self { subjects, generators, fingerprint }
    }

    /// The tensors of the architecture in order, whether a generator moves them or not.
    #[must_use]
    pub fn subjects(&self) -> &[Subject] {
        &self.subjects
    }

    /// The generators, in the order in which an element lists their permutations.
    #[must_use]
    pub fn generators(&self) -> &[Generator] {
        &self.generators
    }

    /// The group's fingerprint.
    #[must_use]
    pub const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The decimal logarithm of the number of permutations: the sum over generators of `log10(size!)`.
    #[must_use]
    pub fn log10_order(&self) -> f64 {
        let exchangeable = self.generators.iter().filter(|generator| generator.is_exchangeable);
        exchangeable.map(|generator| log10_factorial(generator.size)).sum()
    }

    /// The number of independent positive factors: of those that hold exactly, or with the approximate ones.
    #[must_use]
    pub fn dimension(&self, with_approximate: bool) -> usize {
        let of_family = |generator: &Generator, family: &Family| {
            if family.is_approximate && !with_approximate { 0 } else { generator.size }
        };
        let of_generator = |generator: &Generator| -> usize {
            generator.scales.iter().map(|family| of_family(generator, family)).sum()
        };
        self.generators.iter().map(of_generator).sum()
    }

    /// The number of independent signs.
    #[must_use]
    pub fn signs(&self) -> usize {
        self.generators.iter().map(|generator| generator.size * generator.signs.len()).sum()
    }

    /// The subgroup without the factors that hold only approximately.
    #[must_use]
    pub fn exact(&self) -> Self {
        self.keeping(|generator, part| !self.generators[generator].is_approximate(part))
    }

    /// The subgroup of permutations.
    #[must_use]
    pub fn permutations(&self) -> Self {
        self.keeping(|_, part| part == Part::Permutation)
    }

    /// The subgroup with the parts that are kept, given with the positions of their generators; generators that can do
    /// nothing any more are left out.
    pub(crate) fn keeping(&self, keep: impl Fn(usize, Part) -> bool) -> Self {
        let kept = |(position, generator): (usize, &Generator)| {
            let families = |families: &[Family], part: fn(usize) -> Part| {
                let families = families.iter().enumerate();
                families
                    .filter(|(family, _)| keep(position, part(*family)))
                    .map(|(_, own)| own.clone())
                    .collect()
            };
            Generator {
                is_exchangeable: generator.is_exchangeable && keep(position, Part::Permutation),
                scales: families(&generator.scales, Part::Scale),
                signs: families(&generator.signs, Part::Sign),
                ..generator.clone()
            }
        };
        let generators = self.generators.iter().enumerate().map(kept);
        Self::trusted(self.subjects.clone(), generators.filter(|generator| !generator.is_trivial()).collect())
    }

    /// All parts of all generators, with the positions of these.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (usize, Part)> + '_ {
        let parts = |(position, generator): (usize, &Generator)| {
            let permutation = generator.is_exchangeable.then_some(Part::Permutation);
            let scales = (0..generator.scales.len()).map(Part::Scale);
            let signs = (0..generator.signs.len()).map(Part::Sign);
            let all: Vec<_> = permutation.into_iter().chain(scales).chain(signs).collect();
            all.into_iter().map(move |part| (position, part))
        };
        self.generators.iter().enumerate().flat_map(parts)
    }

    /// What moves along each axis of a subject: pairs of a generator's position and its action there.
    pub(crate) fn actions_on<'a>(
        &'a self,
        subject: &'a str,
    ) -> impl Iterator<Item = (usize, &'a ParameterAxis)> + Clone {
        self.generators.iter().enumerate().flat_map(move |(position, generator)| {
            let here = generator.actions.iter().filter(move |action| action.parameter == subject);
            here.map(move |action| (position, action))
        })
    }
}

/// Checks one action, and notes the indices that it moves.
fn check_action<'a>(
    subjects: &[Subject],
    generator: &Generator,
    action: &'a ParameterAxis,
    taken: &mut BTreeSet<(&'a str, usize, usize)>,
) -> Result<(), SymmetryError> {
    let fault = |expected, found: String| {
        Err(SymmetryError::Generator {
            generator: generator.name.clone(),
            parameter: action.parameter.clone(),
            axis: action.axis,
            expected,
            found,
        })
    };
    let Some(subject) = subjects.iter().find(|subject| subject.name == action.parameter) else {
        return fault("the name of a parameter", "none of that name".to_owned());
    };
    // Only factors act on a scalar as on an axis.
    let size = if generator.is_exchangeable {
        subject.shape.get(action.axis).copied()
    } else {
        axis_size(&subject.shape, action.axis)
    };
    let Some(size) = size else {
        return fault("an axis of the parameter", format!("shape {}", subject.shape));
    };
    let families = || generator.scales.iter().chain(&generator.signs);
    if let Some(family) = families().find(|family| family.exponents.len() != generator.actions.len()) {
        return fault("exponents for each action", format!("{} of them", family.exponents.len()));
    }
    let Slots { block, indices } = &action.slots;
    if *block == 0 || generator.size == 0 || indices.len() != block * generator.size {
        return fault(
            "one block of at least one index for each of at least one slot",
            format!("{} indices in blocks of {block} for {} slots", indices.len(), generator.size),
        );
    }
    for &index in indices {
        if index >= size {
            return fault("indices of the axis", format!("{index} of {size}"));
        }
        if generator.is_exchangeable && !taken.insert((&action.parameter, action.axis, index)) {
            return fault("every index to move once", format!("{index} repeated"));
        }
    }
    Ok(())
}

/// The number of indices along an axis; a scalar counts as an axis of one.
pub(crate) fn axis_size(shape: &Shape, axis: usize) -> Option<usize> {
    if shape.rank() == 0 && axis == 0 { Some(1) } else { shape.get(axis).copied() }
}

/// `log10(n!)`, as the sum of the logarithms; its relative error is a few ulp times the square root of `n`.
fn log10_factorial(n: usize) -> f64 {
    (2..=n).map(|factor| (factor as f64).log10()).sum()
}

/// A fixed 64-bit hash (FNV-1a) of what a group acts on and how, names of generators aside: equal groups have equal
/// fingerprints in every version and on every machine. Written as 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint(u64);

impl Fingerprint {
    fn of(subjects: &[Subject], generators: &[Generator]) -> Self {
        let mut hash = Self(0xcbf2_9ce4_8422_2325);
        for Subject { name, shape, role } in subjects {
            hash.text(name);
            hash.text(role.name());
            hash.numbers(shape);
        }
        for generator in generators {
            hash.numbers(&[generator.size, usize::from(generator.is_exchangeable), generator.actions.len()]);
            for ParameterAxis { parameter, axis, slots } in &generator.actions {
                hash.text(parameter);
                hash.numbers(&[*axis, slots.block]);
                hash.numbers(&slots.indices);
            }
            for (families, kind) in [(&generator.scales, "scale"), (&generator.signs, "sign")] {
                for family in families {
                    hash.text(kind);
                    family.exponents.iter().for_each(|exponents| hash.exponents(exponents));
                }
            }
        }
        hash
    }

    fn exponents(&mut self, exponents: &Exponents) {
        exponents.0.iter().for_each(|exponent| self.bytes(&exponent.to_le_bytes()));
        self.numbers(&[exponents.0.len()]);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn text(&mut self, text: &str) {
        self.numbers(&[text.len()]);
        self.bytes(text.as_bytes());
    }

    fn numbers(&mut self, numbers: &[usize]) {
        self.bytes(&(numbers.len() as u64).to_le_bytes());
        for &number in numbers {
            self.bytes(&(number as u64).to_le_bytes());
        }
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.to_string()
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let digits = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let parsed = if digits { u64::from_str_radix(&text, 16).ok() } else { None };
        parsed
            .map(Self)
            .ok_or_else(|| format!("a group's fingerprint: expected 16 hexadecimal digits, found '{text}'"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subjects() -> Vec<Subject> {
        let subject = |name: &str, shape: &[usize]| Subject {
            name: name.to_owned(),
            shape: shape.into(),
            role: Role::Parameter,
        };
        vec![subject("v", &[4]), subject("w", &[2, 4])]
    }

    fn action(parameter: &str, axis: usize, block: usize, indices: &[usize]) -> ParameterAxis {
        ParameterAxis {
            parameter: parameter.to_owned(),
            axis,
            slots: Slots { block, indices: indices.to_vec() },
        }
    }

    fn group(size: usize, actions: Vec<ParameterAxis>) -> Result<Group, SymmetryError> {
        Group::new(subjects(), vec![Generator::permutations("units".to_owned(), size, actions)])
    }

    #[test]
    fn malformed_generators_are_refused() {
        let message = |size, actions| group(size, actions).unwrap_err().to_string();
        let faults = [
            (message(4, vec![action("u", 0, 1, &[0, 1, 2, 3])]), "none of that name"),
            (message(4, vec![action("v", 1, 1, &[0, 1, 2, 3])]), "shape [4]"),
            (message(3, vec![action("v", 0, 1, &[0, 1])]), "2 indices in blocks of 1 for 3 slots"),
            (message(2, vec![action("v", 0, 1, &[0, 4])]), "4 of 4"),
            (message(2, vec![action("v", 0, 1, &[1, 1])]), "1 repeated"),
        ];
        for (message, expected) in faults {
            assert!(message.starts_with("generator 'units' on '") && message.contains(expected), "{message}");
        }
    }

    #[test]
    fn a_scalar_can_be_scaled_and_has_nothing_to_exchange() {
        let scalar = Subject { name: "t".to_owned(), shape: Shape::from([]), role: Role::Parameter };
        let exchange = Generator::permutations("t".to_owned(), 1, vec![action("t", 0, 1, &[0])]);
        let family = Family { exponents: vec![Exponents::new(vec![1])], is_approximate: false };
        let scale = Generator { is_exchangeable: false, scales: vec![family], ..exchange.clone() };
        let error = Group::new(vec![scalar.clone()], vec![exchange]).unwrap_err().to_string();
        assert!(error.contains("expected an axis of the parameter, found shape []"), "{error}");
        assert!(Group::new(vec![scalar], vec![scale]).is_ok());
    }

    #[test]
    fn the_fingerprint_sees_the_actions_and_not_the_name() {
        let one = group(2, vec![action("w", 1, 2, &[0, 1, 2, 3])]).unwrap();
        let other = group(2, vec![action("w", 1, 2, &[0, 2, 1, 3])]).unwrap();
        assert_ne!(one.fingerprint(), other.fingerprint());
        let mut renamed = one.generators().to_vec();
        renamed[0].name = "heads".to_owned();
        assert_eq!(Group::new(subjects(), renamed).unwrap().fingerprint(), one.fingerprint());
    }

    #[test]
    fn a_fingerprint_reads_back() {
        let print = group(2, vec![action("v", 0, 1, &[0, 1])]).unwrap().fingerprint();
        assert_eq!(Fingerprint::try_from(print.to_string()), Ok(print));
        for bad in ["", "0123", "+123456789abcdef", "0123456789abcdefg"] {
            assert!(Fingerprint::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_order_of_three_symmetric_groups_on_512_slots() {
        assert!((3.0 * log10_factorial(512) - 3499.6).abs() < 0.05);
        assert_eq!(log10_factorial(1), 0.0);
        assert!((log10_factorial(5) - 120f64.log10()).abs() < 1e-14);
    }
}
