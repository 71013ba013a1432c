//! Cholesky factorisation.

use tensor::{Buffer, Tensor};

use super::{
    Direction,
    elementwise::rebuild,
    matrices::{self, Real},
    triangular_solve::TriangularSolve,
};
use crate::{
    Attr, AttributeError, AttributeReader, AxisMap, Builder, Case, Diff, Domain, Jvp, Kink, Primitive, Ty, TypeError,
    Val,
};

/// The lower triangular `L` with positive diagonal and `L Lᵀ = A`, with zeros above the diagonal, for each symmetric
/// positive definite matrix `A` on the last two axes of the operand. Only the lower triangle of `A` is read: the matrix
/// is its symmetric completion. Where it is not positive definite, or not to within rounding, its `L` is NaN
/// everywhere.
///
/// Operand `a: T[B.., n, n]`; result `T[B.., n, n]`; `T` of `f32` or `f64`.
///
/// Constraints: (C1) one operand; (C2) of a floating-point type; (C3) of square matrices.
/// Derivative: smooth. With `S` the symmetric completion of the tangent's lower triangle, `dL = L Φ(L⁻¹ S L⁻ᵀ)`, where
/// `Φ` takes the lower triangle and half of the diagonal (S. Särkkä, *Bayesian Filtering and Smoothing*, 2013, theorem
/// A.1). What is above the diagonal has no derivative.
/// Axes: those before the last two are free. Accuracy: that of the factorisation column by column.
/// StableHLO: `cholesky` with `lower`.
#[derive(Clone, Debug, PartialEq)]
pub struct Cholesky;

impl Primitive for Cholesky {
    const NAME: &'static str = "cholesky";

    fn attributes(&self) -> Vec<(&'static str, Attr)> {
        Vec::new()
    }

    fn from_attributes(_: &mut AttributeReader) -> Result<Self, AttributeError> {
        Ok(Self)
    }

    fn out_type(&self, operands: &[&Ty]) -> Result<Ty, TypeError> {
        matrices::check_matrices(Self::NAME, 1, operands)?;
        Ok(operands[0].clone())
    }

    fn eval(&self, operands: &[&Tensor]) -> Tensor {
        let a = operands[0];
        let n = a.shape()[a.shape().rank() - 1];
        let buffer = match a.buffer() {
            Buffer::F32(a) => Buffer::F32(factors(a, n)),
            Buffer::F64(a) => Buffer::F64(factors(a, n)),
            Buffer::I32(_) | Buffer::Bool(_) => unreachable!("the type rule admits floats only"),
        };
        rebuild(a, buffer)
    }

    fn diff(&self) -> Diff<'_> {
        Diff::Smooth(self)
    }

    fn axes(&self, operands: &[&Ty], result: &Ty) -> AxisMap {
        let mut map = matrices::stacked_axes(operands, result);
        let stack = result.shape.rank() - 2;
        (stack..stack + 2).for_each(|axis| map.fix(crate::Axis::result(axis), result.shape[axis]));
        map
    }

    fn cases() -> Vec<Case> {
        let case = |name, shape: &[usize]| Case::new(name, Self, vec![(Ty::f64(shape), Domain::Dominant)]);
        vec![
            case("factor of a number", &[1, 1]),
            case("factor of a matrix", &[4, 4]),
            case("factors of a stack of matrices", &[2, 2, 3, 3]),
            case("factor of an empty matrix", &[2, 0, 0]),
            case("factors of no matrices", &[0, 2, 2]),
        ]
    }

    fn kinks() -> Vec<Kink> {
        Vec::new()
    }
}

fn factors<T: Real>(a: &[T], n: usize) -> Vec<T> {
    if a.is_empty() {
        return Vec::new();
    }
    a.chunks(n * n).flat_map(|a| factor(a, n).unwrap_or_else(|| vec![T::NAN; n * n])).collect()
}

/// The factor of one matrix, if it is positive definite.
fn factor<T: Real>(a: &[T], n: usize) -> Option<Vec<T>> {
    let mut l = vec![T::default(); n * n];
    for row in 0..n {
        for column in 0..=row {
            let products = (0..column).map(|k| l[row * n + k] * l[column * n + k]);
            let rest = products.fold(a[row * n + column], |rest, product| rest - product);
            if row > column {
                l[row * n + column] = rest / l[column * n + column];
            } else if rest > T::default() {
                l[row * n + column] = rest.sqrt();
            } else {
                return None;
            }
        }
    }
    Some(l)
}

impl Jvp for Cholesky {
    fn jvp(&self, b: &mut Builder, _: &[Val], l: Val, dx: &[Option<Val>]) -> Option<Val> {
        let da = dx[0]?;
        let rank = b.shape(da).rank();
        let mut order: Vec<usize> = (0..rank).collect();
        order.swap(rank - 2, rank - 1);
        let (lower, below, diagonal) = (
            matrices::where_row(b, Direction::Ge, da),
            matrices::where_row(b, Direction::Gt, da),
            matrices::where_row(b, Direction::Eq, da),
        );
        let flipped = b.transpose(da, &order);
        let symmetric = b.select(lower, da, flipped);
        let from_left = TriangularSolve { left: true, lower: true, transpose: false, unit: false };
        let from_right = TriangularSolve { left: false, transpose: true, ..from_left };
        let half_way = b.triangular_solve(from_left, l, symmetric);
        let inner = b.triangular_solve(from_right, l, half_way);
        let (half, zero) = (b.scale(inner, 0.5), b.splat_like(inner, 0.0));
        let rest = b.select(below, inner, zero);
        let phi = b.select(diagonal, half, rest);
        Some(matrices::product(b, l, phi, [1, 0]))
    }
}

impl Builder {
    /// The lower triangular factors of positive definite matrices; see [`Cholesky`].
    ///
    /// # Panics
    /// Where `a` does not hold square matrices of floats.
    #[track_caller]
    pub fn cholesky(&mut self, a: Val) -> Val {
        self.apply(Cholesky, &[a])
    }
}
