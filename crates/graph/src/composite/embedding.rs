//! Embedding.

use crate::{Builder, Val};

impl Builder {
    /// The rows of `table` at `indices`. `table: F[V, C]`, `indices: i32[..]`; result `F[.., C]`; zeros at an index
    /// outside `0..V`.
    ///
    /// # Panics
    /// Where the operands do not fit.
    #[track_caller]
    pub fn embedding(&mut self, table: Val, indices: Val) -> Val {
        self.gather(table, indices, 0, 0)
    }
}
