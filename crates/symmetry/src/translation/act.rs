//! Translating parameters.

use models::Params;
use tensor::{DType, Key, Shape, Tensor};

use super::{Reach, Term, Translation};
use crate::SymmetryError;

impl Translation {
    /// The parameters with these amounts added; computed in `f64` and rounded once. Parameters and states that are absent are left out.
    ///
    /// # Errors
    /// Where there is another number of amounts than the [dimension](Translation::dimension), one is not finite, or a
    /// parameter has not the shape that the translation knows.
    pub fn act(&self, amounts: &[f64], params: &Params) -> Result<Params, SymmetryError> {
        let fault = |found: String| SymmetryError::Amounts { translation: self.name.clone(), found };
        if amounts.len() != self.dimension() {
            return Err(fault(format!("{} amounts instead of {}", amounts.len(), self.dimension())));
        }
        if let Some(amount) = amounts.iter().find(|amount| !amount.is_finite()) {
            return Err(fault(format!("the amount {amount}")));
        }
        let mut moved = params.clone();
        for term in &self.terms {
            let Some(tensor) = moved.get_mut(&term.parameter) else { continue };
            if !term.fits(tensor.shape()) {
                return Err(fault(format!("'{}' of shape {}", term.parameter, tensor.shape())));
            }
            *tensor = term.added(&self.sizes, amounts, tensor);
        }
        Ok(moved)
    }

    /// Random amounts: normal ones.
    #[must_use]
    pub fn random(&self, key: Key) -> Vec<f64> {
        (0..self.dimension() as u64).map(|amount| key.normal(amount)).collect()
    }
}

impl Term {
    fn fits(&self, shape: &Shape) -> bool {
        let is_inside = |(reach, &size): (&Reach, &usize)| match reach {
            Reach::Every => true,
            Reach::Each { indices, .. } => indices.iter().all(|&index| index < size),
        };
        self.axes.len() == shape.rank() && self.axes.iter().zip(shape.iter()).all(is_inside)
    }

    /// The tensor with its part of the translation.
    fn added(&self, sizes: &[usize], amounts: &[f64], tensor: &Tensor) -> Tensor {
        let (strides, amounts) = self.summed(sizes, amounts);
        // For each index of each axis what it adds to the number of the amount; `None` where nothing is added.
        let steps: Vec<Vec<Option<usize>>> = self
            .axes
            .iter()
            .zip(tensor.shape().iter())
            .map(|(reach, &size)| steps(reach, size, &strides))
            .collect();
        let shape = tensor.shape().clone();
        let values = tensor.to_f64_vec();
        let number = |element: usize| {
            let (mut rest, mut number) = (element, 0);
            for (steps, &size) in steps.iter().zip(shape.iter()).rev() {
                number += steps[rest % size]?;
                rest /= size;
            }
            Some(number)
        };
        let value = |element: usize| {
            values[element] + number(element).map_or(0.0, |number| self.factor * amounts[number])
        };
        let added = Tensor::from_fn(shape.clone(), value);
        if tensor.dtype() == DType::F64 { added } else { added.convert(tensor.dtype()) }
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

fn steps(reach: &Reach, size: usize, strides: &[usize]) -> Vec<Option<usize>> {
    match reach {
        Reach::Every => vec![Some(0); size],
        Reach::Each { coordinate, indices } => {
            let mut steps = vec![None; size];
            indices
                .iter()
                .enumerate()
                .for_each(|(value, &index)| steps[index] = Some(value * strides[*coordinate]));
            steps
        }
    }
}
