//! A proof of optimality from duality, checked entry by entry.

use super::AssignmentError;
use super::check::{finite_duals, permutation, square};
use super::outcome::{Assignment, Goal};

/// How well an assignment's duals prove it optimal. All in units of the entries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Certificate {
    /// The largest violation of dual feasibility by any entry; 0 where none is violated.
    pub infeasibility: f64,
    /// The largest violation of complementary slackness: `|u[i] + v[j] − m[i][j]|` over assigned pairs.
    pub slackness: f64,
    /// `|objective − Σ u − Σ v|`.
    pub gap: f64,
    /// How far the stated objective is from the sum of the assigned entries.
    pub misstatement: f64,
    /// What rounding explains in `infeasibility` and `slackness`: `(n + 8) ε (max |m| + max |u| + max |v|)` with the `ε`
    /// of f64. Ours, because a dual is rounded at most once in each of the `n` path searches.
    pub tolerance: f64,
    /// Rows of the problem.
    pub n: usize,
}

impl Certificate {
    /// Whether the assignment is optimal up to rounding: infeasibility and slackness within `tolerance`, the gap and
    /// the misstatement, sums of `n` terms, within `n` times as much.
    pub fn holds(&self) -> bool {
        let sums = self.n as f64 * self.tolerance;
        let local = self.infeasibility <= self.tolerance && self.slackness <= self.tolerance;
        local && self.gap <= sums && self.misstatement <= sums
    }

    /// No assignment is better than this one by more than this, rounding of the check itself aside.
    pub fn suboptimality(&self) -> f64 {
        self.gap + self.misstatement + self.n as f64 * self.infeasibility
    }
}

/// Checks a claimed assignment of a row-major `n × n` matrix, with `n` the length of `row_to_col`.
///
/// # Errors
/// A matrix that is not `n × n` or not finite, duals of another length or not finite, and columns that are not a
/// permutation.
pub fn certify(matrix: &[f32], claim: &Assignment) -> Result<Certificate, AssignmentError> {
    let n = claim.row_to_col.len();
    square(matrix, n)?;
    permutation("row_to_col", &claim.row_to_col, n)?;
    finite_duals("row duals", &claim.row_duals, n)?;
    finite_duals("column duals", &claim.col_duals, n)?;
    Ok(measure(matrix, claim, n))
}

fn measure(matrix: &[f32], claim: &Assignment, n: usize) -> Certificate {
    let (u, v) = (&claim.row_duals, &claim.col_duals);
    let sign = if claim.goal == Goal::Maximise { 1.0 } else { -1.0 };
    let (mut infeasibility, mut slackness, mut objective) = (0.0_f64, 0.0_f64, 0.0);
    for i in 0..n {
        for j in 0..n {
            let excess = f64::from(matrix[i * n + j]) - u[i] - v[j];
            infeasibility = infeasibility.max(sign * excess);
            if claim.row_to_col[i] as usize == j {
                slackness = slackness.max(excess.abs());
                objective += f64::from(matrix[i * n + j]);
            }
        }
    }
    let duals: f64 = u.iter().sum::<f64>() + v.iter().sum::<f64>();
    let magnitude = largest(matrix.iter().map(|&x| f64::from(x)))
        + largest(u.iter().copied())
        + largest(v.iter().copied());
    Certificate {
        infeasibility,
        slackness,
        gap: (objective - duals).abs(),
        misstatement: (claim.objective - objective).abs(),
        tolerance: (n + 8) as f64 * f64::EPSILON * magnitude,
        n,
    }
}

fn largest(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, |most, x| most.max(x.abs()))
}
