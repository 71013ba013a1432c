//! Where a search is: B as it has been moved so far, and how far that is from A.

use std::collections::BTreeMap;

use graph::Role;
use models::Params;
use tensor::{DType, Tensor, parallel};

use crate::{Element, Group, SymmetryError};

/// Elements summed by one parallel task; ours.
const CHUNK: usize = 1 << 14;

/// Both networks, and an element that has moved the second.
pub(super) struct Place<'a> {
    pub(super) group: &'a Group,
    pub(super) a: &'a Params,
    b: &'a Params,
    pub(super) moved: Params,
    pub(super) element: Element,
    /// The squared distance of each trained parameter.
    terms: BTreeMap<String, f64>,
}

/// What a move has replaced.
pub(super) struct Undo {
    element: Element,
    tensors: Vec<(String, Tensor)>,
    terms: Vec<(String, f64)>,
}

impl<'a> Place<'a> {
    /// B moved by an element; both networks hold `f64`.
    pub(super) fn new(
        group: &'a Group,
        a: &'a Params,
        b: &'a Params,
        element: Element,
    ) -> Result<Self, SymmetryError> {
        let moved = group.act(&element, b)?;
        let trained = group.subjects().iter().filter(|subject| subject.role == Role::Parameter);
        let term = |name: &str| Some(squared_distance(a.get(name)?, moved.get(name)?));
        let terms =
            trained.filter_map(|subject| Some((subject.name.clone(), term(&subject.name)?))).collect();
        Ok(Self { group, a, b, moved, element, terms })
    }

    /// The squared distance of A from what B has become.
    pub(super) fn distance(&self) -> f64 {
        parallel::tree_sum(&self.terms.values().copied().collect::<Vec<_>>())
    }

    /// Whether a tensor counts in the distance.
    pub(super) fn is_trained(&self, name: &str) -> bool {
        self.terms.contains_key(name)
    }

    /// Moves on by an element.
    pub(super) fn go(&mut self, by: &Element) -> Result<Undo, SymmetryError> {
        let element = self.group.compose(by, &self.element)?;
        let element = std::mem::replace(&mut self.element, element);
        let mut undo = Undo { element, tensors: Vec::new(), terms: Vec::new() };
        let (group, a) = (self.group, self.a);
        for subject in group.subjects() {
            let name = &subject.name;
            let is_touched = group.actions_on(name).any(|(generator, _)| by.acts(generator));
            let Some(tensor) = self.moved.get_mut(name).filter(|_| is_touched) else { continue };
            let after = group.moved(by, name, tensor);
            if let (Some(term), Some(a)) = (self.terms.get_mut(name), a.get(name)) {
                undo.terms.push((name.clone(), std::mem::replace(term, squared_distance(a, &after))));
            }
            undo.tensors.push((name.clone(), std::mem::replace(tensor, after)));
        }
        Ok(undo)
    }

    /// Takes a move back.
    pub(super) fn take_back(&mut self, undo: Undo) {
        self.element = undo.element;
        for (name, tensor) in undo.tensors {
            if let Some(own) = self.moved.get_mut(&name) {
                *own = tensor;
            }
        }
        self.terms.extend(undo.terms);
    }

    /// The same place, computed from where B began, so that the rounding of many moves does not add up.
    pub(super) fn renewed(self) -> Result<Self, SymmetryError> {
        Self::new(self.group, self.a, self.b, self.element)
    }
}

/// The sum of the squares of the differences; both hold `f64`.
fn squared_distance(one: &Tensor, other: &Tensor) -> f64 {
    let [one, other] =
        [one, other].map(|tensor| tensor.as_slice::<f64>().expect("networks were converted to f64"));
    parallel::sum(one.len(), CHUNK, |at| (one[at] - other[at]).powi(2))
}

/// A network in `f64`, once it is known to be finite.
pub(in crate::matching) fn in_double(network: &str, params: &Params) -> Result<Params, SymmetryError> {
    for (name, tensor) in params.iter() {
        if let Some(position) = tensor.first_non_finite() {
            let (network, name) = (network.to_owned(), name.to_owned());
            return Err(SymmetryError::NonFinite { network, name, position });
        }
    }
    Ok(params.with_values(params.values().map(|tensor| tensor.convert(DType::F64)).collect()))
}
