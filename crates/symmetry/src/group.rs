//! Groups that act on parameters along their axes.

use std::collections::BTreeSet;

use graph::Role;
use tensor::{Fingerprint, Shape};

use crate::{Generator, ParameterAxis, Slots, SymmetryError, fingerprint::fingerprint, generator::Part};

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

/// A group that acts on parameters: the product over its generators of what each can do with its slots. Generators act on
/// different indices, or in ways that commute; but what is inside of the slots of another follows when these are exchanged.
#[derive(Clone, Debug, PartialEq)]
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
    /// subject, axis or index that is not there, moves an index that moves already, or is not inside of its parent.
    pub fn new(subjects: Vec<Subject>, generators: Vec<Generator>) -> Result<Self, SymmetryError> {
        let mut taken = BTreeSet::new();
        for (position, generator) in generators.iter().enumerate() {
            for action in &generator.actions {
                check_action(&subjects, generator, action, &mut taken)?;
                check_inside(&generators[..position], generator, action)?;
            }
        }
        Ok(Self::trusted(subjects, generators))
    }

    pub(crate) fn trusted(subjects: Vec<Subject>, generators: Vec<Generator>) -> Self {
        let fingerprint = fingerprint(&subjects, &generators);
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

    /// The decimal logarithm of the number of permutations: the sum over copies of generators of `log10(size!)`.
    #[must_use]
    pub fn log10_order(&self) -> f64 {
        let exchangeable = self.generators.iter().filter(|generator| generator.is_exchangeable);
        exchangeable.map(|generator| generator.copies as f64 * log10_factorial(generator.size)).sum()
    }

    /// The number of independent real parameters, of positive factors and of matrices: of those that hold exactly, or with
    /// the approximate ones.
    #[must_use]
    pub fn dimension(&self, with_approximate: bool) -> usize {
        self.generators.iter().map(|generator| generator.dimension(with_approximate)).sum()
    }

    /// The number of independent signs, other than those of matrices.
    #[must_use]
    pub fn signs(&self) -> usize {
        self.generators.iter().map(|generator| generator.slots() * generator.signs.len()).sum()
    }

    /// The subgroup without the factors that hold only approximately.
    #[must_use]
    pub fn exact(&self) -> Self {
        self.keeping(|generator, part| !self.generators[generator].is_approximate(part))
    }

    /// The subgroup of permutations of slots that are not inside of others.
    #[must_use]
    pub fn permutations(&self) -> Self {
        self.keeping(|generator, part| part == Part::Permutation && self.generators[generator].is_matched())
    }

    /// The subgroup with the parts that are kept, given with the positions of their generators; generators that can do
    /// nothing any more, and have nothing inside of them, are left out.
    pub(crate) fn keeping(&self, keep: impl Fn(usize, Part) -> bool) -> Self {
        let all = self.generators.iter().enumerate();
        let mut kept: Vec<Generator> =
            all.map(|(position, own)| own.keeping(|part| keep(position, part))).collect();
        let mut is_kept: Vec<bool> = kept.iter().map(|generator| !generator.is_trivial()).collect();
        for position in (0..kept.len()).rev().filter(|&position| is_kept[position]).collect::<Vec<_>>() {
            let mut around = kept[position].parent;
            while let Some(parent) = around {
                is_kept[parent] = true;
                around = kept[parent].parent;
            }
        }
        let before = |position: usize| is_kept[..position].iter().filter(|kept| **kept).count();
        kept.iter_mut().for_each(|generator| generator.parent = generator.parent.map(before));
        let mut positions = is_kept.iter();
        kept.retain(|_| positions.next().copied().unwrap_or(false));
        Self::trusted(self.subjects.clone(), kept)
    }

    /// All parts of all generators, with the positions of these.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (usize, Part)> + '_ {
        let parts = |(position, generator): (usize, &Generator)| {
            let permutation = generator.is_exchangeable.then_some(Part::Permutation);
            let scales = (0..generator.scales.len()).map(Part::Scale);
            let signs = (0..generator.signs.len()).map(Part::Sign);
            let mixing = generator.mixing.as_ref().map(|_| Part::Mixing);
            let all: Vec<_> = permutation.into_iter().chain(scales).chain(signs).chain(mixing).collect();
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
    if *block == 0 || generator.slots() == 0 || indices.len() != block * generator.slots() {
        return fault(
            "one block of at least one index for each of at least one slot",
            format!("{} indices in blocks of {block} for {} slots", indices.len(), generator.slots()),
        );
    }
    if generator.mixing.as_ref().is_some_and(|mixing| mixing.powers.len() != generator.actions.len()) {
        return fault("powers of the matrix for each action", "another number of them".to_owned());
    }
    for &index in indices {
        if index >= size {
            return fault("indices of the axis", format!("{index} of {size}"));
        }
        if generator.is_exchangeable
            && generator.parent.is_none()
            && !taken.insert((&action.parameter, action.axis, index))
        {
            return fault("every index to move once", format!("{index} repeated"));
        }
    }
    Ok(())
}

/// Checks that each copy of an action is inside of one slot of the generator's parent, which is among those `before`.
fn check_inside(
    before: &[Generator],
    generator: &Generator,
    action: &ParameterAxis,
) -> Result<(), SymmetryError> {
    let fault = |expected, found: &str| {
        Err(SymmetryError::Generator {
            generator: generator.name.clone(),
            parameter: action.parameter.clone(),
            axis: action.axis,
            expected,
            found: found.to_owned(),
        })
    };
    let Some(parent) = generator.parent else {
        return if generator.copies == 1 { Ok(()) } else { fault("a parent of the copies", "none") };
    };
    let Some(parent) = before.get(parent).filter(|parent| parent.slots() == generator.copies) else {
        return fault("a parent before it with a slot for each copy", "none");
    };
    let is_there =
        |around: &&ParameterAxis| around.parameter == action.parameter && around.axis == action.axis;
    let Some(around) = parent.actions.iter().find(is_there) else {
        return fault("an action of the parent on the same axis", "none");
    };
    let per_copy = action.slots.block * generator.size;
    let mut copies = action.slots.indices.chunks(per_copy).enumerate();
    let is_inside = copies.all(|(copy, indices)| {
        let slot: BTreeSet<&usize> = around.slots.slot(copy).iter().collect();
        indices.iter().all(|index| slot.contains(index))
    });
    if is_inside { Ok(()) } else { fault("each copy inside of its slot of the parent", "indices outside") }
}

/// The number of indices along an axis; a scalar counts as an axis of one.
pub(crate) fn axis_size(shape: &Shape, axis: usize) -> Option<usize> {
    if shape.rank() == 0 && axis == 0 { Some(1) } else { shape.get(axis).copied() }
}

/// `log10(n!)`, as the sum of the logarithms; its relative error is a few ulp times the square root of `n`.
fn log10_factorial(n: usize) -> f64 {
    (2..=n).map(|factor| (factor as f64).log10()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Exponents, Family};

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
    fn the_order_of_three_symmetric_groups_on_512_slots() {
        assert!((3.0 * log10_factorial(512) - 3499.6).abs() < 0.05);
        assert_eq!(log10_factorial(1), 0.0);
        assert!((log10_factorial(5) - 120f64.log10()).abs() < 1e-14);
    }
}
