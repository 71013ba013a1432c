//! The action on gradients, and on what optimisers remember of them.

use models::Params;
use optim::{Moment, Optimizer};
use tensor::Tensor;

use crate::{Element, Factors, Group, Matrix, SymmetryError};

/// What becomes of a moment of a parameter whose slots are mixed by matrices, if it is none that moves as gradients do:
/// squares of sums do not follow from the sums of squares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undefined {
    /// It moves by permutations and factors alone, as if nothing was mixed: sizes stay right where the parts of an axis that are
    /// mixed with each other have gradients of like sizes, and directions of a [`Moment::Quotient`] do not.
    Keep,
    /// All of its elements become what they are before the first step. A method that corrects for its start by counting steps,
    /// as Adam does, takes steps that are too large until its mean has caught up: start its count anew as well.
    Reset,
}

/// A moment of a parameter that has no image under an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndefinedMoment {
    /// The name of the moment, as in [`Optimizer::slots`].
    pub slot: &'static str,
    /// The name of the parameter.
    pub parameter: String,
}

/// The state of an optimiser, moved along.
#[derive(Clone, Debug, PartialEq)]
pub struct MovedState {
    /// For each of [`Optimizer::slots`] the tensors of all parameters.
    pub slots: Vec<Params>,
    /// What has no image, and was kept or reset as asked for; empty where the whole state moved.
    pub undefined: Vec<UndefinedMoment>,
}

impl Group {
    /// The gradient at the moved parameters of a function that the group leaves unchanged, given that at the parameters: the
    /// dual action, which permutes as [`Group::act`] does, divides where that multiplies, and mixes by the transposed inverse.
    /// Sums of products of a gradient and a change of parameters stay what they are when both are moved. Where the
    /// function is unchanged but for epsilons only, so is its gradient. [Translations](crate::Translation) leave gradients, and what is
    /// remembered of them, as they are, but those with a [compensation](crate::Compensation), which follows from weights.
    ///
    /// # Errors
    /// As [`Group::act`].
    pub fn act_on_gradient(&self, element: &Element, gradient: &Params) -> Result<Params, SymmetryError> {
        self.check(element)?;
        self.check_params(gradient)?;
        Ok(self.all_moved(&on(Moment::Gradient, element), gradient))
    }

    /// What an optimiser remembers, moved along with the parameters: means of gradients as gradients
    /// ([`Group::act_on_gradient`]), squares of them and curvature with the squares of the factors, quotients of
    /// gradients and their sizes with signs alone. Where matrices mix, only the first is defined; what becomes of the others is
    /// for the caller to say.
    ///
    /// `state`: for each of [`Optimizer::slots`] the tensors of all parameters, with the names of these.
    ///
    /// Training on from there is training on from the old point and then moving, but for rounding, as far as the method itself
    /// does not see the element: each does with permutations; all that divide by roots, element by element, do with signs; plain
    /// gradient descent and momentum do with orthogonal matrices. Scales change the steps that any of them takes.
    ///
    /// # Errors
    /// As [`Group::act`]; where the number of lists is not that of the optimiser's slots.
    pub fn act_on_state(
        &self,
        element: &Element,
        optimizer: &Optimizer,
        state: &[Params],
        undefined: Undefined,
    ) -> Result<MovedState, SymmetryError> {
        self.check(element)?;
        let names = optimizer.slots();
        if state.len() != names.len() {
            let (optimizer, found) = (optimizer.to_string(), state.len());
            return Err(SymmetryError::OptimizerState { optimizer, expected: names.to_vec(), found });
        }
        let mut moved = MovedState { slots: Vec::with_capacity(state.len()), undefined: Vec::new() };
        for ((&slot, &moment), tensors) in names.iter().zip(optimizer.moments()).zip(state) {
            self.check_params(tensors)?;
            let mut own = self.all_moved(&on(moment, element), tensors);
            let mixed = |name: &&str| moment != Moment::Gradient && self.mixes(element, name);
            for name in tensors.names().filter(mixed) {
                if let (Undefined::Reset, Some(tensor)) = (undefined, own.get_mut(name)) {
                    let start = optimizer.start();
                    *tensor = Tensor::from_fn(tensor.shape().clone(), |_| start).convert(tensor.dtype());
                }
                moved.undefined.push(UndefinedMoment { slot, parameter: name.to_owned() });
            }
            moved.slots.push(own);
        }
        Ok(moved)
    }
}

/// What acts on parameters as `element` acts on a moment of theirs.
fn on(moment: Moment, element: &Element) -> Element {
    let scaled = |factors: &Factors, power: i32| -> Vec<Vec<f64>> {
        factors.scales.iter().map(|own| own.iter().map(|scale| scale.powi(power)).collect()).collect()
    };
    let unmixed = |matrix: &Matrix| Matrix::identity(matrix.size());
    match moment {
        Moment::Gradient => element.with_changed(
            |factors| Factors { scales: scaled(factors, -1), signs: factors.signs.clone() },
            |matrix| matrix.inverse().transposed(),
        ),
        Moment::Square => {
            let unsigned =
                |factors: &Factors| factors.signs.iter().map(|own| vec![false; own.len()]).collect();
            element.with_changed(
                |factors| Factors { scales: scaled(factors, -2), signs: unsigned(factors) },
                unmixed,
            )
        }
        Moment::Quotient => element.with_changed(
            |factors| Factors { scales: scaled(factors, 0), signs: factors.signs.clone() },
            unmixed,
        ),
    }
}
