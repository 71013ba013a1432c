//! Two networks of one architecture, checked and ready to be matched.

use graph::Role;
use models::Params;
use tensor::{DType, Shape, Tensor};

use super::objective::Objective;
use crate::{Group, SymmetryError, gather::Gather};

/// One trained parameter of both networks.
pub(super) struct Pair<'a> {
    pub(super) name: &'a str,
    pub(super) shape: &'a Shape,
    /// Of type `f32` and `shape`, as is `b`.
    pub(super) a: &'a Tensor,
    pub(super) b: &'a Tensor,
}

/// The elements of a tensor of a [`Pair`].
pub(super) fn elements(tensor: &Tensor) -> &[f32] {
    tensor.as_slice().expect("the tensors of a pair were checked to be f32")
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
        let (mut pairs, mut squares) = (Vec::new(), [0.0; 2]);
        for subject in group.subjects().iter().filter(|subject| subject.role == Role::Parameter) {
            let (name, shape) = (subject.name.as_str(), &subject.shape);
            let [(a, of_a), (b, of_b)] = [measured("A", a, name)?, measured("B", b, name)?];
            squares = [squares[0] + of_a, squares[1] + of_b];
            pairs.push(Pair { name, shape, a, b });
        }
        let norms = squares.map(f64::sqrt);
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
        Gather::new(shape, &maps).inner_product(elements(a), elements(b))
    }

    /// The objective at these permutations.
    pub(super) fn objective(&self, permutations: &[Vec<u32>]) -> Objective {
        Objective::new(
            (0..self.pairs.len()).map(|position| self.inner_product(position, permutations)).collect(),
        )
    }
}

/// The sum of the squares of a tensor's elements.
pub(super) fn square(tensor: &Tensor) -> f64 {
    let unmoved = Gather::new(tensor.shape(), &vec![None; tensor.shape().rank()]);
    unmoved.inner_product(elements(tensor), elements(tensor))
}

/// A parameter of the network that messages call `network`, once it is known to be finite `f32`.
pub(super) fn trained<'a>(
    network: &str,
    params: &'a Params,
    name: &str,
) -> Result<&'a Tensor, SymmetryError> {
    measured(network, params, name).map(|(tensor, _)| tensor)
}

/// The same with the sum of its squares, which in f64 is finite just where all elements are.
fn measured<'a>(network: &str, params: &'a Params, name: &str) -> Result<(&'a Tensor, f64), SymmetryError> {
    let tensor = params.get(name).expect("the names were checked");
    let (network, name) = (network.to_owned(), name.to_owned());
    if tensor.dtype() != DType::F32 {
        let found = tensor.dtype();
        return Err(SymmetryError::ParameterDType { network, name, expected: DType::F32, found });
    }
    let square = square(tensor);
    let fault = if square.is_finite() { None } else { tensor.first_non_finite() };
    match fault {
        None => Ok((tensor, square)),
        Some(position) => Err(SymmetryError::NonFinite { network, name, position }),
    }
}
