//! Polynomials on the unit interval, maximised exactly.

/// A polynomial by its coefficients, that of the constant first.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Polynomial(Vec<f64>);

impl Polynomial {
    /// Adds `coefficient · (1 − x)^falling · x^rising`.
    pub(super) fn add(&mut self, coefficient: f64, falling: usize, rising: usize) {
        let length = self.0.len().max(falling + rising + 1);
        self.0.resize(length, 0.0);
        let mut binomial = coefficient;
        for power in 0..=falling {
            self.0[rising + power] += binomial;
            binomial *= -((falling - power) as f64) / (power + 1) as f64;
        }
    }

    pub(super) fn value(&self, x: f64) -> f64 {
        self.0.iter().rev().fold(0.0, |sum, coefficient| sum * x + coefficient)
    }

    fn derivative(&self) -> Self {
        Self(
            self.0
                .iter()
                .enumerate()
                .skip(1)
                .map(|(power, coefficient)| power as f64 * coefficient)
                .collect(),
        )
    }

    /// Where in `[0, 1]` the polynomial changes its sign, in order; between two zeros of its derivative it is monotone, so
    /// that bisection finds them all.
    fn zeros(&self) -> Vec<f64> {
        if self.0.len() < 2 {
            return Vec::new();
        }
        let ends = [[0.0].as_slice(), &self.derivative().zeros(), &[1.0]].concat();
        ends.windows(2).filter_map(|pair| self.zero_between(pair[0], pair[1])).collect()
    }

    fn zero_between(&self, mut low: f64, mut high: f64) -> Option<f64> {
        let is_positive = |x: f64| self.value(x) > 0.0;
        let start = is_positive(low);
        if start == is_positive(high) {
            return None;
        }
        loop {
            let middle = f64::midpoint(low, high);
            if middle <= low || middle >= high {
                return Some(middle);
            }
            if is_positive(middle) == start { low = middle } else { high = middle }
        }
    }

    /// Where in `[0, 1]` the polynomial is largest: 0 or 1, or a zero of the derivative; the first of equals.
    pub(super) fn maximum(&self) -> f64 {
        let candidates = self.derivative().zeros().into_iter().chain([1.0]);
        candidates.fold(0.0, |best, x| if self.value(x) > self.value(best) { x } else { best })
    }
}

#[cfg(test)]
mod tests {
    use tensor::Key;

    use super::*;

    #[test]
    fn products_of_falling_and_rising_powers_are_expanded() {
        let mut polynomial = Polynomial::default();
        polynomial.add(2.0, 3, 1);
        polynomial.add(-1.0, 0, 2);
        for x in [0.0f64, 0.25, 0.7, 1.0] {
            let expected = 2.0 * (1.0 - x).powi(3) * x - x * x;
            assert!((polynomial.value(x) - expected).abs() < 1e-15, "at {x}");
        }
    }

    #[test]
    fn no_point_of_a_grid_is_above_the_maximum() {
        for seed in 0..200 {
            let key = Key::new(seed);
            let polynomial = Polynomial((0..=1 + seed % 7).map(|power| key.normal(power)).collect());
            let best = polynomial.value(polynomial.maximum());
            let grid = (0..=1000).map(|step| polynomial.value(f64::from(step) / 1000.0));
            assert!(grid.fold(f64::MIN, f64::max) <= best + 1e-13, "seed {seed}");
        }
    }

    #[test]
    fn a_known_maximum_inside_is_found() {
        // −(x − 1/3)² and its product with something positive
        assert!((Polynomial(vec![-1.0 / 9.0, 2.0 / 3.0, -1.0]).maximum() - 1.0 / 3.0).abs() < 1e-15);
        assert_eq!(Polynomial(vec![3.0, -1.0]).maximum(), 0.0);
        assert_eq!(Polynomial(vec![3.0, 1.0]).maximum(), 1.0);
        assert_eq!(Polynomial(vec![3.0]).maximum(), 0.0);
    }
}
