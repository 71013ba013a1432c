//! Inner products of what belongs to slots of two networks: all that the steps of a search look at.

use std::collections::BTreeSet;

use faer::Mat;
use models::Params;
use tensor::{Tensor, parallel};

use super::place::Place;
use crate::{Generator, ParameterAxis};

/// Some ranks of an action.
pub(in crate::matching) struct Part<'a> {
    action: &'a ParameterAxis,
    ranks: Vec<usize>,
}

/// The generators whose places are settled, so that what they move can be compared; all, where none is given.
#[derive(Clone, Copy)]
pub(super) struct Known<'a>(pub(super) Option<&'a BTreeSet<usize>>);

impl Known<'_> {
    /// Whether everything that moves the other axes of an action's parameter is settled.
    pub(super) fn has(self, place: &Place<'_>, action: &ParameterAxis) -> bool {
        let Self(Some(settled)) = self else { return true };
        let mut others =
            place.group.actions_on(&action.parameter).filter(|(_, other)| other.axis != action.axis);
        others.all(|(generator, _)| {
            let own = &place.group.generators()[generator];
            // What acts on a whole network at once is no matter of its neighbours.
            settled.contains(&generator) || own.slots() == 1
        })
    }

    /// The parts of a generator that can be compared: of each action the ranks that are wanted.
    pub(super) fn parts<'g>(
        self,
        place: &Place<'_>,
        generator: &'g Generator,
        is_wanted: impl Fn(usize, &ParameterAxis, usize) -> bool,
    ) -> Vec<Part<'g>> {
        let mut all = ranks(generator, is_wanted);
        all.retain(|part| place.is_trained(part.parameter()) && self.has(place, part.action));
        all
    }
}

/// The ranks of a generator's actions that are wanted, given with the position of the action.
pub(in crate::matching) fn ranks(
    generator: &Generator,
    is_wanted: impl Fn(usize, &ParameterAxis, usize) -> bool,
) -> Vec<Part<'_>> {
    let part = |(position, action): (usize, &'_ ParameterAxis)| {
        let ranks = (0..action.slots.block).filter(|&rank| is_wanted(position, action, rank));
        ranks.collect::<Vec<_>>()
    };
    let all = generator.actions.iter().enumerate().map(|own| Part { action: own.1, ranks: part(own) });
    all.filter(|part| !part.ranks.is_empty()).collect()
}

/// Slots whose inner products are computed by one parallel task; ours.
const SLOTS: usize = 256;

/// The inner products of slots of one network with slots of another, over all parts; these are alike in number and size.
pub(in crate::matching) fn products(
    [one, other]: [&Params; 2],
    [own, others]: [&[Part<'_>]; 2],
    [rows, columns]: [&[usize]; 2],
) -> Mat<f64> {
    let mut sum = Mat::zeros(rows.len(), columns.len());
    for (own, other_part) in own.iter().zip(others) {
        let (Some(left), Some(right)) =
            (one.get(&own.action.parameter), other.get(&other_part.action.parameter))
        else {
            continue;
        };
        let right = other_part.of(right, columns);
        let blocks: Vec<&[usize]> = rows.chunks(SLOTS).collect();
        let products = parallel::map(blocks.len(), |block| own.of(left, blocks[block]).transpose() * &right);
        for (block, product) in products.iter().enumerate() {
            let mut target = sum.subrows_mut(block * SLOTS, product.nrows());
            target += product;
        }
    }
    sum
}

impl Part<'_> {
    /// The name of the parameter.
    pub(in crate::matching) fn parameter(&self) -> &str {
        &self.action.parameter
    }

    /// What belongs to slots, a column for each.
    fn of(&self, tensor: &Tensor, slots: &[usize]) -> Mat<f64> {
        let values = tensor.as_slice::<f64>().expect("networks were converted to f64");
        let (shape, axis) = (tensor.shape(), self.action.axis);
        let size = shape.get(axis).copied().unwrap_or(1);
        let inner: usize = shape.iter().skip(axis + 1).product();
        let rest = values.len() / size.max(1);
        Mat::from_fn(self.ranks.len() * rest, slots.len(), |row, column| {
            let index = self.action.slots.slot(slots[column])[self.ranks[row / rest.max(1)]];
            let at = row % rest.max(1);
            values[(at / inner.max(1) * size + index) * inner + at % inner.max(1)]
        })
    }
}
