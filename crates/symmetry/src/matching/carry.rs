//! Tensors carried along their axes from one width to another.

use tensor::{Shape, Tensor, parallel};

use super::problem::elements;
use crate::{Group, Subject, SymmetryError, generator::ParameterAxis};

/// What each index of an axis receives: `(to, from, share)`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct AxisMap {
    pub(super) size: usize,
    pub(super) entries: Vec<(usize, usize, f64)>,
}

impl AxisMap {
    /// What the shares of a class of units make of an axis of a parameter, from one of two groups of one structure ([`check_alike`]) to the
    /// other; `sizes` are those of the axis there and here. Indices that nothing moves are carried one by one. `shares` are
    /// asked for by the position of a generator and of its action: a slot to, one from, and its share. `None` where nothing
    /// moves along the axis.
    pub(super) fn new(
        [to, from]: [&Group; 2],
        parameter: &str,
        axis: usize,
        sizes: [usize; 2],
        shares: impl Fn(usize, usize) -> Vec<(usize, usize, f64)>,
    ) -> Option<Self> {
        let mut entries = Vec::new();
        let mut stays = sizes.map(|size| vec![true; size]);
        for (generator, action) in along(to, parameter, axis) {
            let slots = [to, from].map(|group| &group.generators()[generator].actions[action].slots);
            for (stays, slots) in stays.iter_mut().zip(slots) {
                slots.indices.iter().for_each(|&index| stays[index] = false);
            }
            for (row, column, share) in shares(generator, action) {
                let ranks = slots[0].slot(row).iter().zip(slots[1].slot(column));
                entries.extend(ranks.map(|(&to, &from)| (to, from, share)));
            }
        }
        if entries.is_empty() {
            return None;
        }
        let [there, here] = stays.map(|stays| (0..stays.len()).filter(move |&index| stays[index]));
        entries.extend(there.zip(here).map(|(to, from)| (to, from, 1.0)));
        Some(Self { size: sizes[0], entries })
    }
}

/// The generators that act along an axis, each with the position of its action.
pub(super) fn along(group: &Group, parameter: &str, axis: usize) -> Vec<(usize, usize)> {
    let mut along = Vec::new();
    for (generator, own) in group.generators().iter().enumerate() {
        let actions = own.actions.iter().enumerate();
        let here = actions.filter(|(_, action)| action.parameter == parameter && action.axis == axis);
        along.extend(here.map(|(action, _)| (generator, action)));
    }
    along
}

/// A tensor of f32 with one axis carried.
pub(super) fn carry(tensor: &Tensor, axis: usize, map: &AxisMap) -> Tensor {
    let (before, inner) = (tensor.shape()[axis], tensor.shape()[axis + 1..].iter().product::<usize>());
    let mut sizes = tensor.shape().to_vec();
    sizes[axis] = map.size;
    let mut carried = Tensor::full(Shape::from(sizes), 0f32);
    let (source, block) = (elements(tensor), (map.size * inner).max(1));
    let target = carried.as_mut_slice::<f32>().expect("the room was made for f32");
    parallel::for_each_chunk(target, block, |start, target| {
        let source = &source[start / block * before * inner..];
        for &(to, from, share) in &map.entries {
            let (to, from) = (&mut target[to * inner..][..inner], &source[from * inner..][..inner]);
            to.iter_mut().zip(from).for_each(|(to, from)| *to += share as f32 * from);
        }
    });
    carried
}

/// Checks that two groups differ in nothing but the numbers of units.
pub(super) fn check_alike(ours: &Group, theirs: &Group) -> Result<(), SymmetryError> {
    let fault = |found: String| Err(SymmetryError::OtherStructure { found });
    let outline = |group: &Group| -> Vec<Vec<(String, usize, usize)>> {
        let actions = |action: &ParameterAxis| (action.parameter.clone(), action.axis, action.slots.block);
        group.generators().iter().map(|generator| generator.actions.iter().map(actions).collect()).collect()
    };
    if outline(ours) != outline(theirs) {
        return fault("classes of units of other places".to_owned());
    }
    if ours.subjects().len() != theirs.subjects().len() {
        return fault(format!("{} and {} parameters", ours.subjects().len(), theirs.subjects().len()));
    }
    for (own, other) in ours.subjects().iter().zip(theirs.subjects()) {
        if (&own.name, own.role, own.shape.rank()) != (&other.name, other.role, other.shape.rank()) {
            return fault(format!("'{}' {} and '{}' {}", own.name, own.shape, other.name, other.shape));
        }
        if (0..own.shape.rank()).any(|axis| staying(ours, own, axis) != staying(theirs, other, axis)) {
            return fault(format!(
                "'{}' {} and {}, where not only units differ",
                own.name, own.shape, other.shape
            ));
        }
    }
    Ok(())
}

/// The number of indices of an axis that nothing moves.
fn staying(group: &Group, subject: &Subject, axis: usize) -> usize {
    let here = group.actions_on(&subject.name).filter(|(_, action)| action.axis == axis);
    subject.shape[axis] - here.map(|(_, action)| action.slots.indices.len()).sum::<usize>()
}
