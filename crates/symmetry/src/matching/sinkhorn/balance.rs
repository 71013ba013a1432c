//! Sinkhorn's normalisation in logarithms, and its derivative from the fixed point.

use tensor::parallel;

/// Normalising ends where no row's sum is further from 1 than this; columns are normalised last. Ours: far below what `f32`
/// parameters can tell.
pub const TOLERANCE: f64 = 1e-9;

/// Rounds of normalising rows and columns at most. Ours: the published code has 20. What is left where large differences in X
/// ask for more is taken up by the next step, which begins at these potentials; the derivative is for the sums that were reached.
const MOST_ROUNDS: usize = 100;

/// Where a factor leaves the range from this to its inverse, factors become part of the potentials. Ours: entries that
/// underflow are too small to matter before.
const LEAST_FACTOR: f64 = 1e-50;

/// The linear system of the derivative is solved until its residual has fallen to this share. Ours: well below the rounding of
/// the `f32` derivatives on its right side.
const RESIDUAL: f64 = 1e-10;

/// The least diagonal entry that the system is scaled by. Ours: that of a slot which is sure of its place to rounding.
const LEAST_DIAGONAL: f64 = 1e-12;

/// Rows that one parallel task takes. Ours.
const ROWS: usize = 32;

/// The doubly stochastic matrix `P = exp(X/τ + f·1ᵀ + 1·gᵀ)` that belongs to `X`, and `g`, from which the next one near by is
/// found soon.
#[derive(Clone, Debug)]
pub(super) struct Balanced {
    pub(super) n: usize,
    /// Row by row.
    pub(super) entries: Vec<f64>,
    columns: Vec<f64>,
    /// By how much the sum of a row differs from 1 at most.
    pub(super) deviation: f64,
}

impl Balanced {
    /// Balances `x`, `n × n`, at a temperature; `columns` is a start for the potentials of the columns.
    ///
    /// Rounds multiply by factors, which cost no exponentials; the potentials take them up before they grow large, so that
    /// nothing overflows (Schmitzer, *Stabilized sparse scaling algorithms for entropy regularized transport problems*, 2019).
    pub(super) fn new(x: &[f64], temperature: f64, mut columns: Vec<f64>) -> Self {
        let n = columns.len();
        let scaled: Vec<f64> = x.iter().map(|x| x / temperature).collect();
        let mut rounds = 0;
        loop {
            let mut found = Self::normalised(&scaled, &columns);
            let mut column_factors = vec![1.0; n];
            let row_factors = loop {
                let row_factors: Vec<f64> =
                    found.times(&column_factors).iter().map(|sum| sum.recip()).collect();
                let sums = found.transposed_times(&row_factors);
                let next: Vec<f64> = sums.iter().map(|sum| sum.recip()).collect();
                column_factors = next;
                rounds += 1;
                let sums = found.times(&column_factors);
                let deviation =
                    largest(row_factors.iter().zip(&sums).map(|(factor, sum)| factor * sum - 1.0));
                let is_wide = row_factors
                    .iter()
                    .chain(&column_factors)
                    .any(|factor| !(LEAST_FACTOR..LEAST_FACTOR.recip()).contains(factor));
                if deviation <= TOLERANCE || is_wide || rounds >= MOST_ROUNDS {
                    break row_factors;
                }
            };
            found.multiply(&row_factors, &column_factors);
            if found.deviation <= TOLERANCE || rounds >= MOST_ROUNDS {
                return found;
            }
            columns = found.columns;
        }
    }

    /// One round in logarithms, from these potentials of the columns.
    fn normalised(scaled: &[f64], columns: &[f64]) -> Self {
        let n = columns.len();
        let rows = potentials([n, n], |row, column| scaled[row * n + column] + columns[column]);
        let columns = potentials([n, n], |column, row| scaled[row * n + column] + rows[row]);
        let mut entries = vec![0.0; n * n];
        parallel::for_each_chunk(&mut entries, ROWS * n.max(1), |start, entries| {
            for (at, entry) in entries.iter_mut().enumerate() {
                let (row, column) = ((start + at) / n, (start + at) % n);
                *entry = (scaled[start + at] + rows[row] + columns[column]).exp();
            }
        });
        Self { n, entries, columns, deviation: 0.0 }
    }

    /// Takes factors into the entries and the potentials.
    fn multiply(&mut self, rows: &[f64], columns: &[f64]) {
        let n = self.n;
        parallel::for_each_chunk(&mut self.entries, ROWS * n.max(1), |start, entries| {
            for (at, entry) in entries.iter_mut().enumerate() {
                *entry *= rows[(start + at) / n] * columns[(start + at) % n];
            }
        });
        self.columns.iter_mut().zip(columns).for_each(|(potential, factor)| *potential += factor.ln());
        self.deviation = largest(self.times(&vec![1.0; n]).iter().map(|sum| sum - 1.0));
    }

    /// The potentials of the columns, for a start.
    pub(super) fn into_columns(self) -> Vec<f64> {
        self.columns
    }

    /// The derivative by `X` of what has the derivative `by_entries` by `P`.
    ///
    /// At the fixed point `dP = P ∘ (dX/τ + df·1ᵀ + 1·dgᵀ)`, where `df` and `dg` keep the sums of rows and columns; transposed,
    /// that is `P ∘ (G − a·1ᵀ − 1·bᵀ)/τ` with `a` and `b` from the linear system whose matrix is the one of those
    /// conditions (Eisenberger et al., *A unified framework for implicit Sinkhorn differentiation*, CVPR 2022). Eliminating
    /// `a` leaves a symmetric system in `b`, positive but for the constant, which changes nothing; conjugate gradients solve it.
    pub(super) fn pull_back(&self, by_entries: &[f64], temperature: f64) -> Vec<f64> {
        let (n, ones) = (self.n, vec![1.0; self.n]);
        let weighted = Self {
            entries: self.entries.iter().zip(by_entries).map(|(p, g)| p * g).collect(),
            columns: Vec::new(),
            ..*self
        };
        let (rows, columns) = (self.times(&ones), self.transposed_times(&ones));
        let (by_row, by_column) = (weighted.times(&ones), weighted.transposed_times(&ones));
        let over_rows = |x: Vec<f64>| -> Vec<f64> { x.iter().zip(&rows).map(|(x, row)| x / row).collect() };
        let eliminated = self.transposed_times(&over_rows(by_row.clone()));
        let right: Vec<f64> = by_column.iter().zip(eliminated).map(|(sum, of_rows)| sum - of_rows).collect();
        let squares =
            Self { entries: self.entries.iter().map(|p| p * p).collect(), columns: Vec::new(), ..*self };
        let own = squares.transposed_times(&over_rows(ones));
        let diagonal: Vec<f64> = columns.iter().zip(own).map(|(column, own)| column - own).collect();
        let b = conjugate_gradients(&right, &diagonal, |b| {
            let back = self.transposed_times(&over_rows(self.times(b)));
            b.iter().zip(&columns).zip(back).map(|((b, column), back)| column * b - back).collect()
        });
        let a = over_rows(by_row.iter().zip(self.times(&b)).map(|(sum, own)| sum - own).collect());
        let entry = |at: usize| self.entries[at] * (by_entries[at] - a[at / n] - b[at % n]) / temperature;
        (0..n * n).map(entry).collect()
    }

    fn times(&self, x: &[f64]) -> Vec<f64> {
        let n = self.n;
        parallel::map(n, |row| dot(&self.entries[row * n..][..n], x))
    }

    fn transposed_times(&self, x: &[f64]) -> Vec<f64> {
        let n = self.n;
        let of_rows = |chunk: usize| {
            let mut sums = vec![0.0; n];
            let rows = x.iter().zip(self.entries.chunks_exact(n));
            for (x, entries) in rows.skip(chunk * ROWS).take(ROWS) {
                sums.iter_mut().zip(entries).for_each(|(sum, entry)| *sum += x * entry);
            }
            sums
        };
        let mut sums = vec![0.0; n];
        for part in parallel::map(n.div_ceil(ROWS), of_rows) {
            sums.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
        }
        sums
    }
}

/// Minus the logarithm of the sum of exponentials along each of some lines, given with the exponents on each.
pub(in crate::matching) fn potentials(
    [lines, across]: [usize; 2],
    exponent: impl Fn(usize, usize) -> f64 + Sync + Send,
) -> Vec<f64> {
    parallel::map(lines, |line| {
        let most = (0..across).map(|at| exponent(line, at)).fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = (0..across).map(|at| (exponent(line, at) - most).exp()).sum();
        -(most + sum.ln())
    })
}

/// Solves a symmetric positive semidefinite system whose right side is in its range, scaled by its diagonal.
fn conjugate_gradients(right: &[f64], diagonal: &[f64], times: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
    let scale = |residual: &[f64]| -> Vec<f64> {
        residual.iter().zip(diagonal).map(|(r, d)| r / d.max(LEAST_DIAGONAL)).collect()
    };
    let mut x = vec![0.0; right.len()];
    let mut residual = right.to_vec();
    let mut direction = scale(&residual);
    let mut square = dot(&residual, &direction);
    let enough = RESIDUAL.powi(2) * square;
    for _ in 0..2 * right.len() {
        let image = times(&direction);
        let curvature = dot(&direction, &image);
        if square <= enough || curvature <= 0.0 {
            break;
        }
        let step = square / curvature;
        x.iter_mut().zip(&direction).for_each(|(x, d)| *x += step * d);
        residual.iter_mut().zip(&image).for_each(|(r, i)| *r -= step * i);
        let scaled = scale(&residual);
        let next = dot(&residual, &scaled);
        direction.iter_mut().zip(&scaled).for_each(|(d, s)| *d = s + next / square * *d);
        square = next;
    }
    x
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn largest(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, |most, x| most.max(x.abs()))
}

#[cfg(test)]
mod tests {
    use tensor::Key;

    use super::*;

    fn normal(n: usize, seed: u64) -> Vec<f64> {
        (0..(n * n) as u64).map(|i| Key::new(seed).normal(i)).collect()
    }

    #[test]
    fn rows_and_columns_sum_to_one_after_more_rounds_where_it_is_cold() {
        for (n, temperature) in [(1, 1.0), (2, 1.0), (7, 1.0), (20, 0.5), (12, 0.2)] {
            let x = normal(n, 1);
            let mut balanced = Balanced::new(&x, temperature, vec![0.0; n]);
            for _ in 0..if temperature < 0.3 { 50 } else { 0 } {
                balanced = Balanced::new(&x, temperature, balanced.into_columns());
            }
            assert!(balanced.deviation <= TOLERANCE, "{n} at {temperature}: {}", balanced.deviation);
            let ones = vec![1.0; n];
            for sum in balanced.times(&ones).into_iter().chain(balanced.transposed_times(&ones)) {
                assert!((sum - 1.0).abs() <= 2.0 * TOLERANCE, "{sum}");
            }
            assert!(balanced.entries.iter().all(|entry| *entry > 0.0));
        }
    }

    #[test]
    fn of_all_with_these_sums_it_has_the_most_of_the_product_with_x_and_entropy() {
        let (n, x) = (4, normal(4, 2));
        let balanced = Balanced::new(&x, 0.5, vec![0.0; n]);
        let value = |p: &[f64]| p.iter().zip(&x).map(|(p, x)| p * x - 0.5 * p * p.ln()).sum::<f64>();
        for [row, other, column, fourth] in [[0, 1, 2, 3], [1, 3, 0, 2], [2, 3, 1, 0]] {
            for step in [-1e-3, 1e-3] {
                let mut p = balanced.entries.clone();
                for (at, sign) in
                    [(row, column, 1.0), (row, fourth, -1.0), (other, column, -1.0), (other, fourth, 1.0)]
                        .map(|(row, column, sign)| (row * n + column, sign))
                {
                    p[at] += sign * step;
                }
                assert!(value(&p) < value(&balanced.entries));
            }
        }
    }

    #[test]
    fn a_start_changes_the_rounds_and_not_the_result() {
        let x = normal(9, 3);
        let cold = Balanced::new(&x, 0.5, vec![0.0; 9]);
        let warm = Balanced::new(&x, 0.5, cold.clone().into_columns());
        assert!(cold.entries.iter().zip(&warm.entries).all(|(a, b)| (a - b).abs() < 1e-8));
    }

    #[test]
    fn the_derivative_is_that_of_finite_differences() {
        for (n, temperature) in [(2, 1.0), (5, 1.0), (6, 0.4)] {
            let (x, by_entries) = (normal(n, 4), normal(n, 5));
            let value = |x: &[f64]| dot(&Balanced::new(x, temperature, vec![0.0; n]).entries, &by_entries);
            let found = Balanced::new(&x, temperature, vec![0.0; n]).pull_back(&by_entries, temperature);
            for at in 0..n * n {
                let moved = |step: f64| {
                    let mut moved = x.clone();
                    moved[at] += step;
                    value(&moved)
                };
                let slope = (moved(1e-3) - moved(-1e-3)) / 2e-3;
                assert!((slope - found[at]).abs() < 1e-5, "{n}, {at}: {} instead of {slope}", found[at]);
            }
        }
    }
}
