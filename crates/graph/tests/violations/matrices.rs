//! What factorisations and systems refuse.

use isoloss_graph::{
    Ty,
    ops::{Cholesky, TriangularSolve},
};

use super::{Violation, violation};

pub(super) fn all() -> Vec<Violation> {
    let (a, b) = (Ty::f32([2, 3, 3]), Ty::f32([2, 3, 4]));
    let one = std::slice::from_ref(&a);
    let left = || TriangularSolve { left: true, lower: true, transpose: false, unit: false };
    let right = || TriangularSolve { left: false, ..left() };
    vec![
        violation("C1", Cholesky, &[a.clone(), a.clone()]),
        violation("C2", Cholesky, &[Ty::i32([3, 3])]),
        violation("C3", Cholesky, std::slice::from_ref(&b)),
        violation("C3", Cholesky, &[Ty::f32([3])]),
        violation("C3", Cholesky, &[Ty::f32([])]),
        violation("C1", left(), one),
        violation("C2", left(), &[a.clone(), Ty::f64([2, 3, 4])]),
        violation("C2", left(), &[Ty::i32([3, 3]), Ty::i32([3, 3])]),
        violation("C3", left(), &[b.clone(), b.clone()]),
        violation("C4", left(), &[a.clone(), Ty::f32([2, 4, 3])]),
        violation("C4", left(), &[a.clone(), Ty::f32([3, 4])]),
        violation("C4", left(), &[a.clone(), Ty::f32([1, 3, 4])]),
        violation("C4", right(), &[a, b]),
    ]
}
