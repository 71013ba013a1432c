//! Results that several threads write.

/// Where a result is.
#[derive(Clone, Copy)]
pub(super) struct Out<T>(pub(super) *mut T);

// SAFETY: stands for exclusive access to a task's elements of the result, which are disjoint from those of
// other tasks.
unsafe impl<T: Send> Send for Out<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Out<T> {}
