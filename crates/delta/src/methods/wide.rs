//! Loops with the widest vectors that the processor has.

use pulp::Arch;

/// Does `work` with these vectors. What it calls must be inlined into it to have them. Results do not depend on their width: nothing
/// is contracted or reordered.
#[inline(always)]
pub(crate) fn wide<T>(work: impl FnOnce() -> T) -> T {
    Arch::new().dispatch(work)
}
