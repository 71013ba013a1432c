//! Cholesky factorisation, row by row.

use rayon::prelude::*;

use super::real::{Real, dot};
use crate::isa::Isa;

/// A stack of matrices of `size` rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cholesky {
    pub(crate) stack: usize,
    pub(crate) size: usize,
}

impl Cholesky {
    pub(super) fn describe(&self) -> String {
        format!("cholesky of {} x [{}, {}]", self.stack, self.size, self.size)
    }

    pub(super) const fn operations(&self) -> u64 {
        (self.stack * self.size * self.size * self.size) as u64 / 3
    }

    /// Writes the factors of the matrices `a` to `out`.
    pub(super) fn run<T: Real>(&self, isa: Isa, out: &mut [T], a: &[T]) {
        let elements = self.size * self.size;
        if elements == 0 {
            return;
        }
        let all = out.par_chunks_mut(elements).zip(a.par_chunks(elements));
        all.for_each(|(l, a)| {
            if !factor(isa, l, a, self.size) {
                l.fill(T::NAN);
            }
        });
    }
}

/// Factors one matrix; says whether it is positive definite.
fn factor<T: Real>(isa: Isa, l: &mut [T], a: &[T], size: usize) -> bool {
    for row in 0..size {
        let (above, own) = l.split_at_mut(row * size);
        let own = &mut own[..size];
        own[row + 1..].fill(T::default());
        for (column, other) in above.chunks_exact(size).enumerate() {
            let rest = a[row * size + column] - dot(isa, &own[..column], &other[..column]);
            own[column] = rest / other[column];
        }
        let rest = a[row * size + row] - dot(isa, &own[..row], &own[..row]);
        // Not so either where it is NaN.
        if rest > T::default() {
            own[row] = rest.root();
        } else {
            return false;
        }
    }
    true
}
