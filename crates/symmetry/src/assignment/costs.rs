//! A square matrix read as costs, with the sign applied on the way in.

/// Reads one entry as a cost: negated when the caller maximises.
#[inline(always)]
pub(super) fn cost<const NEGATE: bool>(entry: f32) -> f32 {
    if NEGATE { -entry } else { entry }
}

/// A borrowed `n × n` row-major matrix whose entries are costs, or gains when `NEGATE` is set.
#[derive(Clone, Copy)]
pub(super) struct Costs<'a, const NEGATE: bool> {
    entries: &'a [f32],
    n: usize,
}

impl<'a, const NEGATE: bool> Costs<'a, NEGATE> {
    /// `entries` holds `n × n` numbers.
    pub(super) fn new(entries: &'a [f32], n: usize) -> Self {
        debug_assert_eq!(entries.len(), n * n);
        Self { entries, n }
    }

    pub(super) fn n(self) -> usize {
        self.n
    }

    /// All entries, signs as stored.
    pub(super) fn entries(self) -> &'a [f32] {
        self.entries
    }

    /// Row `row`, signs as stored.
    pub(super) fn row(self, row: usize) -> &'a [f32] {
        &self.entries[row * self.n..][..self.n]
    }

    /// The cost of giving `col` to `row`.
    pub(super) fn at(self, row: usize, col: usize) -> f32 {
        cost::<NEGATE>(self.entries[row * self.n + col])
    }
}
