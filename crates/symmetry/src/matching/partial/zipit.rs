//! ZipIt: clusters by greedy merging of what correlates most.

use super::{Clusters, Similarity};
use crate::SymmetryError;

/// A budget this little below a whole number is that number: 1e-4, as in the published function.
const SLACK: f64 = 1e-4;

/// How to merge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// α: what the similarity of a cluster to others is multiplied by with each further merging, which is the least of its
    /// parts' before; from 0 to 1. With 0 nothing is merged twice.
    pub alpha: f64,
    /// β: the share of the mergings, by halves for each network, that may be inside of one network; from 0 to 1. A cluster belongs to the
    /// network of its first unit.
    pub beta: f64,
}

/// α = 0.3 and β = 0.125, those of the published function; the paper (section 4.3) has no values of its own, and tunes them.
impl Default for Options {
    fn default() -> Self {
        Self { alpha: 0.3, beta: 0.125 }
    }
}

impl Options {
    /// # Errors
    /// [`SymmetryError::NotAShare`] where a number is not from 0 to 1.
    pub(super) fn check(self) -> Result<(), SymmetryError> {
        for (what, found) in [("alpha", self.alpha), ("beta", self.beta)] {
            if !(0.0..=1.0).contains(&found) {
                return Err(SymmetryError::NotAShare { what, found });
            }
        }
        Ok(())
    }
}

/// Clusters of the units of a class, `width` of them, from as many as each network has to both together: the two most similar ones
/// are merged again and again (ZipIt, section 4.3). Of equals those with the lowest numbers are. Units without variance are
/// alike to each other and to no others; that is ours.
///
/// # Errors
/// [`SymmetryError::NotAShare`] where an option is not from 0 to 1.
///
/// # Panics
/// Where `width` is not from the units of one network to those of both.
pub fn zipit(similarity: &Similarity, width: usize, options: Options) -> Result<Clusters, SymmetryError> {
    options.check()?;
    let units = similarity.units;
    assert!((units..=2 * units).contains(&width), "{width} clusters of {units} and {units} units");
    let mergings = 2 * units - width;
    let budget = ((mergings / 2) as f64 * options.beta + SLACK) as usize;
    let mut zipper = Zipper {
        units,
        alpha: options.alpha,
        similarities: (0..4 * units * units)
            .map(|at| similarity.likeness(at / (2 * units), at % (2 * units)))
            .collect(),
        members: (0..2 * units).map(|unit| vec![unit]).collect(),
        budget: [budget; 2],
        best: Vec::new(),
    };
    zipper.best = (0..2 * units).map(|unit| zipper.best_of(unit)).collect();
    for _ in 0..mergings {
        zipper.merge();
    }
    Ok(Clusters::new(units, zipper.members.into_iter().filter(|members| !members.is_empty()).collect()))
}

/// Clusters on the way, each in the place of its first unit.
struct Zipper {
    units: usize,
    alpha: f64,
    /// Row-major, symmetric.
    similarities: Vec<f64>,
    /// Empty where a cluster has become part of an earlier one.
    members: Vec<Vec<usize>>,
    /// Mergings inside of each network that are left.
    budget: [usize; 2],
    /// For each cluster the one behind it that it is most similar to, and how much, if it may be merged with any.
    best: Vec<Option<(f64, usize)>>,
}

impl Zipper {
    fn of(&self, left: usize, right: usize) -> f64 {
        self.similarities[left * 2 * self.units + right]
    }

    fn network(&self, cluster: usize) -> usize {
        cluster / self.units
    }

    fn may_merge(&self, left: usize, right: usize) -> bool {
        let is_there = |cluster: usize| !self.members[cluster].is_empty();
        let is_single = |cluster: usize| self.members[cluster].len() == 1;
        let network = self.network(left);
        let is_inside = network == self.network(right);
        let repeats = !is_single(left) || !is_single(right);
        is_there(left)
            && is_there(right)
            && !(is_inside && self.budget[network] == 0)
            && !(repeats && self.alpha == 0.0)
    }

    fn best_of(&self, cluster: usize) -> Option<(f64, usize)> {
        let others = (cluster + 1..2 * self.units).filter(|&other| self.may_merge(cluster, other));
        others
            .map(|other| (self.of(cluster, other), other))
            .reduce(|best, next| if next.0 > best.0 { next } else { best })
    }

    /// Merges the two most similar clusters.
    fn merge(&mut self) {
        let all = self.best.iter().enumerate().filter_map(|(cluster, best)| Some((cluster, (*best)?)));
        let most = all.reduce(|most, next| if next.1.0 > most.1.0 { next } else { most });
        let (first, (_, second)) =
            most.expect("while a network has clusters left, they may be merged with the other's");
        let moved = std::mem::take(&mut self.members[second]);
        self.members[first].extend(moved);
        for other in (0..2 * self.units).filter(|&other| other != first) {
            let similarity = self.alpha * self.of(first, other).min(self.of(second, other));
            self.similarities[first * 2 * self.units + other] = similarity;
            self.similarities[other * 2 * self.units + first] = similarity;
        }
        let network = self.network(first);
        let is_inside = network == self.network(second);
        self.budget[network] -= usize::from(is_inside);
        let is_spent = is_inside && self.budget[network] == 0;
        self.bring_up_to_date([first, second], is_spent.then_some(network));
    }

    /// Looks again for what each cluster is most similar to, where that may have changed.
    fn bring_up_to_date(&mut self, [first, second]: [usize; 2], spent: Option<usize>) {
        for cluster in 0..2 * self.units {
            let points_there = self.best[cluster].is_some_and(|(_, best)| best == first || best == second);
            if cluster == first || cluster == second || points_there || Some(self.network(cluster)) == spent {
                self.best[cluster] = self.best_of(cluster);
            } else if cluster < first && self.may_merge(cluster, first) {
                // A negative similarity rises when it is damped.
                let new = (self.of(cluster, first), first);
                let is_better = |(best, at): (f64, usize)| new.0 > best || (new.0 == best && new.1 < at);
                if self.best[cluster].is_none_or(is_better) {
                    self.best[cluster] = Some(new);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
