//! The objective, kept by parameter so that a step recomputes only what it touches.

use tensor::parallel;

/// The inner product of each trained parameter.
#[derive(Clone, Debug)]
pub(super) struct Objective {
    terms: Vec<f64>,
}

impl Objective {
    pub(super) const fn new(terms: Vec<f64>) -> Self {
        Self { terms }
    }

    /// The sum, in an order that depends on the number of parameters alone.
    pub(super) fn total(&self) -> f64 {
        parallel::tree_sum(&self.terms)
    }

    /// The objective with some terms replaced.
    pub(super) fn with(&self, replaced: impl IntoIterator<Item = (usize, f64)>) -> Self {
        let mut terms = self.terms.clone();
        replaced.into_iter().for_each(|(position, term)| terms[position] = term);
        Self { terms }
    }
}
