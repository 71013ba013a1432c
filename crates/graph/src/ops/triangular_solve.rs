//! Systems of equations with triangular matrices.

use tensor::{Buffer, Tensor};

use super::{
    Direction,
    elementwise::rebuild,
    matrices::{self, Real},
};
use crate::{
    Attr, AttributeError, AttributeReader, Axis, AxisMap, Builder, Case, Diff, Domain, Jvp, Kink, Operand, Primitive,
    Transpose, Ty, TypeError, Val,
};

/// The solution `x` of `op(A) x = b` (where `left`) or `x op(A) = b`, for each matrix on the last two axes. `A` is the
/// lower (where `lower`) or upper triangle of the first operand, of which nothing else is read, with ones on the
/// diagonal instead of what stands there where `unit`; `op(A)` is `Aᵀ` where `transpose`, else `A`. Where the diagonal
/// has a zero the result is what divisions by zero give.
///
/// Operands `a: T[B.., n, n]`, `b: T[B.., n, m]` (where `left`) or `T[B.., m, n]`; attributes `left`, `lower`,
/// `transpose`, `unit`, each 0 or 1; result as `b`; `T` of `f32` or `f64`.
///
/// Constraints: (C1) two operands; (C2) of one floating-point type; (C3) the first of square matrices; (C4) the second
/// has the same axes before the last two, and `n` on the axis on which `A` acts.
/// Derivative: linear in `b`; where `a` has a tangent, `dx` solves the same system for `db - op(dA) x` (or `db - x
/// op(dA)`) with the named triangle of `dA`, without its diagonal where `unit`. Transpose: the solution with `op`
/// exchanged for the other.
/// Axes: those before the last two are free, and so is that of the right-hand sides. Accuracy: that of substitution.
/// StableHLO: `triangular_solve`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TriangularSolve {
    /// Whether the matrix stands left of the unknown.
    pub left: bool,
    /// Whether the lower triangle is used.
    pub lower: bool,
    /// Whether the matrix is transposed.
    pub transpose: bool,
    /// Whether the diagonal counts as ones.
    pub unit: bool,
}

impl TriangularSolve {
    /// The number of unknowns of each system and that of the right-hand sides of each matrix.
    ///
    /// # Panics
    /// Where `b` has fewer than two axes.
    #[must_use]
    pub fn sizes(&self, b: &tensor::Shape) -> (usize, usize) {
        let (rows, columns) = (b[b.rank() - 2], b[b.rank() - 1]);
        if self.left { (rows, columns) } else { (columns, rows) }
    }

    /// Where the named triangle of a tensor like `a` is.
    fn triangle(&self, b: &mut Builder, a: Val) -> Val {
        let direction = match (self.lower, self.unit) {
            (true, false) => Direction::Ge,
            (true, true) => Direction::Gt,
            (false, false) => Direction::Le,
            (false, true) => Direction::Lt,
        };
        matrices::where_row(b, direction, a)
    }
}

impl Primitive for TriangularSolve {
    const NAME: &'static str = "triangular_solve";

    fn attributes(&self) -> Vec<(&'static str, Attr)> {
        let flag = |flag: bool| Attr::Int(flag.into());
        vec![
            ("left", flag(self.left)),
            ("lower", flag(self.lower)),
            ("transpose", flag(self.transpose)),
            ("unit", flag(self.unit)),
        ]
    }

    fn from_attributes(reader: &mut AttributeReader) -> Result<Self, AttributeError> {
        Ok(Self {
            left: reader.flag("left")?,
            lower: reader.flag("lower")?,
            transpose: reader.flag("transpose")?,
            unit: reader.flag("unit")?,
        })
    }

    fn out_type(&self, operands: &[&Ty]) -> Result<Ty, TypeError> {
        matrices::check_matrices(Self::NAME, 2, operands)?;
        let (a, b) = (&operands[0].shape, &operands[1].shape);
        let stack = a.rank() - 2;
        if b.rank() != a.rank() || b[..stack] != a[..stack] || self.sizes(b).0 != a[stack] {
            let message = format!("right-hand sides {b} do not fit matrices {a}");
            return Err(TypeError::new(Self::NAME, "C4", message, operands));
        }
        Ok(operands[1].clone())
    }

    fn eval(&self, operands: &[&Tensor]) -> Tensor {
        let (a, b) = (operands[0], operands[1]);
        let sizes = self.sizes(b.shape());
        let buffer = match (a.buffer(), b.buffer()) {
            (Buffer::F32(a), Buffer::F32(b)) => Buffer::F32(solutions(self, a, b, sizes)),
            (Buffer::F64(a), Buffer::F64(b)) => Buffer::F64(solutions(self, a, b, sizes)),
            _ => unreachable!("the type rule admits floats of one type only"),
        };
        rebuild(b, buffer)
    }

    fn diff(&self) -> Diff<'_> {
        Diff::LinearIn(&[1], self, self)
    }

    fn axes(&self, operands: &[&Ty], result: &Ty) -> AxisMap {
        let mut map = matrices::stacked_axes(operands, result);
        let stack = result.shape.rank() - 2;
        let (unknowns, sides) = if self.left { (stack, stack + 1) } else { (stack + 1, stack) };
        map.fix(Axis::result(unknowns), result.shape[unknowns]);
        map.fixed.retain(|run| run.axis != Axis::operand(1, sides));
        map.tie(Axis::operand(1, sides), Axis::result(sides), result.shape[sides]);
        map
    }

    fn cases() -> Vec<Case> {
        let case = |name, op: [bool; 4], a: &[usize], b: &[usize]| {
            let [left, lower, transpose, unit] = op;
            let operands = vec![(Ty::f64(a), Domain::Dominant), (Ty::f64(b), Domain::Interval(-2.0, 2.0))];
            Case::new(name, Self { left, lower, transpose, unit }, operands)
        };
        vec![
            case("lower system", [true, true, false, false], &[3, 3], &[3, 2]),
            case("upper systems", [true, false, false, false], &[2, 3, 3], &[2, 3, 1]),
            case("transposed lower system", [true, true, true, false], &[4, 4], &[4, 2]),
            case("transposed upper system with unit diagonal", [true, false, true, true], &[3, 3], &[3, 2]),
            case("lower system from the right", [false, true, false, false], &[3, 3], &[2, 3]),
            case("upper system from the right with unit diagonal", [false, false, false, true], &[3, 3], &[2, 3]),
            case("transposed lower systems from the right", [false, true, true, false], &[2, 2, 2], &[2, 3, 2]),
            case("transposed upper system from the right", [false, false, true, false], &[3, 3], &[1, 3]),
            case("system without unknowns", [true, true, false, false], &[2, 0, 0], &[2, 0, 3]),
            case("system without right-hand sides", [false, true, false, false], &[2, 2], &[0, 2]),
        ]
    }

    fn kinks() -> Vec<Kink> {
        Vec::new()
    }
}

/// The solutions for a stack of matrices of `n` unknowns with `m` right-hand sides each.
fn solutions<T: Real>(op: &TriangularSolve, a: &[T], b: &[T], (n, m): (usize, usize)) -> Vec<T> {
    let mut x = b.to_vec();
    if x.is_empty() {
        return x;
    }
    // With the matrix on the right, the system is that of the transposes.
    let flipped = op.transpose == op.left;
    let ascending = op.lower != flipped;
    for (a, x) in a.chunks(n * n).zip(x.chunks_mut(n * m)) {
        let entry = |i: usize, j: usize| if flipped { a[j * n + i] } else { a[i * n + j] };
        for side in 0..m {
            let place = |i: usize| if op.left { i * m + side } else { side * n + i };
            for step in 0..n {
                let i = if ascending { step } else { n - 1 - step };
                let known = if ascending { 0..i } else { i + 1..n };
                let rest = known.fold(x[place(i)], |rest, j| rest - entry(i, j) * x[place(j)]);
                x[place(i)] = if op.unit { rest } else { rest / entry(i, i) };
            }
        }
    }
    x
}

impl Jvp for TriangularSolve {
    fn jvp(&self, b: &mut Builder, x: &[Val], result: Val, dx: &[Option<Val>]) -> Option<Val> {
        let moved = dx[0].map(|da| {
            let (triangle, zero) = (self.triangle(b, da), b.splat_like(da, 0.0));
            let da = b.select(triangle, da, zero);
            match (self.left, self.transpose) {
                (true, transpose) => matrices::product(b, da, result, [usize::from(!transpose), 0]),
                (false, transpose) => matrices::product(b, result, da, [1, usize::from(transpose)]),
            }
        });
        let sides = match (dx[1], moved) {
            (Some(db), Some(moved)) => b.subtract(db, moved),
            (Some(db), None) => db,
            (None, Some(moved)) => b.negate(moved),
            (None, None) => return None,
        };
        Some(b.triangular_solve(self.clone(), x[0], sides))
    }
}

impl Transpose for TriangularSolve {
    fn transpose(&self, b: &mut Builder, ct: Val, operands: &[Operand]) -> Vec<Option<Val>> {
        let sides = operands[1].linear().map(|_| {
            let other = Self { transpose: !self.transpose, ..self.clone() };
            b.triangular_solve(other, operands[0].known(), ct)
        });
        vec![None, sides]
    }
}

impl Builder {
    /// The solution of triangular systems with matrices `a` and right-hand sides `b`; see [`TriangularSolve`].
    ///
    /// # Panics
    /// Where the operands do not fit.
    #[track_caller]
    pub fn triangular_solve(&mut self, op: TriangularSolve, a: Val, b: Val) -> Val {
        self.apply(op, &[a, b])
    }
}
