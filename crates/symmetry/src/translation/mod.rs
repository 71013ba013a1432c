//! Translations: numbers that can be added to parameters without changing what a network computes.
//!
//! Before a softmax whatever is the same along it does not matter, so the bias of the keys of attention can be anything; what a layer
//! normalisation reads can be moved by any number, and so can all that writes it; before a batch normalisation a bias can be moved if
//! the running mean moves along; of two biases that are added one can give to the other. [`translations`] finds them all
//! in one way: a change of a parameter that is the same along some of its axes and at one index of the others is followed through the
//! graph, with an unknown amount. Where it meets what is not linear, or an output, it must be gone: that is a linear equation between
//! amounts. What solves all equations changes nothing as long as amounts are small. For amounts of any size the argument asks besides that
//! no two changes are multiplied with each other, and it rests on the rules for primitives being true; both are tested in
//! numbers by [`crate::translations_certified`].
//!
//! # What is not found
//! Translations whose amounts depend on other parameters, as when a bias in front of a linear map is taken over by
//! the bias behind it; those that hold only on part of an axis, or
//! for entries of a parameter whose two indices are of like classes.

mod act;
mod candidates;
mod certificate;
mod families;
mod form;
mod reshaped;
mod walk;

use graph::Graph;

use crate::view::View;

pub use certificate::{CertifiedTranslations, translations_certified};
pub use families::{Reach, Term, Translation};

/// The translations of parameters and states that leave all outputs of a forward graph unchanged, for all parameters and all data; the
/// module says what is not found.
///
/// `graph` is as for [`crate::infer()`]: running statistics are moved along where they are among its outputs.
///
/// # Panics
/// As [`crate::infer()`].
#[must_use]
pub fn translations(graph: &Graph) -> Translations {
    let view = View::through_data(graph);
    let (solutions, dimension) = candidates::solutions(&view);
    Translations { families: families::families(&view, &solutions), dimension }
}

/// All translations of a network.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Translations {
    /// Families of like ones. They may overlap: what one does to all words another may do to all positions.
    pub families: Vec<Translation>,
    /// The number of independent ones in all families together.
    pub dimension: usize,
}
