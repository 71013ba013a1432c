//! The matrix of a group that brings slots nearest to others.
//!
//! Let vectors `V` be multiplied by a matrix `g` and covectors `C` by its transposed inverse. Wanted is the least
//! `‖V_A − g V_B‖² + ‖C_A − g⁻ᵀ C_B‖²`. For rotations that is a Procrustes problem, solved by the polar factor of the inner products. For
//! other matrices steps `g ← (1 + X) g` are made: to first order the best `X` solves the Sylvester equation `X S + R X = T`, where
//! `S` and `R` are the inner products of the vectors and of the covectors as they are and `T` is half the slope
//! (Levenberg and Marquardt damp it). They begin at several places: where B is, at the least squares of either side alone, and at the
//! rotation of balanced circuits, those with equal inner products of vectors and covectors, which is
//! the answer wherever there is an exact one.

use faer::{Mat, Scale, Side as Triangle, linalg::solvers::DenseSolveCore, linalg::solvers::Solve};

use crate::{
    LinearGroup,
    matrix::{around_ones, mirror},
};

/// Steps of a refinement at most. Ours: few are needed near an answer, and the next round goes on.
const STEPS: usize = 40;

/// A refinement ends when a step lowers the distance by less than this fraction: 1e-13. Ours, above the rounding of the sums.
const PROGRESS: f64 = 1e-13;

/// The first damping, as a fraction of the mean inner product: 1e-3, as is common (Nielsen 1999).
const DAMPING: f64 = 1e-3;

/// Eigenvalues are taken to be at least this fraction of the largest. Ours: below it directions are empty but for rounding.
const LEAST: f64 = 1e-12;

/// Inner products of slots: of A's with A's, of A's with B's, and of B's with B's.
pub(in crate::matching) struct Products {
    pub(in crate::matching) own: Mat<f64>,
    pub(in crate::matching) cross: Mat<f64>,
    pub(in crate::matching) other: Mat<f64>,
}

/// What decides about a matrix.
pub(in crate::matching) struct Moments {
    /// Where the matrix acts.
    pub(in crate::matching) vectors: Products,
    /// Where its transposed inverse does.
    pub(in crate::matching) covectors: Products,
}

/// How far a matrix is from the best one, at the place where B is: nothing is left to be done by the identity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Optimality {
    /// Of a rotation: the inner products are symmetric and positive semidefinite exactly if no rotation brings more.
    Polar {
        /// The Frobenius norm of what is not symmetric, as a fraction of the whole.
        asymmetry: f64,
        /// The least eigenvalue of the symmetric part, as a fraction of the whole.
        least_eigenvalue: f64,
    },
    /// Of another matrix: the slope of the distance, as a fraction of the inner products. It is zero where no small
    /// change brings more; a better matrix far away is not ruled out.
    Stationary {
        /// The fraction.
        slope: f64,
    },
}

impl Moments {
    /// The matrix that brings B nearest; `None` where the inner products have no decomposition.
    pub(in crate::matching) fn best(&self, group: &LinearGroup) -> Option<Mat<f64>> {
        match group {
            LinearGroup::Orthogonal | LinearGroup::OrthogonalAroundOnes => {
                nearest(group, &(&self.vectors.cross + &self.covectors.cross))
            }
            LinearGroup::General | LinearGroup::Units(_) => {
                let refined = self.starts(group)?.into_iter().filter_map(|start| self.refined(start, group));
                let best = refined.min_by(|(_, one), (_, other)| one.total_cmp(other))?;
                Some(best.0)
            }
        }
    }

    /// How good the place is where B is.
    pub(super) fn optimality(&self, group: &LinearGroup) -> Option<Optimality> {
        if let LinearGroup::General | LinearGroup::Units(_) = group {
            let [slope, vectors, covectors] = self.linearised(&identity(self.size()))?;
            let scale = (vectors.norm_l2() + covectors.norm_l2()).max(f64::MIN_POSITIVE);
            return Some(Optimality::Stationary { slope: spanned(&slope, group).norm_l2() / scale });
        }
        optimality(group, &(&self.vectors.cross + &self.covectors.cross))
    }

    fn size(&self) -> usize {
        self.vectors.cross.nrows()
    }

    /// Where a refinement begins.
    fn starts(&self, group: &LinearGroup) -> Option<Vec<Mat<f64>>> {
        let Self { vectors, covectors } = self;
        let none = Mat::zeros(self.size(), self.size());
        let by_vectors = solution(&vectors.cross, &vectors.other, &none, 0.0, group)?;
        let undone = covectors.cross.transpose().to_owned();
        let by_covectors = solution(&undone, &none, &covectors.other, 0.0, group)?;
        let mut starts = vec![identity(self.size()), by_vectors, by_covectors.partial_piv_lu().inverse()];
        if *group == LinearGroup::General {
            starts.extend(self.balanced());
        }
        Some(starts)
    }

    /// The matrix that turns the balanced B into the balanced A, in the bases that these have.
    fn balanced(&self) -> Option<Mat<f64>> {
        let Self { vectors, covectors } = self;
        let [a, a_undone] = balance(&vectors.own, &covectors.own)?;
        let [b, b_undone] = balance(&vectors.other, &covectors.other)?;
        let inner = &a * &vectors.cross * &b + &a_undone * &covectors.cross * &b_undone;
        Some(a_undone * polar(&inner)? * b)
    }

    /// Steps from a start, as long as they bring something; the matrix and its distance, but for what no matrix changes.
    fn refined(&self, mut at: Mat<f64>, group: &LinearGroup) -> Option<(Mat<f64>, f64)> {
        let mut distance = self.distance(&at);
        let (mut damping, mut steps) = (DAMPING, 0);
        while distance.is_finite() && steps < STEPS && damping < DAMPING.recip() {
            steps += 1;
            let [slope, vectors, covectors] = self.linearised(&at)?;
            let mean = (trace(&vectors) + trace(&covectors)) / self.size() as f64;
            let step = solution(&slope, &vectors, &covectors, damping * mean, group)?;
            let next = (identity(self.size()) + step) * &at;
            let reached = self.distance(&next);
            if reached < distance {
                let is_little = distance - reached <= PROGRESS * distance.abs();
                (at, distance, damping) = (next, reached, damping / 10.0);
                if is_little {
                    break;
                }
            } else {
                damping *= 10.0;
            }
        }
        distance.is_finite().then_some((at, distance))
    }

    /// The squared distance at a matrix, less the squares of A's slots.
    fn distance(&self, at: &Mat<f64>) -> f64 {
        let dual = dual(at);
        let side = |products: &Products, by: &Mat<f64>| {
            inner(by, &(by * &products.other)) - 2.0 * inner(by, &products.cross)
        };
        side(&self.vectors, at) + side(&self.covectors, &dual)
    }

    /// Half of the negative slope at a matrix, and the inner products of what it makes of B's vectors and covectors.
    fn linearised(&self, at: &Mat<f64>) -> Option<[Mat<f64>; 3]> {
        let dual = dual(at);
        let vectors = at * &self.vectors.other * at.transpose();
        let covectors = &dual * &self.covectors.other * dual.transpose();
        let misses = &self.vectors.cross * at.transpose() - &vectors;
        let dual_misses = &self.covectors.cross * dual.transpose() - &covectors;
        let slope = misses - dual_misses.transpose();
        slope.norm_l2().is_finite().then_some([slope, vectors, covectors])
    }
}

/// How far a place is from the best rotation, where these are the inner products.
pub(in crate::matching) fn optimality(group: &LinearGroup, inner: &Mat<f64>) -> Option<Optimality> {
    let inner = turning(group, inner);
    let scale = inner.norm_l2().max(f64::MIN_POSITIVE);
    let asymmetry = (&inner - inner.transpose()).norm_l2() / scale;
    let symmetric = (&inner + inner.transpose()) * Scale(0.5);
    let values = symmetric.self_adjoint_eigenvalues(Triangle::Lower).ok()?;
    let least = values.first().copied().unwrap_or(0.0);
    Some(Optimality::Polar { asymmetry, least_eigenvalue: least / scale })
}

/// The nearest matrix of a group; of rotations that with the largest inner product.
pub(in crate::matching) fn nearest(group: &LinearGroup, matrix: &Mat<f64>) -> Option<Mat<f64>> {
    match group {
        LinearGroup::General | LinearGroup::Units(_) => Some(spanned(matrix, group)),
        LinearGroup::Orthogonal => polar(matrix),
        LinearGroup::OrthogonalAroundOnes => Some(around_ones(&polar(&turning(group, matrix))?)),
    }
}

/// What of a matrix concerns rotations; around ones that between directions orthogonal to them.
fn turning(group: &LinearGroup, matrix: &Mat<f64>) -> Mat<f64> {
    let size = matrix.nrows();
    match group {
        LinearGroup::OrthogonalAroundOnes => {
            (mirror(size) * matrix * mirror(size)).submatrix(1, 1, size - 1, size - 1).to_owned()
        }
        _ => matrix.clone(),
    }
}

fn identity(size: usize) -> Mat<f64> {
    Mat::identity(size, size)
}

/// The transposed inverse.
pub(in crate::matching) fn dual(matrix: &Mat<f64>) -> Mat<f64> {
    matrix.partial_piv_lu().inverse().transpose().to_owned()
}

fn inner(one: &Mat<f64>, other: &Mat<f64>) -> f64 {
    one.col_iter().zip(other.col_iter()).map(|(one, other)| one.transpose() * other).sum()
}

fn trace(matrix: &Mat<f64>) -> f64 {
    (0..matrix.nrows()).map(|at| matrix[(at, at)]).sum()
}

/// The orthogonal matrix with the largest inner product.
fn polar(matrix: &Mat<f64>) -> Option<Mat<f64>> {
    let svd = matrix.svd().ok()?;
    Some(svd.U() * svd.V().transpose())
}

/// The symmetric matrix `g` for which `g v g = g⁻¹ c g⁻¹`, and its inverse: `g²` is the geometric mean of `v⁻¹` and `c`.
fn balance(vectors: &Mat<f64>, covectors: &Mat<f64>) -> Option<[Mat<f64>; 2]> {
    let [root, inverse_root] = [0.5, -0.5].map(|exponent| power(vectors, exponent));
    let (root, inverse_root) = (root?, inverse_root?);
    let middle = power(&(&root * covectors * &root), 0.5)?;
    let square = &inverse_root * middle * &inverse_root;
    Some([power(&square, 0.5)?, power(&square, -0.5)?])
}

/// A power of a symmetric matrix without negative eigenvalues; `None` for zero.
fn power(matrix: &Mat<f64>, exponent: f64) -> Option<Mat<f64>> {
    let eigen = matrix.self_adjoint_eigen(Triangle::Lower).ok()?;
    let size = matrix.nrows();
    let largest = (0..size).map(|at| eigen.S()[at]).fold(0.0, f64::max);
    (largest > 0.0).then_some(())?;
    let scaled = Mat::from_fn(size, size, |row, column| {
        eigen.U()[(row, column)] * eigen.S()[column].max(LEAST * largest).powf(exponent)
    });
    Some(scaled * eigen.U().transpose())
}

/// What is in the span of a group's matrices.
fn spanned(matrix: &Mat<f64>, group: &LinearGroup) -> Mat<f64> {
    let LinearGroup::Units(basis) = group else { return matrix.clone() };
    combined(basis, |entries| along(entries, matrix), matrix.nrows())
}

/// A sum of multiples of basis matrices.
fn combined(
    basis: &[Vec<(u32, u32, f64)>],
    mut factor: impl FnMut(&[(u32, u32, f64)]) -> f64,
    size: usize,
) -> Mat<f64> {
    let mut sum = Mat::zeros(size, size);
    for entries in basis {
        let factor = factor(entries);
        for &(row, column, entry) in entries {
            sum[(row as usize, column as usize)] += factor * entry;
        }
    }
    sum
}

/// The inner product with a matrix that is given by its entries.
fn along(entries: &[(u32, u32, f64)], matrix: &Mat<f64>) -> f64 {
    entries.iter().map(|&(row, column, entry)| entry * matrix[(row as usize, column as usize)]).sum()
}

/// The `x` in the span of the group's matrices for which `x s + r x` is nearest to `t` in all directions of the span, with damping
/// added to all eigenvalues.
fn solution(t: &Mat<f64>, s: &Mat<f64>, r: &Mat<f64>, damping: f64, group: &LinearGroup) -> Option<Mat<f64>> {
    let scale = (s.norm_l2() + r.norm_l2()).max(f64::MIN_POSITIVE);
    let damping = damping.max(LEAST * scale);
    if let LinearGroup::Units(basis) = group {
        return Some(in_span(t, s, r, damping, basis));
    }
    let (right, left) =
        (s.self_adjoint_eigen(Triangle::Lower).ok()?, r.self_adjoint_eigen(Triangle::Lower).ok()?);
    let turned = left.U().transpose() * t * right.U();
    let divided = Mat::from_fn(t.nrows(), t.ncols(), |row, column| {
        turned[(row, column)] / (left.S()[row] + right.S()[column] + damping)
    });
    Some(left.U() * divided * right.U().transpose())
}

fn in_span(
    t: &Mat<f64>,
    s: &Mat<f64>,
    r: &Mat<f64>,
    damping: f64,
    basis: &[Vec<(u32, u32, f64)>],
) -> Mat<f64> {
    let size = t.nrows();
    let image = |entries: &[(u32, u32, f64)]| {
        let mut image = Mat::zeros(size, size);
        for &(row, column, entry) in entries {
            let (row, column) = (row as usize, column as usize);
            (0..size).for_each(|at| image[(row, at)] += entry * s[(column, at)]);
            (0..size).for_each(|at| image[(at, column)] += entry * r[(at, row)]);
        }
        image
    };
    let images: Vec<Mat<f64>> = basis.iter().map(|entries| image(entries)).collect();
    let normal = Mat::from_fn(basis.len(), basis.len(), |one, other| {
        along(&basis[one], &images[other]) + if one == other { damping } else { 0.0 }
    });
    let right = Mat::from_fn(basis.len(), 1, |one, _| along(&basis[one], t));
    let factors = normal.partial_piv_lu().solve(&right);
    let mut next = 0..;
    combined(basis, |_| next.next().map_or(0.0, |at| factors[(at, 0)]), size)
}

#[cfg(test)]
mod tests {
    use tensor::Key;

    use super::*;
    use crate::Matrix;

    fn normal(rows: usize, columns: usize, key: Key) -> Mat<f64> {
        Mat::from_fn(rows, columns, |row, column| key.normal((row * columns + column) as u64))
    }

    fn moments([a, b]: [&[Mat<f64>; 2]; 2]) -> Moments {
        let of = |side: usize| Products {
            own: &a[side] * a[side].transpose(),
            cross: &a[side] * b[side].transpose(),
            other: &b[side] * b[side].transpose(),
        };
        Moments { vectors: of(0), covectors: of(1) }
    }

    /// Rotations and scales of two planes.
    fn planes() -> LinearGroup {
        let half = 0.5f64.sqrt();
        let plane = |i: u32, j: u32| [vec![(i, i, half), (j, j, half)], vec![(i, j, half), (j, i, -half)]];
        LinearGroup::Units([plane(0, 2), plane(1, 3)].concat())
    }

    fn squared(a: &[Mat<f64>; 2], b: &[Mat<f64>; 2], at: &Mat<f64>) -> f64 {
        let misses = [&a[0] - at * &b[0], &a[1] - dual(at) * &b[1]];
        misses.iter().map(|miss| miss.norm_l2().powi(2)).sum()
    }

    #[test]
    fn planted_matrices_of_every_group_are_found() {
        let groups =
            [LinearGroup::General, LinearGroup::Orthogonal, LinearGroup::OrthogonalAroundOnes, planes()];
        for (seed, group) in groups.iter().enumerate() {
            let key = Key::new(seed as u64);
            let a = [normal(4, 7, key.child("vectors")), normal(4, 6, key.child("covectors"))];
            let planted = Matrix::random(group, 4, 0.7, key.child("matrix")).dense();
            let b = [&planted * &a[0], dual(&planted) * &a[1]];
            let found = moments([&a, &b]).best(group).unwrap();
            let left = squared(&a, &b, &found).sqrt();
            assert!(left < 1e-6 * a[0].norm_l2(), "{group:?}: {left}");
            let moved = [&found * &b[0], dual(&found) * &b[1]];
            match moments([&a, &moved]).optimality(group).unwrap() {
                Optimality::Polar { asymmetry, least_eigenvalue } => {
                    assert!(asymmetry < 1e-12 && least_eigenvalue > -1e-12);
                }
                Optimality::Stationary { slope } => assert!(slope < 1e-6, "{group:?}: {slope}"),
            }
        }
    }

    #[test]
    fn no_rotation_of_a_fine_grid_is_better_than_the_polar_factor() {
        let a = [normal(2, 3, Key::new(1)), normal(2, 2, Key::new(2))];
        let b = [normal(2, 3, Key::new(3)), normal(2, 2, Key::new(4))];
        let found = moments([&a, &b]).best(&LinearGroup::Orthogonal).unwrap();
        let best = squared(&a, &b, &found);
        for step in 0..720 {
            let (sine, cosine) = (f64::from(step) * std::f64::consts::PI / 360.0).sin_cos();
            for side in [1.0, -1.0] {
                let turn = Mat::from_fn(2, 2, |row, column| {
                    [[cosine, -side * sine], [sine, side * cosine]][row][column]
                });
                assert!(squared(&a, &b, &turn) >= best - 1e-12);
            }
        }
    }

    #[test]
    fn what_is_found_of_unlike_circuits_is_stationary_and_no_worse_than_any_start() {
        for (seed, group) in [LinearGroup::General, planes()].iter().enumerate() {
            let key = |name: &str| Key::new(9 + seed as u64).child(name);
            let a = [normal(4, 6, key("a")), normal(4, 5, key("b"))];
            let b = [normal(4, 6, key("c")), normal(4, 5, key("d"))];
            let moments = moments([&a, &b]);
            let found = moments.best(group).unwrap();
            let value = moments.distance(&found);
            assert!(moments.starts(group).unwrap().iter().all(|start| value <= moments.distance(start)));
            let squares: f64 = a.iter().map(|side| side.norm_l2().powi(2)).sum();
            assert!((squared(&a, &b, &found) - squares - value).abs() < 1e-9);
            // In no direction of the group does a small step bring more.
            for way in 0..5 {
                let small = Matrix::random(group, 4, 1e-3, key("way").fold(way));
                let small = if *group == LinearGroup::General {
                    identity(4) + small.dense() * Scale(1e-3)
                } else {
                    small.dense()
                };
                assert!(moments.distance(&(small * &found)) >= value - 1e-7 * value.abs());
            }
        }
    }
}
