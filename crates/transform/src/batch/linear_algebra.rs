//! Batched systems of equations.

use graph::{Builder, ops::TriangularSolve};

use super::lifted::{Lifted, batch_size, moved};

/// An axis on which a stack of matrices may have its batch: `batch`, unless it is among the last two axes.
pub(super) fn leading(b: &Builder, x: Lifted, batch: usize) -> usize {
    if batch + 2 < b.shape(x.val).rank() { batch } else { 0 }
}

/// A batch of right-hand sides alone is so many more of them; a batch of matrices is stacked.
pub(super) fn triangular_solve(b: &mut Builder, op: &TriangularSolve, a: Lifted, sides: Lifted) -> Lifted {
    let size = batch_size(b, &[a, sides]);
    let (None, Some(from)) = (a.axis, sides.axis) else {
        let [a, sides] = [a, sides].map(|operand| operand.batched_at(b, 0, size));
        return Lifted::at(b.triangular_solve(op.clone(), a, sides), 0);
    };
    let axis = b.shape(a.val).rank() - if op.left { 1 } else { 2 };
    let sides = moved(b, sides.val, from, axis);
    let shape = b.shape(sides).clone();
    let mut merged = shape.without(&[axis]).to_vec();
    merged[axis] *= size;
    let merged = b.reshape(sides, &merged.into());
    let solution = b.triangular_solve(op.clone(), a.val, merged);
    Lifted::at(b.reshape(solution, &shape), axis)
}
