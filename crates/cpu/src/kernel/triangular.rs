//! Triangular systems, by substitution.

use graph::ops::TriangularSolve;
use rayon::prelude::*;

use super::real::{Real, dot, subtract};
use crate::isa::Isa;

/// A stack of matrices of `size` unknowns, each with so many right-hand sides.
#[derive(Clone, Debug)]
pub(crate) struct Triangular {
    pub(crate) op: TriangularSolve,
    pub(crate) stack: usize,
    pub(crate) size: usize,
    pub(crate) sides: usize,
}

/// One system: `Σ entry(i, j) x[j] = b[i]` over one triangle of a matrix.
#[derive(Clone, Copy)]
struct System<'a, T> {
    a: &'a [T],
    size: usize,
    /// Whether entry `(i, j)` is element `(j, i)` of the matrix.
    flipped: bool,
    /// Whether the first unknown is known first.
    ascending: bool,
    unit: bool,
}

impl Triangular {
    pub(super) fn describe(&self) -> String {
        let Self { op, stack, size, sides } = self;
        format!("{stack} x [{size}, {size}] for {sides} sides: {op:?}")
    }

    pub(super) const fn operations(&self) -> u64 {
        (self.stack * self.size * self.size * self.sides) as u64
    }

    /// Replaces the right-hand sides in `x` by the solutions.
    pub(super) fn run<T: Real>(&self, isa: Isa, x: &mut [T], a: &[T]) {
        let (size, sides) = (self.size, self.sides);
        if x.is_empty() {
            return;
        }
        // With the matrix on the right, the system is that of the transposes.
        let flipped = self.op.transpose == self.op.left;
        let (ascending, unit) = (self.op.lower != flipped, self.op.unit);
        let matrices = a.par_chunks(size * size);
        matrices.zip(x.par_chunks_mut(size * sides)).for_each(|(a, x)| {
            let system = System { a, size, flipped, ascending, unit };
            if self.op.left && sides > 1 {
                return system.solve_rows(isa, x, sides);
            }
            x.par_chunks_mut(size).for_each(|x| system.solve(isa, x));
        });
    }
}

impl<T: Real> System<'_, T> {
    fn entry(&self, i: usize, j: usize) -> T {
        if self.flipped { self.a[j * self.size + i] } else { self.a[i * self.size + j] }
    }

    /// The unknowns in the order in which they become known.
    fn order(self) -> impl Iterator<Item = usize> {
        (0..self.size).map(move |step| if self.ascending { step } else { self.size - 1 - step })
    }

    /// The unknowns that are known before `i`, or not yet after it.
    fn side(&self, i: usize, known: bool) -> std::ops::Range<usize> {
        if self.ascending == known { 0..i } else { i + 1..self.size }
    }

    /// One right-hand side, with the matrix read along its rows either way.
    fn solve(&self, isa: Isa, x: &mut [T]) {
        for i in self.order() {
            let row = &self.a[i * self.size..(i + 1) * self.size];
            if !self.flipped {
                let known = self.side(i, true);
                x[i] = x[i] - dot(isa, &row[known.clone()], &x[known]);
            }
            if !self.unit {
                x[i] = x[i] / row[i];
            }
            if self.flipped {
                let (value, rest) = (x[i], self.side(i, false));
                subtract(isa, &mut x[rest.clone()], &row[rest], value);
            }
        }
    }

    /// Right-hand sides that are the columns of `x`.
    fn solve_rows(&self, isa: Isa, x: &mut [T], sides: usize) {
        for i in self.order() {
            let (before, rest) = x.split_at_mut(i * sides);
            let (own, after) = rest.split_at_mut(sides);
            for j in self.side(i, true) {
                let other = if j < i { &before[j * sides..] } else { &after[(j - i - 1) * sides..] };
                subtract(isa, own, &other[..sides], self.entry(i, j));
            }
            if !self.unit {
                let diagonal = self.entry(i, i);
                own.iter_mut().for_each(|x| *x = *x / diagonal);
            }
        }
    }
}
