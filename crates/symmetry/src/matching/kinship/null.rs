//! Values of a statistic where there is nothing but chance.

/// Draws of a statistic under a null hypothesis.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Null {
    values: Vec<f64>,
}

impl Null {
    pub(super) const fn new(values: Vec<f64>) -> Self {
        Self { values }
    }

    /// The draws, in the order in which they were made.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The mean; 0 for none.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.values.iter().sum::<f64>() / self.values.len().max(1) as f64
    }

    /// The standard deviation; 0 for fewer than two.
    #[must_use]
    pub fn deviation(&self) -> f64 {
        let mean = self.mean();
        let squares: f64 = self.values.iter().map(|value| (value - mean).powi(2)).sum();
        (squares / self.values.len().saturating_sub(1).max(1) as f64).sqrt()
    }

    /// The p-value of a permutation test: the probability that chance reaches `observed`, at most, for draws that are
    /// exchangeable with it (Phipson and Smyth, *Permutation P-values Should Never Be Zero*, 2010). 1 for none.
    #[must_use]
    pub fn chance(&self, observed: f64) -> f64 {
        let reaching = self.values.iter().filter(|&&value| value >= observed).count();
        (1 + reaching) as f64 / (1 + self.values.len()) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_observation_counts_among_the_draws() {
        let null = Null::new((0..19).map(f64::from).collect());
        assert_eq!([null.mean(), null.chance(18.5), null.chance(18.0)], [9.0, 0.05, 0.1]);
        assert!((null.deviation() - 5.627).abs() < 1e-3, "as of numpy's std with ddof = 1");
        let none = Null::default();
        assert_eq!([none.mean(), none.deviation(), none.chance(1.0)], [0.0, 0.0, 1.0]);
    }
}
