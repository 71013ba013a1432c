//! Canonical forms: one point of an orbit that stands for all.

mod order;
mod scale;
mod sign;
mod terms;

use models::Params;

use crate::{Element, Group, SymmetryError};

/// Which scales are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scaling {
    /// Those with the least sum of squares of all parameters, as weight decay would choose: of a unit between two linear
    /// layers, equal norms of what makes it and of what reads it (Stock et al., *Equi-normalization of neural networks*, 2019). The
    /// sum is convex in the logarithms of all scales together, so that there is one least.
    ///
    /// Units without anything on one side have no such scale, as their other side would vanish; they, and what is connected to
    /// them alone, keep theirs, and what belongs to them is not counted.
    Balanced,
    /// Those that make the norm of what makes each unit 1, as Pittorino et al. (*Deep networks on toroids*, 2022) do: of its part of
    /// the first parameter, in the model's order, that its factor multiplies. So it is the weight of a linear layer without
    /// its bias, the gain behind a normalisation, and of a residual stream the first that writes to it (ours: with all writers
    /// there are networks without a solution, as each branch adds to what it reads). A unit whose part is zero keeps its scale.
    Unit,
}

/// What is brought into a form that does not depend on the point of the orbit, in this order. Matrices, scales that hold only
/// approximately, and translations are left as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// The scales.
    pub scaling: Option<Scaling>,
    /// The signs: of the parameters that change their sign, the first by the model's order decide, in each its largest elements first
    /// (among equal ones the first). An element that is the first to depend on some combination of signs
    /// becomes positive.
    pub signs: bool,
    /// The order of slots: by the sum of squares of what belongs to each, the largest first; equal ones stay in the order in which they
    /// are. What is inside of slots is ordered in each.
    pub order: bool,
}

impl Form {
    /// Balanced scales, signs and order.
    pub const BALANCED: Self = Self { scaling: Some(Scaling::Balanced), signs: true, order: true };
}

/// A canonical form, and how it was reached.
#[derive(Clone, Debug, PartialEq)]
pub struct Canonical {
    /// The parameters in that form.
    pub params: Params,
    /// What brings the parameters that were given there.
    pub element: Element,
    /// How far scales are from what they are to be, at worst: of balanced ones the derivative of the sum of squares by the
    /// logarithm of a scale, relative to the sum of its magnitudes (zero proves the minimum, as the problem is convex); of unit ones
    /// the difference of a squared norm from 1. Zero where there are none. As found before the parameters are rounded.
    pub residual: f64,
    /// The scales that were kept because a unit has nothing on one side.
    pub undetermined: usize,
    /// Passes over all scales.
    pub sweeps: usize,
}

impl Group {
    /// Brings parameters into a canonical form by an element of the group. The function stays, and points of one orbit come to the
    /// same point: exactly as far as they differ by permutations and signs alone, and up to the rounding of scales otherwise;
    /// sums of squares that differ by less than that may come in either order.
    ///
    /// What is in the form already stays to the bit: scales that are right up to the rounding of the element type, relative
    /// 2.4e-7 for `f32` and 1e-10 for `f64`, are not touched.
    ///
    /// # Errors
    /// As [`Group::act`]; where a parameter is not finite, or there are no such scales
    /// ([`SymmetryError::NoCanonicalScales`]).
    pub fn canonical(&self, params: &Params, form: Form) -> Result<Canonical, SymmetryError> {
        self.check_params(params)?;
        check_finite(params)?;
        let found = match form.scaling {
            Some(scaling) => scale::scales(self, params, scaling)?,
            None => scale::Scales::none(self),
        };
        let mut element = self.with_factors(self.identity(), found.factors)?;
        let mut moved = self.act(&element, params)?;
        let mut then = |next: Element, moved: &mut Params| -> Result<(), SymmetryError> {
            *moved = self.act(&next, moved)?;
            element = self.compose(&next, &element)?;
            Ok(())
        };
        if form.signs {
            then(self.with_factors(self.identity(), sign::signs(self, &moved))?, &mut moved)?;
        }
        if form.order {
            then(self.element(order::order(self, &moved))?, &mut moved)?;
        }
        let (residual, undetermined, sweeps) = (found.residual, found.undetermined, found.sweeps);
        Ok(Canonical { params: moved, element, residual, undetermined, sweeps })
    }
}

fn check_finite(params: &Params) -> Result<(), SymmetryError> {
    for (name, tensor) in params.iter() {
        if let Some(position) = tensor.first_non_finite() {
            return Err(SymmetryError::NotFinite { name: name.to_owned(), position });
        }
    }
    Ok(())
}
