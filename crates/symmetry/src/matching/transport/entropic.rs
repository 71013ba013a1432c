//! The transportation problem with uniform marginals, smoothed by entropy.
//!
//! The plan minimises its cost less ε times its entropy (Cuturi, *Sinkhorn Distances*, NeurIPS 2013). Rows and columns are
//! normalised in turn, in logarithms, while ε falls by halves to the one that is wanted (Schmitzer 2019, section 3.1);
//! what is left of the marginals is rounded away (Altschuler, Weed and Rigollet, NeurIPS 2017, algorithm 2), so that the plan
//! spends exactly what there is. Two duality gaps are its certificate: one to the least cost less entropy, and one to
//! the least cost.

use tensor::parallel;

use super::plan::{Entropic, Plan, excess, units};
use crate::matching::sinkhorn::potentials;

/// Normalising ends where the rows together miss their weights by no more than this share. Ours: rounding takes it away.
const TOLERANCE: f64 = 1e-9;

/// Rounds at most for each ε on the way, and for the last one. Ours: of the former a start is wanted, no solution.
const ROUNDS: [usize; 2] = [20, 5000];

/// The plan of least cost less entropy for a row-major cost matrix, finite and not empty. ε is `share` (above 0) of the mean
/// cost, or of 1 where all costs are 0.
pub(super) fn smoothed(costs: &[f64], sizes: [usize; 2], share: f64) -> Plan {
    let mean = costs.iter().map(|cost| cost.abs()).sum::<f64>() / costs.len() as f64;
    let epsilon = share * if mean > 0.0 { mean } else { 1.0 };
    let mut state = State { costs, sizes, epsilon, duals: sizes.map(|size| vec![0.0; size]), rounds: 0 };
    let largest = costs.iter().fold(0.0f64, |most, cost| most.max(cost.abs()));
    let halvings = (largest / epsilon).log2().ceil().max(0.0) as i32;
    for halving in (0..=halvings).rev() {
        state.epsilon = epsilon * 2.0f64.powi(halving);
        state.normalise(ROUNDS[usize::from(halving == 0)]);
    }
    state.finish()
}

struct State<'a> {
    costs: &'a [f64],
    sizes: [usize; 2],
    epsilon: f64,
    /// Of rows and of columns.
    duals: [Vec<f64>; 2],
    rounds: usize,
}

impl State<'_> {
    /// Normalises columns and rows in turn, columns last.
    fn normalise(&mut self, most: usize) {
        for _ in 0..most {
            let [rows, columns] = self.sizes;
            let (costs, epsilon) = (self.costs, self.epsilon);
            let by_row =
                |row: usize, column: usize| (self.duals[1][column] - costs[row * columns + column]) / epsilon;
            let next = scaled(potentials(self.sizes, by_row), rows, epsilon);
            // The columns hold, so what the rows miss shows in how their duals change.
            let miss: f64 = next
                .iter()
                .zip(&self.duals[0])
                .map(|(new, old)| (((old - new) / epsilon).exp() - 1.0).abs())
                .sum();
            let is_first = self.rounds == 0;
            self.duals[0] = next;
            let by_column =
                |column: usize, row: usize| (self.duals[0][row] - costs[row * columns + column]) / epsilon;
            self.duals[1] = scaled(potentials([columns, rows], by_column), columns, epsilon);
            self.rounds += 1;
            if !is_first && miss <= TOLERANCE * rows as f64 {
                break;
            }
        }
    }

    /// The plan by the duals, row-major.
    fn masses(&self) -> Vec<f64> {
        let columns = self.sizes[1];
        let mut masses = vec![0.0; self.costs.len()];
        parallel::for_each_chunk(&mut masses, columns, |start, masses| {
            let row = start / columns;
            for (column, mass) in masses.iter_mut().enumerate() {
                let exponent = self.duals[0][row] + self.duals[1][column] - self.costs[start + column];
                *mass = (exponent / self.epsilon).exp();
            }
        });
        masses
    }

    fn finish(self) -> Plan {
        let [rows, columns] = self.sizes;
        let mut masses = self.masses();
        let total: f64 = masses.iter().sum();
        round(&mut masses, self.sizes);
        let cost: f64 = masses.iter().zip(self.costs).map(|(mass, cost)| mass * cost).sum();
        let free: f64 = masses.iter().filter(|mass| **mass > 0.0).map(|mass| mass * mass.ln()).sum();
        let mean = |duals: &[f64]| duals.iter().sum::<f64>() / duals.len() as f64;
        let dual = mean(&self.duals[0]) + mean(&self.duals[1]) - self.epsilon * total.ln();
        let gap = (cost + self.epsilon * free - dual).max(0.0);
        let units = units(self.sizes).map(|units| units as f64);
        let whole = rows as f64 * units[0];
        let entries = masses.iter().enumerate().filter(|(_, mass)| **mass > 0.0);
        Plan {
            sizes: self.sizes,
            entries: entries.map(|(at, mass)| (at / columns, at % columns, mass * whole)).collect(),
            units,
            cost,
            gap: excess(self.costs, cost, self.feasible().each_ref().map(Vec::as_slice)),
            entropic: Some(Entropic { epsilon: self.epsilon, gap, rounds: self.rounds }),
        }
    }

    /// Duals of the problem without entropy: those of the rows, as far as their costs allow, and the best for them.
    fn feasible(&self) -> [Vec<f64>; 2] {
        let [rows, columns] = self.sizes;
        let least = |differences: &mut dyn Iterator<Item = f64>| differences.fold(f64::INFINITY, f64::min);
        let by_column: Vec<f64> = parallel::map(columns, |column| {
            least(&mut (0..rows).map(|row| self.costs[row * columns + column] - self.duals[0][row]))
        });
        let by_row = parallel::map(rows, |row| {
            least(&mut (0..columns).map(|column| self.costs[row * columns + column] - by_column[column]))
        });
        [by_row, by_column]
    }
}

/// Duals for which each of `count` lines has its weight.
fn scaled(potentials: Vec<f64>, count: usize, epsilon: f64) -> Vec<f64> {
    let weight = (count as f64).ln();
    potentials.into_iter().map(|potential| epsilon * (potential - weight)).collect()
}

/// Takes from rows and columns what they have too much, and spreads what is missing.
fn round(masses: &mut [f64], [rows, columns]: [usize; 2]) {
    let weights = [rows, columns].map(|count| (count as f64).recip());
    for row in masses.chunks_mut(columns) {
        let factor = (weights[0] / row.iter().sum::<f64>()).min(1.0);
        row.iter_mut().for_each(|mass| *mass *= factor);
    }
    let sums = column_sums(masses, columns);
    for row in masses.chunks_mut(columns) {
        row.iter_mut().zip(&sums).for_each(|(mass, sum)| *mass *= (weights[1] / sum).min(1.0));
    }
    let missing_rows: Vec<f64> =
        masses.chunks(columns).map(|row| (weights[0] - row.iter().sum::<f64>()).max(0.0)).collect();
    let missing: Vec<f64> =
        column_sums(masses, columns).into_iter().map(|sum| (weights[1] - sum).max(0.0)).collect();
    let total: f64 = missing.iter().sum();
    if total > 0.0 {
        for (row, own) in masses.chunks_mut(columns).zip(&missing_rows) {
            row.iter_mut().zip(&missing).for_each(|(mass, other)| *mass += own * other / total);
        }
    }
}

fn column_sums(masses: &[f64], columns: usize) -> Vec<f64> {
    let mut sums = vec![0.0; columns];
    for row in masses.chunks(columns) {
        row.iter().zip(&mut sums).for_each(|(mass, sum)| *sum += mass);
    }
    sums
}

#[cfg(test)]
mod tests;
