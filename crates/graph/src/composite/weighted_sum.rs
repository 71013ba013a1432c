//! Sums with weights.

use crate::{Builder, Val};

impl Builder {
    /// `Σ weight · x` over the terms, added from first to last; a weight of 1 multiplies nothing.
    ///
    /// # Panics
    /// Where there is no term, or types differ or are not numbers.
    #[track_caller]
    pub fn weighted_sum(&mut self, terms: &[(Val, f64)]) -> Val {
        let weighted = |b: &mut Self, (x, weight): (Val, f64)| {
            if weight == 1.0 { x } else { b.scale(x, weight) }
        };
        let (&first, rest) = terms.split_first().expect("one term at least");
        let first = weighted(self, first);
        rest.iter().fold(first, |sum, &term| {
            let term = weighted(self, term);
            self.add(sum, term)
        })
    }
}
