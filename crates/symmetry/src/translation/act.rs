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
        self.add_to(amounts, &mut moved)?;
        Ok(moved)
    }

    /// Adds amounts, as many as there are, to parameters.
    pub(super) fn add_to(&self, amounts: &[f64], params: &mut Params) -> Result<(), SymmetryError> {
        for term in &self.terms {
            let Some(tensor) = params.get_mut(&term.parameter) else { continue };
            if !term.fits(tensor.shape()) {
                let found = format!("'{}' of shape {}", term.parameter, tensor.shape());
                return Err(SymmetryError::Amounts { translation: self.name.clone(), found });
            }
            term.add_to(&self.sizes, amounts, tensor);
        }
        Ok(())
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

    /// Adds the term's part of the translation to a tensor.
    fn add_to(&self, sizes: &[usize], amounts: &[f64], tensor: &mut Tensor) {
        let (strides, mut amounts) = self.summed(sizes, amounts);
        amounts.iter_mut().for_each(|amount| *amount *= self.factor);
        let axes = self.axes.iter().zip(tensor.shape().iter());
        let steps: Vec<Steps> = axes.map(|(reach, &size)| steps(reach, size, &strides)).collect();
        if let Ok(values) = tensor.as_mut_slice::<f64>() {
            add_along(values, &steps, 0, &amounts);
            return;
        }
        let mut wide = tensor.convert(DType::F64);
        if let Ok(values) = wide.as_mut_slice::<f64>() {
            add_along(values, &steps, 0, &amounts);
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

/// For each index of an axis what it adds to the number of the amount; `None` where nothing is added.
type Steps = Vec<Option<usize>>;

fn steps(reach: &Reach, size: usize, strides: &[usize]) -> Steps {
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

/// Adds the amounts whose numbers begin with `number` along the axes that are left.
fn add_along(values: &mut [f64], steps: &[Steps], number: usize, amounts: &[f64]) {
    let Some((own, rest)) = steps.split_first() else {
        values.iter_mut().for_each(|value| *value += amounts[number]);
        return;
    };
    let inner = values.len() / own.len().max(1);
    for (values, step) in values.chunks_mut(inner.max(1)).zip(own) {
        if let Some(step) = step {
            add_along(values, rest, number + step, amounts);
        }
    }
}
