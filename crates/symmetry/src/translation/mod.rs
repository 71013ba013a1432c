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
//! # What biases make up for
//! Many a change meets a bias before it meets anything else: that of the values of attention the bias behind, as the weights of attention
//! add up to one; that of a layer the bias of the next, where no activation is between the two; that of a normalisation the biases of all
//! linear maps that read it. What arrives there depends on weights, but not on data, and the bias takes it over: it loses
//! whatever the amount is, which [`Translation::act`] computes from the parameters as they are. For the equations this is another
//! choice of coordinates, how much the sum with the bias changes in place of how much the bias does, so nothing is counted twice.
//!
//! What a layer normalisation makes adds up to zero along its axis, or does when it is divided by the gains but for what the biases add.
//! So a linear map that reads it can be changed in proportion to that: by any number for each of its outputs, times one over the gains. The
//! bias behind makes up for the rest. That attention adds up to one and normalisations to zero is read off the graph (`sums`).
//!
//! # What is not found
//! Translations whose amounts depend on other parameters in another way: those that a running mean would have to make up for, or a
//! parameter that is used in several places; those that hold only on part of an axis, or
//! for entries of a parameter whose two indices are of like classes. Attention that gives zeros where a query sees no key does not add
//! up to one.

mod absorbed;
mod act;
mod candidates;
mod certificate;
mod compensation;
mod families;
mod form;
mod independent;
mod known;
mod reshaped;
mod sinks;
mod sums;
mod thin;
mod traces;
mod walk;

use graph::Graph;

use crate::view::View;

pub use certificate::{CertifiedTranslations, translations_certified};
pub use compensation::Compensation;
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
    let known = known::Known::new(&view);
    let candidates = candidates::candidates(&known);
    let walk = candidates::followed(&known, &candidates);
    let traces = traces::Traces::new(&walk);
    let (solutions, dimension) = candidates::solutions(&traces, &candidates);
    Translations { families: families::families(&traces, &solutions), dimension }
}

/// All translations of a network.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Translations {
    /// Families of like ones. They may overlap: what one does to all words another may do to all positions.
    pub families: Vec<Translation>,
    /// The number of independent ones in all families together. They are independent of what the group does, too, but for layers that
    /// are wider than what reaches them: where a single head is as wide as a stream whose mean a normalisation takes out, one
    /// of its matrices does what translations do.
    pub dimension: usize,
}
