//! What a descent has found.

/// An element that was better than all before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Improvement {
    /// The number of steps before it; 0 is where the search starts.
    pub step: usize,
    /// Its objective, which is made small.
    pub objective: f64,
}

/// The improvements so far, in order.
#[derive(Debug, Default)]
pub(super) struct Improvements(Vec<Improvement>);

impl Improvements {
    /// Whether an element is better than all before; if so it is noted. The first is; what is no number is no better.
    pub(super) fn offer(&mut self, step: usize, objective: f64) -> bool {
        let is_better =
            self.0.is_empty() || objective < self.best() || self.best().is_nan() && !objective.is_nan();
        if is_better {
            self.0.push(Improvement { step, objective });
        }
        is_better
    }

    /// The least objective; infinite before the first.
    pub(super) fn best(&self) -> f64 {
        self.0.last().map_or(f64::INFINITY, |best| best.objective)
    }

    /// Those with these steps and objectives.
    pub(super) fn of(found: impl Iterator<Item = (usize, f64)>) -> Self {
        Self(found.map(|(step, objective)| Improvement { step, objective }).collect())
    }

    pub(super) fn list(&self) -> &[Improvement] {
        &self.0
    }

    pub(super) fn into_list(self) -> Vec<Improvement> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_better_is_noted() {
        let mut improvements = Improvements::default();
        let better =
            [f64::NAN, 3.0, f64::NAN, 3.0, 2.0, 2.5].map(|objective| improvements.offer(0, objective));
        assert_eq!(better, [true, true, false, false, true, false]);
        assert_eq!((improvements.best(), improvements.into_list().len()), (2.0, 3));
    }
}
