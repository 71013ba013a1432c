//! Sums with weights.

use crate::{Builder, Val};

impl Builder {
    /// For each position of the lists `Σ weight · x` over the values there, added from the first list to the last; a weight of 1
    /// multiplies nothing.
    ///
    /// # Panics
    /// Where there is no list or no weight for one, lists differ in length, or values in type, or are not numbers.
    #[track_caller]
    pub fn weighted_sums(&mut self, lists: &[Vec<Val>], weights: &[f64]) -> Vec<Val> {
        assert!(!lists.is_empty() && lists.len() == weights.len(), "there is one weight for each list");
        (0..lists[0].len())
            .map(|position| {
                let mut terms = lists.iter().zip(weights).map(|(list, &weight)| (list[position], weight));
                let first = terms.next().expect("one list at least");
                let first = self.weighted(first);
                terms.fold(first, |sum, term| {
                    let term = self.weighted(term);
                    self.add(sum, term)
                })
            })
            .collect()
    }

    fn weighted(&mut self, (x, weight): (Val, f64)) -> Val {
        if weight == 1.0 { x } else { self.scale(x, weight) }
    }
}
