//! Where derivative rules come from.

use graph::{Diff, Prim};

/// The derivative class and rules of each primitive: its own, unless a test plants others.
///
/// Planting exists so that the law suites can show that they catch a wrong rule.
#[derive(Clone, Copy, Debug)]
pub struct Rules(for<'a> fn(&'a Prim) -> Diff<'a>);

impl Rules {
    /// Each primitive's own rules.
    #[must_use]
    pub fn own() -> Self {
        Self(Prim::diff)
    }

    /// The rules that `choose` gives for each primitive.
    pub const fn planted(choose: for<'a> fn(&'a Prim) -> Diff<'a>) -> Self {
        Self(choose)
    }

    /// The rules of one primitive.
    #[must_use]
    pub fn of(self, op: &Prim) -> Diff<'_> {
        (self.0)(op)
    }
}
