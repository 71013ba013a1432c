//! Batched contractions.

use graph::{Builder, ops::DotGeneral};

use super::lifted::{Lifted, shifted};

/// With one batched operand, the batch joins its free axes; with two, it is one more batch axis.
pub(super) fn contraction(b: &mut Builder, op: &DotGeneral, lhs: Lifted, rhs: Lifted) -> Lifted {
    let mut lifted = op.clone();
    if let Some(axis) = lhs.axis {
        lifted.lhs_batch = shifted(&op.lhs_batch, axis);
        lifted.lhs_contract = shifted(&op.lhs_contract, axis);
    }
    if let Some(axis) = rhs.axis {
        lifted.rhs_batch = shifted(&op.rhs_batch, axis);
        lifted.rhs_contract = shifted(&op.rhs_contract, axis);
    }
    let shared = op.lhs_batch.len();
    let lhs_free = lifted.lhs_free(b.shape(lhs.val).rank());
    let rhs_free = lifted.rhs_free(b.shape(rhs.val).rank());
    let axis = match (lhs.axis, rhs.axis) {
        (Some(left), Some(right)) => {
            lifted.lhs_batch.insert(0, left);
            lifted.rhs_batch.insert(0, right);
            Some(0)
        }
        (Some(axis), None) => lhs_free.iter().position(|&free| free == axis).map(|free| shared + free),
        (None, axis) => {
            let free = rhs_free.iter().position(|&free| Some(free) == axis);
            free.map(|free| shared + lhs_free.len() + free)
        }
    };
    Lifted { val: b.dot_general(lifted, lhs.val, rhs.val), axis }
}
