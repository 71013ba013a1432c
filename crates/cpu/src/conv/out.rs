//! Results that several threads write.

/// Where a result is.
#[derive(Clone, Copy)]
pub(super) struct Out<T>(*mut T);

impl<T> Out<T> {
    /// The result whose first element this is.
    pub(super) const fn new(first: *mut T) -> Self {
        Self(first)
    }

    /// The element at a position.
    pub(super) const fn at(self, position: usize) -> *mut T {
        self.0.wrapping_add(position)
    }
}

// SAFETY: stands for exclusive access to a task's elements of the result, which are disjoint from those of
// other tasks.
unsafe impl<T: Send> Send for Out<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Out<T> {}
