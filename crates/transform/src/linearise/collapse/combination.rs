//! Linear combinations of tangents with known coefficients, element by element.

use std::collections::BTreeMap;

use graph::Val;

/// A known value in a product, or its reciprocal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Factor {
    pub(super) is_divisor: bool,
    pub(super) val: Val,
}

/// A number for each product of factors: their sum. The factors of a product are sorted, so that equal polynomials
/// are equal however they came about.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Polynomial(BTreeMap<Vec<Factor>, f64>);

impl Polynomial {
    pub(super) fn number(number: f64) -> Self {
        Self(BTreeMap::from([(Vec::new(), number)]))
    }

    /// The number that the polynomial is, if it has no factors.
    pub(super) fn as_number(&self) -> Option<f64> {
        let mut products = self.0.iter();
        match (products.next(), products.next()) {
            (Some((factors, &number)), None) if factors.is_empty() => Some(number),
            _ => None,
        }
    }

    /// The products with their numbers, in their order.
    pub(super) fn products(&self) -> impl Iterator<Item = (&[Factor], f64)> {
        self.0.iter().map(|(factors, &number)| (factors.as_slice(), number))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    fn plus(mut self, other: &Self, sign: f64) -> Self {
        for (factors, number) in &other.0 {
            *self.0.entry(factors.clone()).or_insert(0.0) += sign * number;
        }
        self
    }

    fn times(&self, factor: Factor) -> Self {
        let with_factor = |(factors, &number): (&Vec<Factor>, &f64)| {
            let mut factors = factors.clone();
            factors.insert(factors.partition_point(|&other| other <= factor), factor);
            (factors, number)
        };
        Self(self.0.iter().map(with_factor).collect())
    }

    fn scaled(mut self, scale: f64) -> Self {
        for number in self.0.values_mut() {
            *number *= scale;
        }
        self
    }

    /// Numbers as bits: equal exactly where the polynomials are.
    pub(super) fn key(&self) -> Vec<(Vec<Factor>, u64)> {
        self.0.iter().map(|(factors, number)| (factors.clone(), number.to_bits())).collect()
    }
}

/// A sum of tangents, each times a polynomial.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Combination(BTreeMap<Val, Polynomial>);

impl Combination {
    /// One tangent by itself.
    pub(super) fn of(tangent: Val) -> Self {
        Self(BTreeMap::from([(tangent, Polynomial::number(1.0))]))
    }

    pub(super) fn plus(mut self, other: &Self, sign: f64) -> Self {
        for (&tangent, polynomial) in &other.0 {
            let sum = self.0.remove(&tangent).unwrap_or_default().plus(polynomial, sign);
            self.0.insert(tangent, sum);
        }
        self
    }

    pub(super) fn times(self, factor: Factor) -> Self {
        Self(self.0.into_iter().map(|(tangent, polynomial)| (tangent, polynomial.times(factor))).collect())
    }

    pub(super) fn scaled(self, scale: f64) -> Self {
        Self(self.0.into_iter().map(|(tangent, polynomial)| (tangent, polynomial.scaled(scale))).collect())
    }

    /// The tangents and their polynomials, in order of definition.
    pub(super) fn terms(&self) -> impl Iterator<Item = (Val, &Polynomial)> {
        self.0.iter().map(|(&tangent, polynomial)| (tangent, polynomial))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether this is a sum of several tangents, each times a number.
    pub(super) fn is_plain_sum(&self) -> bool {
        self.len() > 1 && self.0.values().all(|polynomial| polynomial.as_number().is_some())
    }

    /// The products in the longest polynomial.
    pub(super) fn longest(&self) -> usize {
        self.0.values().map(Polynomial::len).max().unwrap_or(0)
    }

    /// The multiplications and additions that the combination takes once its coefficients are known.
    pub(super) fn operations(&self) -> usize {
        let is_sign =
            |polynomial: &&Polynomial| polynomial.as_number().is_some_and(|number| number.abs() == 1.0);
        let signs = self.0.values().filter(is_sign).count();
        2 * self.len() - signs - 1
    }
}
