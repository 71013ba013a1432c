//! Translating parameters.

use graph::Reference;
use models::Params;
use tensor::{DType, Key, Shape, Tensor};

use super::{Reach, Term, Translation, compensation::Argument};
use crate::SymmetryError;

impl Translation {
    /// The parameters with these amounts added, and what makes up for them; computed in `f64` and rounded once. Parameters and states that
    /// are absent are left out, but where something is to be made up for, of which all must be there or nothing.
    ///
    /// # Errors
    /// Where there is another number of amounts than the [dimension](Translation::dimension), one is not finite, a
    /// parameter has not the shape that the translation knows, one that the [compensation](Translation::compensation) follows from is
    /// missing, or that is not finite, as with a gain of zero.
    pub fn act(&self, amounts: &[f64], params: &Params) -> Result<Params, SymmetryError> {
        let fault = |found: String| SymmetryError::Amounts { translation: self.name.clone(), found };
        if amounts.len() != self.dimension() {
            return Err(fault(format!("{} amounts instead of {}", amounts.len(), self.dimension())));
        }
        if let Some(amount) = amounts.iter().find(|amount| !amount.is_finite()) {
            return Err(fault(format!("the amount {amount}")));
        }
        let mut moved = params.clone();
        self.add_to(amounts, &mut moved)?;
        Ok(moved)
    }

    /// Adds amounts, as many as there are, to parameters.
    pub(super) fn add_to(&self, amounts: &[f64], params: &mut Params) -> Result<(), SymmetryError> {
        let Following { shifts, weights } = self.following(amounts, params)?;
        for term in &self.terms {
            let Some(tensor) = params.get_mut(&term.parameter) else { continue };
            self.check(term, tensor.shape(), &weights)?;
            term.add_to(&self.sizes, amounts, &weights, tensor);
        }
        for (name, shift) in shifts {
            let Some(tensor) = params.get_mut(&name) else { continue };
            let mut wide = tensor.convert(DType::F64);
            if let (Ok(values), Ok(shift)) = (wide.as_mut_slice::<f64>(), shift.as_slice::<f64>()) {
                values.iter_mut().zip(shift).for_each(|(value, shift)| *value += shift);
            }
            *tensor = wide.convert(tensor.dtype());
        }
        Ok(())
    }

    fn check(&self, term: &Term, shape: &Shape, weights: &[Vec<f64>]) -> Result<(), SymmetryError> {
        if term.fits(shape, weights) {
            return Ok(());
        }
        let found = format!("'{}' of shape {shape}", term.parameter);
        Err(SymmetryError::Amounts { translation: self.name.clone(), found })
    }

    /// What follows from parameters as they are.
    fn following(&self, amounts: &[f64], params: &Params) -> Result<Following, SymmetryError> {
        let Some(compensation) = &self.compensation else { return Ok(Following::default()) };
        let mut names = self.terms.iter().map(|term| &term.parameter).chain(&compensation.parameters);
        if names.all(|name| params.get(name).is_none()) {
            return Ok(Following::default());
        }
        let arguments = compensation.arguments.iter().map(|argument| match argument {
            Argument::Given(name, shape) => Ok(present(params, name, shape)?.convert(DType::F64)),
            Argument::Change(name, shape) => {
                present(params, name, shape)?;
                self.change(amounts, name, shape)
            }
        });
        let arguments: Vec<Tensor> = arguments.collect::<Result<_, SymmetryError>>()?;
        let results = Reference::evaluate(&compensation.program, &arguments.iter().collect::<Vec<_>>())?;
        if results.iter().any(|result| result.first_non_finite().is_some()) {
            let found = "what follows from other parameters is not finite; is a gain zero?".to_owned();
            return Err(SymmetryError::Amounts { translation: self.name.clone(), found });
        }
        let mut results = results.into_iter();
        let shifts = compensation.parameters.iter().cloned().zip(results.by_ref()).collect();
        Ok(Following { shifts, weights: results.map(|weights| weights.to_f64_vec()).collect() })
    }

    /// What is added to a parameter, of size 1 along an axis whose indices have weights.
    fn change(&self, amounts: &[f64], name: &str, shape: &Shape) -> Result<Tensor, SymmetryError> {
        let mut change = Tensor::zeros(DType::F64, shape.clone());
        let weights = self.compensation.as_ref().map_or(0, |own| own.weights.len());
        let weights = vec![vec![1.0]; weights];
        for term in self.terms.iter().filter(|term| term.parameter == name) {
            self.check(term, shape, &weights)?;
            term.add_to(&self.sizes, amounts, &weights, &mut change);
        }
        Ok(change)
    }

    /// Random amounts: normal ones.
    #[must_use]
    pub fn random(&self, key: Key) -> Vec<f64> {
        (0..self.dimension() as u64).map(|amount| key.normal(amount)).collect()
    }
}

impl Term {
    fn fits(&self, shape: &Shape, weights: &[Vec<f64>]) -> bool {
        let is_inside = |(reach, &size): (&Reach, &usize)| match reach {
            Reach::Every => true,
            Reach::Weighed(number) => weights.get(*number).is_some_and(|own| own.len() == size),
            Reach::Each { indices, .. } => indices.iter().all(|&index| index < size),
        };
        self.axes.len() == shape.rank() && self.axes.iter().zip(shape.iter()).all(is_inside)
    }

    /// Adds the term's part of the translation to a tensor.
    fn add_to(&self, sizes: &[usize], amounts: &[f64], weights: &[Vec<f64>], tensor: &mut Tensor) {
        let (strides, mut amounts) = self.summed(sizes, amounts);
        amounts.iter_mut().for_each(|amount| *amount *= self.factor);
        let axes = self.axes.iter().zip(tensor.shape().iter());
        let steps: Vec<Steps> = axes.map(|(reach, &size)| steps(reach, size, &strides, weights)).collect();
        if let Ok(values) = tensor.as_mut_slice::<f64>() {
            add_along(values, &steps, (0, 1.0), &amounts);
            return;
        }
        let mut wide = tensor.convert(DType::F64);
        if let Ok(values) = wide.as_mut_slice::<f64>() {
            add_along(values, &steps, (0, 1.0), &amounts);
        }
        *tensor = wide.convert(tensor.dtype());
    }

    /// The amounts summed over the coordinates that no axis has, with what a step along each of the others adds to the number.
    fn summed(&self, sizes: &[usize], amounts: &[f64]) -> (Vec<usize>, Vec<f64>) {
        let is_here = |coordinate: usize| {
            self.axes
                .iter()
                .any(|reach| matches!(reach, Reach::Each { coordinate: own, .. } if *own == coordinate))
        };
        let (mut strides, mut count) = (vec![0; sizes.len()], 1);
        for coordinate in (0..sizes.len()).rev().filter(|&coordinate| is_here(coordinate)) {
            strides[coordinate] = count;
            count *= sizes[coordinate];
        }
        let mut summed = vec![0.0; count];
        for (position, amount) in amounts.iter().enumerate() {
            let (mut rest, mut number) = (position, 0);
            for (&size, stride) in sizes.iter().zip(&strides).rev() {
                number += rest % size * stride;
                rest /= size;
            }
            summed[number] += amount;
        }
        (strides, summed)
    }
}

/// What follows from parameters: what is added to biases, and the weights.
#[derive(Default)]
struct Following {
    shifts: Vec<(String, Tensor)>,
    weights: Vec<Vec<f64>>,
}

fn present<'a>(params: &'a Params, name: &str, shape: &Shape) -> Result<&'a Tensor, SymmetryError> {
    let missing = || SymmetryError::MissingParameter { name: name.to_owned(), shape: shape.clone() };
    params.get(name).ok_or_else(missing)
}

/// For each index of an axis what it adds to the number of the amount, with its weight; `None` where nothing is added.
type Steps = Vec<Option<(usize, f64)>>;

fn steps(reach: &Reach, size: usize, strides: &[usize], weights: &[Vec<f64>]) -> Steps {
    match reach {
        Reach::Every => vec![Some((0, 1.0)); size],
        Reach::Weighed(number) => weights[*number].iter().map(|&weight| Some((0, weight))).collect(),
        Reach::Each { coordinate, indices } => {
            let mut steps = vec![None; size];
            indices
                .iter()
                .enumerate()
                .for_each(|(value, &index)| steps[index] = Some((value * strides[*coordinate], 1.0)));
            steps
        }
    }
}

/// Adds the amounts whose numbers begin with `number`, times a weight, along the axes that are left.
fn add_along(values: &mut [f64], steps: &[Steps], (number, weight): (usize, f64), amounts: &[f64]) {
    let Some((own, rest)) = steps.split_first() else {
        values.iter_mut().for_each(|value| *value += weight * amounts[number]);
        return;
    };
    let inner = values.len() / own.len().max(1);
    for (values, step) in values.chunks_mut(inner.max(1)).zip(own) {
        if let Some((step, own)) = step {
            add_along(values, rest, (number + step, weight * own), amounts);
        }
    }
}
