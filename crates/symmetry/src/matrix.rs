//! Square matrices in `f64`.

use std::collections::BTreeMap;

use faer::{Mat, linalg::solvers::DenseSolveCore};
use serde::{Deserialize, Serialize};
use tensor::Key;

use crate::{LinearGroup, classes::Classes};

/// A square matrix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matrix {
    size: usize,
    /// Row by row.
    entries: Vec<f64>,
}

/// How far a matrix that is to be orthogonal, to keep the ones or to be in a span may be from it, in its largest entry: 1e-8. Ours:
/// above what rounding makes of a product of a few thousand rotations, and far below what would show in a network.
const MEMBERSHIP: f64 = 1e-8;

/// The indices that random matrices mix with each other in certificates. Ours: mixing what reads and writes a wide stream costs as
/// many products as running the network on so many examples as the stream is wide.
const BLOCK: usize = 64;

impl Matrix {
    /// The matrix with these entries.
    #[must_use]
    pub fn from_fn(size: usize, mut entry: impl FnMut(usize, usize) -> f64) -> Self {
        let entries = (0..size * size).map(|at| entry(at / size, at % size)).collect();
        Self { size, entries }
    }

    /// Ones on the diagonal, zeros elsewhere.
    #[must_use]
    pub fn identity(size: usize) -> Self {
        Self::from_fn(size, |row, column| f64::from(u8::from(row == column)))
    }

    /// The number of rows.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.size
    }

    /// An entry.
    ///
    /// # Panics
    /// Where there is no such row or column.
    #[must_use]
    pub fn entry(&self, row: usize, column: usize) -> f64 {
        self.entries[row * self.size + column]
    }

    /// The entries row by row.
    #[must_use]
    pub fn entries(&self) -> &[f64] {
        &self.entries
    }

    pub(crate) fn dense(&self) -> Mat<f64> {
        Mat::from_fn(self.size, self.size, |row, column| self.entry(row, column))
    }

    pub(crate) fn from_dense(matrix: &Mat<f64>) -> Self {
        Self::from_fn(matrix.nrows(), |row, column| matrix[(row, column)])
    }

    /// The product with a matrix of the same size on the right.
    ///
    /// # Panics
    /// Where the sizes differ.
    #[must_use]
    pub fn times(&self, right: &Self) -> Self {
        assert_eq!(self.size, right.size, "matrices of one size are multiplied");
        Self::from_dense(&(self.dense() * right.dense()))
    }

    /// The transposed matrix.
    #[must_use]
    pub fn transposed(&self) -> Self {
        Self::from_fn(self.size, |row, column| self.entry(column, row))
    }

    /// The inverse; its entries are not finite where there is none.
    #[must_use]
    pub fn inverse(&self) -> Self {
        Self::from_dense(&self.dense().partial_piv_lu().inverse())
    }

    /// The matrix with row `i` and column `j` from where `from` says.
    pub(crate) fn rearranged(&self, from: impl Fn(usize) -> usize) -> Self {
        Self::from_fn(self.size, |row, column| self.entry(from(row), from(column)))
    }

    pub(crate) fn is_identity(&self) -> bool {
        self.entries.iter().enumerate().all(|(at, &entry)| {
            let (row, column) = (at / self.size, at % self.size);
            entry == f64::from(u8::from(row == column))
        })
    }

    /// The ratio of the largest singular value to the smallest; infinite where the smallest is zero or unknown.
    #[must_use]
    pub fn condition(&self) -> f64 {
        let Ok(values) = self.dense().singular_values() else { return f64::INFINITY };
        let largest = values.iter().copied().fold(0.0, f64::max);
        let smallest = values.iter().copied().fold(f64::INFINITY, f64::min);
        if smallest > 0.0 { largest / smallest } else { f64::INFINITY }
    }

    /// A random matrix of a group: orthogonal ones uniform; general ones with uniform singular vectors and log-normal singular
    /// values; of the units of an algebra the exponential of a normal element. `spread` is the standard deviation of
    /// logarithms.
    pub(crate) fn random(group: &LinearGroup, size: usize, spread: f64, key: Key) -> Self {
        match group {
            LinearGroup::Orthogonal => Self::from_dense(&rotation(size, key)),
            LinearGroup::General => {
                let [left, right] = ["left", "right"].map(|side| rotation(size, key.child(side)));
                let values = key.child("values");
                let values: Vec<f64> =
                    (0..size).map(|row| (spread * values.normal(row as u64)).exp()).collect();
                let scaled = Mat::from_fn(size, size, |row, column| values[row] * right[(row, column)]);
                Self::from_dense(&(left * scaled))
            }
            LinearGroup::OrthogonalAroundOnes => {
                Self::from_dense(&around_ones(&rotation(size.saturating_sub(1), key)))
            }
            LinearGroup::Units(basis) => {
                let mut logarithm = Mat::zeros(size, size);
                for (number, entries) in basis.iter().enumerate() {
                    let factor = spread * key.normal(number as u64);
                    for &(row, column, entry) in entries {
                        logarithm[(row as usize, column as usize)] += factor * entry;
                    }
                }
                Self::from_dense(&exponential(logarithm))
            }
        }
    }

    /// A random matrix that mixes indices in blocks of [`BLOCK`] only, each as [`Matrix::random`] does. Where indices can be
    /// permuted, too, these generate the whole group: its Lie algebra is irreducible under permutations, or the sum of what is and
    /// of what each block has a part in.
    pub(crate) fn random_in_blocks(group: &LinearGroup, size: usize, spread: f64, key: Key) -> Self {
        if matches!(group, LinearGroup::Units(_)) || size <= BLOCK {
            return Self::random(group, size, spread, key);
        }
        let length = |block: usize| BLOCK.min(size - block * BLOCK);
        let draw = |block: usize| Self::random(group, length(block), spread, key.fold(block as u64));
        let blocks: Vec<Self> = (0..size.div_ceil(BLOCK)).map(draw).collect();
        Self::from_fn(size, |row, column| match (row / BLOCK, column / BLOCK) {
            (own, other) if own == other => blocks[own].entry(row % BLOCK, column % BLOCK),
            _ => 0.0,
        })
    }

    /// The indices that are mixed with each other, with the matrix that does it; those that stay as they are left out.
    pub(crate) fn parts(&self) -> Vec<(Vec<usize>, Self)> {
        let mut classes = Classes::new(self.size);
        for row in 0..self.size {
            let others = (0..self.size).filter(|&column| self.entry(row, column) != 0.0);
            others.for_each(|column| classes.unite(row, column));
        }
        let partition = classes.into_partition();
        let mut parts: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        (0..self.size).for_each(|index| parts.entry(partition.class(index)).or_default().push(index));
        let part = |indices: Vec<usize>| {
            let own = Self::from_fn(indices.len(), |row, column| self.entry(indices[row], indices[column]));
            (!own.is_identity()).then_some((indices, own))
        };
        parts.into_values().filter_map(part).collect()
    }

    /// Why the matrix is not one of a group of matrices of `size`.
    pub(crate) fn fault(&self, group: &LinearGroup, size: usize) -> Option<String> {
        if (self.size, self.entries.len()) != (size, size * size) {
            return Some(format!(
                "{} entries of a matrix of {} rows instead of {size}",
                self.entries.len(),
                self.size
            ));
        }
        if let Some(entry) = self.entries.iter().find(|entry| !entry.is_finite()) {
            return Some(format!("the entry {entry}"));
        }
        let is_member = match group {
            LinearGroup::General => self.is_invertible(),
            LinearGroup::Orthogonal => self.is_orthogonal(),
            LinearGroup::OrthogonalAroundOnes => self.is_orthogonal() && self.keeps_ones(),
            LinearGroup::Units(basis) => self.is_invertible() && self.is_spanned(basis),
        };
        (!is_member).then(|| "a matrix that is not of its group".to_owned())
    }

    fn is_invertible(&self) -> bool {
        self.inverse().entries.iter().all(|entry| entry.is_finite())
    }

    fn is_orthogonal(&self) -> bool {
        let product = self.transposed().times(self);
        let identity = Self::identity(self.size);
        product.entries.iter().zip(&identity.entries).all(|(x, y)| (x - y).abs() <= MEMBERSHIP)
    }

    fn keeps_ones(&self) -> bool {
        self.entries.chunks(self.size).all(|row| (row.iter().sum::<f64>() - 1.0).abs() <= MEMBERSHIP)
    }

    /// Whether the matrix is a sum of multiples of matrices that are orthonormal, their entries being taken for vectors.
    fn is_spanned(&self, basis: &[Vec<(u32, u32, f64)>]) -> bool {
        let mut rest = self.clone();
        for entries in basis {
            let inner =
                |&(row, column, entry): &(u32, u32, f64)| entry * self.entry(row as usize, column as usize);
            let part: f64 = entries.iter().map(inner).sum();
            for &(row, column, entry) in entries {
                rest.entries[row as usize * self.size + column as usize] -= part * entry;
            }
        }
        let largest = self.entries.iter().fold(1.0, |most: f64, entry| most.max(entry.abs()));
        rest.entries.iter().all(|entry| entry.abs() <= MEMBERSHIP * largest)
    }
}

/// A uniformly random orthogonal matrix: the orthogonal factor of a normal one, with the signs that make the other factor's
/// diagonal positive (Mezzadri 2007, arXiv:math-ph/0609050).
fn rotation(size: usize, key: Key) -> Mat<f64> {
    let normal = Mat::from_fn(size, size, |row, column| key.normal((row * size + column) as u64));
    let factors = normal.qr();
    let (q, r) = (factors.compute_Q(), factors.R());
    Mat::from_fn(size, size, |row, column| q[(row, column)] * r[(column, column)].signum())
}

/// The reflection that exchanges the first unit vector with the vector of ones of length 1.
pub(crate) fn mirror(size: usize) -> Mat<f64> {
    let one = (size as f64).sqrt().recip();
    let normal = |index: usize| if index == 0 { one - 1.0 } else { one };
    let square = 2.0 * (1.0 - one);
    Mat::from_fn(size, size, |row, column| {
        let reflected = if square > 0.0 { 2.0 * normal(row) * normal(column) / square } else { 0.0 };
        f64::from(u8::from(row == column)) - reflected
    })
}

/// The matrix that keeps the ones and does to what is orthogonal to them what a matrix of one size less says.
pub(crate) fn around_ones(inner: &Mat<f64>) -> Mat<f64> {
    let size = inner.nrows() + 1;
    let block = Mat::from_fn(size, size, |row, column| match (row, column) {
        (0, 0) => 1.0,
        (0, _) | (_, 0) => 0.0,
        _ => inner[(row - 1, column - 1)],
    });
    mirror(size) * block * mirror(size)
}

/// The exponential, by its series for a power of two smaller, which is then squared.
pub(crate) fn exponential(matrix: Mat<f64>) -> Mat<f64> {
    let squarings = matrix.norm_l2().log2().ceil().max(0.0) as i32 + 1;
    let small = matrix * faer::Scale(0.5f64.powi(squarings));
    let (mut sum, mut term) =
        (Mat::identity(small.nrows(), small.ncols()), Mat::identity(small.nrows(), small.ncols()));
    // 2^-18 / 18! is below the rounding of 1.
    for n in 1..=18 {
        term = &term * &small * faer::Scale(1.0 / f64::from(n));
        sum = &sum + &term;
    }
    (0..squarings).fold(sum, |power, _| &power * &power)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rotations and scales of two planes of coordinates.
    fn planes() -> LinearGroup {
        let half = 0.5f64.sqrt();
        let plane = |i: u32, j: u32| [vec![(i, i, half), (j, j, half)], vec![(i, j, half), (j, i, -half)]];
        LinearGroup::Units([plane(0, 2), plane(1, 3)].concat())
    }

    fn largest_difference(one: &Matrix, other: &Matrix) -> f64 {
        one.entries.iter().zip(&other.entries).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max)
    }

    #[test]
    fn random_matrices_products_and_inverses_are_of_their_group_and_of_no_smaller_one() {
        let groups =
            [LinearGroup::General, LinearGroup::Orthogonal, LinearGroup::OrthogonalAroundOnes, planes()];
        for (position, group) in groups.iter().enumerate() {
            let [a, b] = [1, 2].map(|seed| Matrix::random(group, 4, 0.5, Key::new(seed)));
            for matrix in [&a, &a.times(&b), &a.inverse()] {
                assert_eq!(matrix.fault(group, 4), None, "{group:?}");
            }
            assert!(largest_difference(&a.times(&a.inverse()), &Matrix::identity(4)) < 1e-13);
            let others = groups[1..].iter().enumerate().filter(|(other, _)| other + 1 > position);
            assert!(others.into_iter().all(|(_, other)| other == group || a.fault(other, 4).is_some()));
        }
    }

    #[test]
    fn the_exponential_of_a_turn_is_a_rotation() {
        let turn = Mat::from_fn(2, 2, |row, column| [[0.0, -3.0], [3.0, 0.0]][row][column]);
        let rotation = Matrix::from_dense(&exponential(turn));
        let expected = Matrix::from_fn(2, |row, column| {
            [[3f64.cos(), -3f64.sin()], [3f64.sin(), 3f64.cos()]][row][column]
        });
        assert!(largest_difference(&rotation, &expected) < 1e-14);
    }

    #[test]
    fn matrices_of_other_sizes_or_without_inverse_are_refused() {
        let singular = Matrix::from_fn(2, |_, _| 1.0);
        assert!(singular.fault(&LinearGroup::General, 2).is_some());
        assert!(
            Matrix::identity(3).fault(&LinearGroup::General, 2).is_some_and(|fault| fault.contains("3 rows"))
        );
        let infinite = Matrix::from_fn(1, |_, _| f64::NAN);
        assert!(infinite.fault(&LinearGroup::General, 1).is_some());
    }
}
