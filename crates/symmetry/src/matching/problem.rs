//! Two networks of one architecture, checked and ready to be matched.

use graph::Role;
use models::Params;
use tensor::{DType, Shape};

use super::objective::Objective;
use crate::{Group, SymmetryError, gather::Gather};

/// One trained parameter of both networks.
pub(super) struct Pair<'a> {
    pub(super) name: &'a str,
    pub(super) shape: &'a Shape,
    pub(super) a: &'a [f32],
    pub(super) b: &'a [f32],
}

pub(super) struct Problem<'a> {
    pub(super) group: &'a Group,
    pub(super) pairs: Vec<Pair<'a>>,
    pub(super) norms: [f64; 2],
    /// A rise of the objective by more than this is progress.
    pub(super) progress: f64,
}

impl<'a> Problem<'a> {
    pub(super) fn new(group: &'a Group, a: &'a Params, b: &'a Params) -> Result<Self, SymmetryError> {
        group.check_params(a)?;
        group.check_params(b)?;
        let mut pairs = Vec::new();
        for subject in group.subjects().iter().filter(|subject| subject.role == Role::Parameter) {
            let (name, shape) = (subject.name.as_str(), &subject.shape);
            pairs.push(Pair { name, shape, a: numbers("A", a, name)?, b: numbers("B", b, name)? });
        }
        let norm = |side: fn(&Pair<'a>) -> &'a [f32]| {
            let squares = pairs.iter().map(|pair| whole(pair.shape).inner_product(side(pair), side(pair)));
            squares.sum::<f64>().sqrt()
        };
        let norms = [norm(|pair| pair.a), norm(|pair| pair.b)];
        let progress = super::RELATIVE_PROGRESS * norms[0] * norms[1];
        Ok(Self { group, pairs, norms, progress })
    }

    /// The position of the trained parameter `name`; states have none.
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.pairs.iter().position(|pair| pair.name == name)
    }

    /// The inner product of one parameter of A with that of B moved by these permutations.
    pub(super) fn inner_product(&self, position: usize, permutations: &[Vec<u32>]) -> f64 {
        let Pair { name, shape, a, b } = &self.pairs[position];
        let maps = self.group.axis_maps(name, shape, permutations);
        let maps: Vec<Option<&[usize]>> = maps.iter().map(Option::as_deref).collect();
        Gather::new(shape, &maps).inner_product(a, b)
    }

    /// The objective at these permutations.
    pub(super) fn objective(&self, permutations: &[Vec<u32>]) -> Objective {
        Objective::new(
            (0..self.pairs.len()).map(|position| self.inner_product(position, permutations)).collect(),
        )
    }
}

fn whole(shape: &Shape) -> Gather<'static> {
    Gather::new(shape, &vec![None; shape.rank()])
}

/// The elements of a parameter that is finite `f32`.
fn numbers<'a>(network: &'static str, params: &'a Params, name: &str) -> Result<&'a [f32], SymmetryError> {
    let tensor = params.get(name).expect("the names were checked");
    let Ok(elements) = tensor.as_slice::<f32>() else {
        let (name, found) = (name.to_owned(), tensor.dtype());
        return Err(SymmetryError::ParameterDType { network, name, expected: DType::F32, found });
    };
    match tensor.first_non_finite() {
        None => Ok(elements),
        Some(position) => Err(SymmetryError::NonFinite { network, name: name.to_owned(), position }),
    }
}
