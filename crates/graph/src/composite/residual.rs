//! Residual connections.

use crate::{Builder, Val};

impl Builder {
    /// `x + branch(x)` (He, Zhang, Ren and Sun 2015, arXiv:1512.03385, equation 1). The result is like `x`.
    ///
    /// # Panics
    /// Where the branch's result has another type than `x`.
    #[track_caller]
    pub fn residual(&mut self, x: Val, branch: impl FnOnce(&mut Self, Val) -> Val) -> Val {
        let moved = branch(self, x);
        self.add(x, moved)
    }
}
