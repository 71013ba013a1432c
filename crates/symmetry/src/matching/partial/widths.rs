//! Architectures with more units.

use models::Model;
use tensor::Shape;

use super::shapes;
use crate::{Group, SymmetryError};

/// An architecture with more units in each class.
#[derive(Clone, Debug, PartialEq)]
pub struct Wider {
    /// The architecture.
    pub model: Model,
    /// The units that each class has more, in the order of the permutations of the group.
    pub extra: Vec<usize>,
}

/// A share this little below a whole number of units is that number. Ours.
const SLACK: f64 = 1e-9;

/// The architecture with `extra` units more in each class of the permutations of `group`, if it has a specification.
#[must_use]
pub fn widened(model: &Model, group: &Group, extra: &[usize]) -> Option<Model> {
    if extra.iter().all(|&extra| extra == 0) {
        return Some(model.clone());
    }
    let shapes = shapes(&group.permutations(), extra);
    let shape = |name: &str| -> Option<Shape> {
        shapes.iter().find(|(known, _)| known == name).map(|(_, shape)| shape.clone())
    };
    model.resized(&shape)
}

/// Whether every class can have a number of units of its own.
#[must_use]
pub fn are_free(model: &Model, group: &Group) -> bool {
    let count = group.permutations().generators().len();
    let one = |class: usize| (0..count).map(|other| usize::from(other == class)).collect::<Vec<_>>();
    (0..count).all(|class| widened(model, group, &one(class)).is_some())
}

/// The architecture with about `share` more units in each class, and no more than that: of a specification with a width for each class as
/// many as there are, of one with a width for all in common a share that makes every class whole.
///
/// # Errors
/// [`SymmetryError::NotAShare`] where `share` is not from 0 to 1, and [`SymmetryError::Widths`] where there is no such specification.
pub fn by_share(model: &Model, group: &Group, share: f64) -> Result<Wider, SymmetryError> {
    if !(0.0..=1.0).contains(&share) {
        return Err(SymmetryError::NotAShare { what: "share of units kept apart", found: share });
    }
    let permuting = group.permutations();
    let sizes: Vec<usize> = permuting.generators().iter().map(|generator| generator.size).collect();
    let whole = |size: usize| (share * size as f64 + SLACK) as usize;
    let extra: Vec<usize> = if are_free(model, group) {
        sizes.iter().map(|&size| whole(size)).collect()
    } else {
        let common = sizes.iter().copied().fold(0, gcd);
        sizes.iter().map(|size| size / common.max(1) * whole(common)).collect()
    };
    if share > 0.0 && extra.iter().all(|&extra| extra == 0) {
        let reason = format!("a share of {share} is less than its smallest step; take a larger one, or none");
        return Err(SymmetryError::Widths { model: model.spec(), reason });
    }
    let model = widened(model, group, &extra).ok_or_else(|| none(model))?;
    Ok(Wider { model, extra })
}

/// That there is no specification.
pub(super) fn none(model: &Model) -> SymmetryError {
    let reason =
        "there is no specification of it with other numbers of units; keep no units apart".to_owned();
    SymmetryError::Widths { model: model.spec(), reason }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}
