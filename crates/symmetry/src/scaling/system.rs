//! Homogeneous linear systems with few terms in each equation.

use std::collections::BTreeMap;

use super::field::Field;

/// A sum of multiples of unknowns: no zero factors.
pub(crate) type Sum<F> = BTreeMap<usize, F>;

/// Adds `factor · x` to a sum.
pub(crate) fn add<F: Field>(sum: &mut Sum<F>, unknown: usize, factor: F) {
    let total = sum.get(&unknown).map_or(factor, |old| old.plus(factor));
    if total == F::ZERO {
        sum.remove(&unknown);
    } else {
        sum.insert(unknown, total);
    }
}

/// Equations `sum = 0`, each of which gives its first unknown by those after it. What is left when an equation has lost all
/// unknowns that others give first says something of later ones alone; so the unknowns of interest come last.
pub(crate) struct System<F> {
    /// By the unknown that is given, whose factor is 1.
    rows: BTreeMap<usize, Sum<F>>,
}

impl<F> Default for System<F> {
    fn default() -> Self {
        Self { rows: BTreeMap::new() }
    }
}

impl<F: Field> System<F> {
    /// Adds the equation that a sum is zero. Whether it does not follow from those before.
    pub(crate) fn push(&mut self, sum: Sum<F>) -> bool {
        let mut rest = self.reduced(sum);
        let Some((first, factor)) = rest.pop_first() else { return false };
        let inverse = factor.inverse();
        let mut row: Sum<F> = rest.into_iter().map(|(x, f)| (x, f.times(inverse))).collect();
        row.insert(first, F::ONE);
        self.rows.insert(first, row);
        true
    }

    /// The sum, with every unknown that an equation gives replaced.
    pub(crate) fn reduced(&self, mut sum: Sum<F>) -> Sum<F> {
        let mut from = 0;
        while let Some((unknown, factor)) = sum.range(from..).next().map(|(x, f)| (*x, *f)) {
            if let Some(row) = self.rows.get(&unknown) {
                row.iter().for_each(|(&x, &f)| add(&mut sum, x, factor.times(f).negative()));
            }
            from = unknown + 1;
        }
        sum
    }

    /// A basis of the solutions as far as these unknowns go, in rising order, after which no others are in the system: each that
    /// no equation gives is 1 in one solution and 0 in the others.
    pub(crate) fn solutions(&self, unknowns: &[usize]) -> Vec<Sum<F>> {
        let (given, free): (Vec<usize>, Vec<usize>) =
            unknowns.iter().partition(|x| self.rows.contains_key(x));
        let mut solutions: BTreeMap<usize, Sum<F>> =
            free.into_iter().map(|x| (x, Sum::from([(x, F::ONE)]))).collect();
        for given in given {
            let rest =
                self.rows[&given].iter().filter(|(x, _)| **x != given).map(|(&x, &f)| (x, f)).collect();
            for (free, factor) in self.reduced(rest) {
                if let Some(solution) = solutions.get_mut(&free) {
                    add(solution, given, factor.negative());
                }
            }
        }
        solutions.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use num_rational::Ratio;

    use super::*;
    use crate::scaling::field::Parity;

    fn sum(terms: &[(usize, i64)]) -> Sum<Ratio<i64>> {
        terms.iter().map(|&(x, f)| (x, Ratio::from_integer(f))).collect()
    }

    #[test]
    fn early_unknowns_are_eliminated_and_late_ones_solved_for() {
        let mut system = System::default();
        // x0 = x2 + x3, 2 x1 = x0, x1 = x4: so x4 = (x2 + x3) / 2.
        for terms in [&[(0, 1), (2, -1), (3, -1)][..], &[(1, 2), (0, -1)], &[(1, 1), (4, -1)]] {
            system.push(sum(terms));
        }
        let solutions = system.solutions(&[2, 3, 4]);
        assert_eq!(solutions.len(), 2);
        for solution in solutions {
            let value = |x: usize| solution.get(&x).copied().unwrap_or_default();
            assert_eq!(value(4) * 2, value(2) + value(3));
        }
    }

    #[test]
    fn equations_that_follow_from_others_change_nothing() {
        let mut system = System::default();
        for terms in [&[(0, 1), (1, 1)][..], &[(1, 3), (2, -3)], &[(0, 2), (2, 2)], &[]] {
            system.push(sum(terms));
        }
        assert_eq!(system.solutions(&[0, 1, 2]), [sum(&[(0, -1), (1, 1), (2, 1)])]);
    }

    #[test]
    fn twice_a_sign_is_none() {
        let mut system = System::default();
        let mut twice = Sum::new();
        add(&mut twice, 0, Parity::ONE);
        add(&mut twice, 0, Parity::ONE);
        system.push(twice);
        assert_eq!(system.solutions(&[0]).len(), 1);
    }
}
