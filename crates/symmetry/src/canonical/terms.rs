//! The squares of all parameters, with the exponents of what scales them.

use std::{collections::BTreeMap, ops::Range};

use graph::Role;
use models::Params;

use crate::{Family, Generator, Group, group::axis_size};

/// A power of one of the unknown factors: its number, and the exponent.
pub(super) type Power = (u32, i32);

/// The unknown factors of one kind, scales or signs, of a group: one for each slot of each family.
pub(super) struct Unknowns {
    /// Where those of each generator and family begin.
    starts: Vec<Vec<usize>>,
    pub(super) count: usize,
}

impl Unknowns {
    pub(super) fn new(group: &Group, families: impl Fn(&Generator) -> &[Family]) -> Self {
        let mut count = 0;
        let mut next = |slots: usize| {
            count += slots;
            count - slots
        };
        let of =
            |generator: &Generator| families(generator).iter().map(|_| next(generator.slots())).collect();
        Self { starts: group.generators().iter().map(of).collect(), count }
    }

    /// The numbers of the unknowns of a family.
    pub(super) fn of(&self, generator: &Generator, position: usize, family: usize) -> Range<usize> {
        let start = self.starts[position][family];
        start..start + generator.slots()
    }
}

/// For each index of each axis of a subject the powers of the unknown factors of the families that are used.
pub(super) fn axis_powers<'g>(
    group: &'g Group,
    unknowns: &Unknowns,
    name: &str,
    shape: &[usize],
    families: impl Fn(&'g Generator) -> &'g [Family],
) -> Vec<Vec<Vec<Power>>> {
    let axes = shape.len().max(1);
    let size = |axis: usize| axis_size(&shape.into(), axis).unwrap_or(0);
    let mut powers: Vec<Vec<Vec<Power>>> = (0..axes).map(|axis| vec![Vec::new(); size(axis)]).collect();
    for (position, generator) in group.generators().iter().enumerate() {
        let here = generator.actions.iter().enumerate().filter(|(_, action)| action.parameter == name);
        for (number, action) in here {
            let exact = families(generator).iter().enumerate().filter(|(_, family)| !family.is_approximate);
            for (family, exponents) in exact.map(|(at, family)| (at, &family.exponents[number])) {
                let start = unknowns.starts[position][family];
                for (at, &index) in action.slots.indices.iter().enumerate() {
                    let exponent = exponents.of(at % action.slots.block);
                    if exponent != 0 {
                        let unknown = (start + at / action.slots.block) as u32;
                        powers[action.axis][index].push((unknown, exponent));
                    }
                }
            }
        }
    }
    powers
}

/// The sum of the squares of parameters that are scaled alike.
pub(super) struct Term {
    pub(super) square: f64,
    /// The number of the parameter among the subjects.
    pub(super) subject: usize,
    powers: Range<usize>,
}

/// What is scaled, as sums of squares, parameter by parameter in the model's order.
pub(super) struct Terms {
    pub(super) terms: Vec<Term>,
    powers: Vec<Power>,
}

impl Terms {
    pub(super) fn new(group: &Group, unknowns: &Unknowns, params: &Params) -> Self {
        let mut terms = Self { terms: Vec::new(), powers: Vec::new() };
        let parameters = group.subjects().iter().enumerate();
        for (number, subject) in parameters.filter(|(_, subject)| subject.role == Role::Parameter) {
            let Some(tensor) = params.get(&subject.name) else { continue };
            let powers =
                axis_powers(group, unknowns, &subject.name, &subject.shape, |generator| &generator.scales);
            terms.add(number, &tensor.to_f64_vec(), powers);
        }
        terms
    }

    pub(super) fn powers(&self, term: &Term) -> &[Power] {
        &self.powers[term.powers.clone()]
    }

    /// Adds the squares of one parameter, summed over indices that are scaled alike.
    fn add(&mut self, subject: usize, values: &[f64], axes: Vec<Vec<Vec<Power>>>) {
        let axes: Vec<Alike> = axes.into_iter().map(Alike::new).collect();
        let mut sums = vec![0.0; axes.iter().map(|axis| axis.powers.len()).product()];
        let inner: usize = axes.iter().skip(1).map(|axis| axis.kinds.len()).product();
        let offsets = axes.get(1..).map_or_else(|| vec![0], offsets);
        let row: usize = axes.iter().skip(1).map(|axis| axis.powers.len()).product();
        for (values, kind) in
            values.chunks(inner.max(1)).zip(axes.first().map_or(&[][..], |axis| &axis.kinds))
        {
            let sums = &mut sums[kind * row..][..row];
            values.iter().zip(&offsets).for_each(|(value, &offset)| sums[offset] += value * value);
        }
        for (at, square) in sums.into_iter().enumerate().filter(|(_, square)| *square > 0.0) {
            let start = self.powers.len();
            let mut left = at;
            for axis in axes.iter().rev() {
                self.powers.extend(&axis.powers[left % axis.powers.len()]);
                left /= axis.powers.len();
            }
            merge(&mut self.powers, start);
            if self.powers.len() > start {
                self.terms.push(Term { square, subject, powers: start..self.powers.len() });
            }
        }
    }
}

/// Adds the exponents of equal unknowns from `start` on; those that cancel are left out.
fn merge(powers: &mut Vec<Power>, start: usize) {
    let own = powers.split_off(start);
    let mut sums: BTreeMap<u32, i32> = BTreeMap::new();
    own.into_iter().for_each(|(unknown, exponent)| *sums.entry(unknown).or_default() += exponent);
    powers.extend(sums.into_iter().filter(|(_, exponent)| *exponent != 0));
}

/// The indices of an axis by how they are scaled.
struct Alike {
    /// The kind of each index.
    kinds: Vec<usize>,
    /// The powers of each kind.
    powers: Vec<Vec<Power>>,
}

impl Alike {
    fn new(axis: Vec<Vec<Power>>) -> Self {
        let mut known: BTreeMap<Vec<Power>, usize> = BTreeMap::new();
        let mut alike = Self { kinds: Vec::with_capacity(axis.len()), powers: Vec::new() };
        for own in axis {
            let next = known.len();
            let kind = *known.entry(own.clone()).or_insert(next);
            if kind == next {
                alike.powers.push(own);
            }
            alike.kinds.push(kind);
        }
        alike
    }
}

/// For each element of a tensor with these axes the number of its kinds together.
fn offsets(axes: &[Alike]) -> Vec<usize> {
    axes.iter().fold(vec![0], |outer, axis| {
        let along = |start: &usize| {
            let start = start * axis.powers.len();
            axis.kinds.iter().map(move |kind| start + kind).collect::<Vec<_>>()
        };
        outer.iter().flat_map(along).collect()
    })
}
