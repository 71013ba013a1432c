//! Factorisations and systems of equations.

use graph::ops::{Direction, TriangularSolve};

use super::program::{Element, Program, Term};

impl Program {
    /// StableHLO leaves open what stands above the diagonal, and what becomes of matrices that are not positive
    /// definite: here zeros, and NaN everywhere in their factor.
    pub(super) fn cholesky(&mut self, a: &Term) -> Term {
        let factor = self.op("cholesky", &[a], "lower = true", a.ty.clone());
        let rank = a.ty.shape.len();
        let row = self.iota(Element::I32, &a.ty.shape, rank - 2);
        let column = self.iota(Element::I32, &a.ty.shape, rank - 1);
        let lower = self.compare(Direction::Ge, &row, &column);
        let factor = self.or_zero(&lower, &factor);
        let definite = self.is_definite(&factor, &row, &column);
        let nan = self.nan(&a.ty);
        self.select(&definite, &factor, &nan)
    }

    /// Whether each matrix that this is the factor of was positive definite: no pivot is zero, and none is NaN.
    fn is_definite(&mut self, factor: &Term, row: &Term, column: &Term) -> Term {
        let rank = factor.ty.shape.len();
        let zero = self.number(0, &factor.ty);
        let positive = self.compare(Direction::Gt, factor, &zero);
        let elsewhere = self.compare(Direction::Ne, row, column);
        let sound = self.binary("or", &positive, &elsewhere);
        let yes = self.number(1, &sound.ty.scalar());
        let all = self.reduce("and", &sound, &yes, &[rank - 2, rank - 1]);
        self.broadcast(&all, &(0..rank - 2).collect::<Vec<_>>(), &factor.ty.shape)
    }

    pub(super) fn triangular_solve(&mut self, op: &TriangularSolve, a: &Term, b: &Term) -> Term {
        let transpose = if op.transpose { "TRANSPOSE" } else { "NO_TRANSPOSE" };
        let properties = format!(
            "left_side = {}, lower = {}, unit_diagonal = {}, transpose_a = #stablehlo<transpose {transpose}>",
            op.left, op.lower, op.unit,
        );
        self.op("triangular_solve", &[a, b], &properties, b.ty.clone())
    }
}
