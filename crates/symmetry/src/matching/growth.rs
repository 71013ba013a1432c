//! A start that is grown from what no permutation moves.

use super::{
    ascent::{Ascent, Coordinate, add},
    gains::Part,
    problem::Problem,
    shared::SharedProducts,
};
use crate::SymmetryError;

impl Ascent<'_> {
    /// Matches generators one after the other, each once: next is the one of which the largest part is known, the first of
    /// equals. Parts whose neighbours are matched count as they are, and of the others the signatures.
    pub(super) fn grow(
        &mut self,
        permutations: &mut [Vec<u32>],
        versions: &mut [u64],
    ) -> Result<(), SymmetryError> {
        let mut is_matched = vec![false; self.coordinates.len()];
        while let Some(next) = self.best_known(&is_matched) {
            let (products, problem) = (&mut self.products, self.problem);
            let best =
                self.coordinates[next].guess(products, problem, permutations, versions, &is_matched)?;
            permutations[next] = best;
            self.clock += 1;
            versions[next] = self.clock;
            is_matched[next] = true;
        }
        Ok(())
    }

    fn best_known(&self, is_matched: &[bool]) -> Option<usize> {
        let open = (0..self.coordinates.len()).rev().filter(|&generator| !is_matched[generator]);
        let known = open.map(|generator| (generator, self.coordinates[generator].known(is_matched)));
        known.max_by(|(_, one), (_, other)| one.total_cmp(other)).map(|(generator, _)| generator)
    }
}

impl Coordinate<'_> {
    /// The fraction of the entries that matched neighbours have in place.
    fn known(&self, is_matched: &[bool]) -> f64 {
        let count = |part: &Part<'_>| part.entries() as f64;
        let known = self.parts.iter().filter(|part| part.is_known(is_matched));
        known.map(count).sum::<f64>() / self.parts.iter().map(count).sum::<f64>().max(1.0)
    }

    /// The best permutation as far as the matched generators tell.
    fn guess(
        &mut self,
        products: &mut SharedProducts<'_>,
        problem: &Problem<'_>,
        permutations: &[Vec<u32>],
        versions: &[u64],
        is_matched: &[bool],
    ) -> Result<Vec<u32>, SymmetryError> {
        self.gains.fill(0.0);
        for part in &mut self.parts {
            let matrix = part.estimate(products, problem, permutations, versions, is_matched)?;
            add(&mut self.gains, &matrix);
        }
        self.assign(None).map(|best| best.row_to_col)
    }
}
