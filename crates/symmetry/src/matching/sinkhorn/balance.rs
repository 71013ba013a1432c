//! Sinkhorn's normalisation in logarithms, and its derivative from the fixed point.

use tensor::parallel;

/// Normalising ends where no row's sum is further from 1 than this; columns are normalised last. Ours: far below what `f32`
/// parameters can tell.
pub const TOLERANCE: f64 = 1e-9;

/// Rounds of normalising rows and columns at most. Ours: the published code has 20. What is left where large differences in X
/// ask for more is taken up by the next step, which begins at these potentials; the derivative is for the sums that were reached.
const MOST_ROUNDS: usize = 100;

/// The linear system of the derivative is solved until its residual has fallen to this share. Ours.
const RESIDUAL: f64 = 1e-12;

/// Rows or columns that one parallel task takes. Ours.
const LINES: usize = 16;

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
    pub(super) fn new(x: &[f64], temperature: f64, columns: Vec<f64>) -> Self {
        let n = columns.len();
        let mut found = Self { n, entries: vec![0.0; n * n], columns, deviation: 0.0 };
        let scaled: Vec<f64> = x.iter().map(|x| x / temperature).collect();
        let of_rows = |columns: &[f64]| potentials(n, |row, at| scaled[row * n + at] + columns[at]);
        let mut rows = of_rows(&found.columns);
        for _ in 0..MOST_ROUNDS {
            found.columns = potentials(n, |column, row| scaled[row * n + column] + rows[row]);
            let next = of_rows(&found.columns);
            // With the old potentials, a row has the sum by which the new ones differ.
            let sums = rows.iter().zip(&next).map(|(old, new)| (old - new).exp());
            if sums.fold(0.0, |most, sum| f64::max(most, (sum - 1.0).abs())) <= TOLERANCE {
                break;
            }
            rows = next;
        }
        found.columns = potentials(n, |column, row| scaled[row * n + column] + rows[row]);
        let columns = &found.columns;
        parallel::for_each_chunk(&mut found.entries, LINES * n, |start, entries| {
            for (at, entry) in entries.iter_mut().enumerate() {
                let (row, column) = ((start + at) / n, (start + at) % n);
                *entry = (scaled[start + at] + rows[row] + columns[column]).exp();
            }
        });
        found.deviation = found.row_sums().iter().fold(0.0, |most, sum| f64::max(most, (sum - 1.0).abs()));
        found
    }

    /// The potentials of the columns, for a start.
    pub(super) fn into_columns(self) -> Vec<f64> {
        self.columns
    }

    fn row_sums(&self) -> Vec<f64> {
        parallel::map(self.n, |row| self.entries[row * self.n..][..self.n].iter().sum())
    }

    /// The derivative by `X` of what has the derivative `by_entries` by `P`.
    ///
    /// At the fixed point `dP = P ∘ (dX/τ + df·1ᵀ + 1·dgᵀ)`, where `df` and `dg` keep the sums of rows and columns; transposed,
    /// that is `P ∘ (G − a·1ᵀ − 1·bᵀ)/τ` with `a` and `b` from the linear system whose matrix is the one of those
    /// conditions (Eisenberger et al., *A unified framework for implicit Sinkhorn differentiation*, CVPR 2022). Eliminating
    /// `a` leaves a symmetric system in `b`, positive but for the constant, which changes nothing; conjugate gradients solve it.
    pub(super) fn pull_back(&self, by_entries: &[f64], temperature: f64) -> Vec<f64> {
        let n = self.n;
        let weighted: Vec<f64> = self.entries.iter().zip(by_entries).map(|(p, g)| p * g).collect();
        let sum = |matrix: &[f64], row: bool| -> Vec<f64> {
            let entry =
                |line: usize, at: usize| if row { matrix[line * n + at] } else { matrix[at * n + line] };
            parallel::map(n, |line| (0..n).map(|at| entry(line, at)).sum())
        };
        let rows = self.row_sums();
        let (by_row, by_column) = (sum(&weighted, true), sum(&weighted, false));
        let columns = sum(&self.entries, false);
        let shares: Vec<f64> = by_row.iter().zip(&rows).map(|(sum, row)| sum / row).collect();
        let right: Vec<f64> = by_column
            .iter()
            .zip(self.transposed_times(&shares))
            .map(|(sum, of_rows)| sum - of_rows)
            .collect();
        let b = conjugate_gradients(&right, |b| {
            let means: Vec<f64> = self.times(b).iter().zip(&rows).map(|(own, row)| own / row).collect();
            let back = self.transposed_times(&means);
            b.iter().zip(&columns).zip(back).map(|((b, column), back)| column * b - back).collect()
        });
        let a: Vec<f64> =
            by_row.iter().zip(self.times(&b)).zip(&rows).map(|((sum, own), row)| (sum - own) / row).collect();
        let entry = |at: usize| self.entries[at] * (by_entries[at] - a[at / n] - b[at % n]) / temperature;
        (0..n * n).map(entry).collect()
    }

    fn times(&self, x: &[f64]) -> Vec<f64> {
        parallel::map(self.n, |row| dot(&self.entries[row * self.n..][..self.n], x))
    }

    fn transposed_times(&self, x: &[f64]) -> Vec<f64> {
        let n = self.n;
        parallel::map(n, |column| {
            x.iter().enumerate().map(|(row, x)| x * self.entries[row * n + column]).sum()
        })
    }
}

/// Minus the logarithm of the sum of exponentials along each of `n` lines.
fn potentials(n: usize, exponent: impl Fn(usize, usize) -> f64 + Sync + Send) -> Vec<f64> {
    parallel::map(n, |line| {
        let most = (0..n).map(|at| exponent(line, at)).fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = (0..n).map(|at| (exponent(line, at) - most).exp()).sum();
        -(most + sum.ln())
    })
}

/// Solves a symmetric positive semidefinite system whose right side is in its range.
fn conjugate_gradients(right: &[f64], times: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
    let mut x = vec![0.0; right.len()];
    let (mut residual, mut direction) = (right.to_vec(), right.to_vec());
    let mut square = dot(&residual, &residual);
    let enough = RESIDUAL.powi(2) * square;
    for _ in 0..2 * right.len() {
        if square <= enough {
            break;
        }
        let image = times(&direction);
        let curvature = dot(&direction, &image);
        if curvature <= 0.0 {
            break;
        }
        let step = square / curvature;
        x.iter_mut().zip(&direction).for_each(|(x, d)| *x += step * d);
        residual.iter_mut().zip(&image).for_each(|(r, i)| *r -= step * i);
        let next = dot(&residual, &residual);
        direction.iter_mut().zip(&residual).for_each(|(d, r)| *d = r + next / square * *d);
        square = next;
    }
    x
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
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
