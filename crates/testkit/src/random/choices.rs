//! Where the choices of a random graph come from.

use tensor::Key;

/// A source of choices.
pub trait Choices {
    /// A number below `bound`, which is at least 1.
    fn below(&mut self, bound: usize) -> usize;
}

/// Choices that a key determines.
#[derive(Clone, Copy, Debug)]
pub struct Drawn {
    key: Key,
    count: u64,
}

impl Drawn {
    /// The choices of `key`.
    #[must_use]
    pub const fn new(key: Key) -> Self {
        Self { key, count: 0 }
    }
}

impl Choices for Drawn {
    fn below(&mut self, bound: usize) -> usize {
        self.count += 1;
        self.key.below(self.count, bound as u64) as usize
    }
}

/// Choices read off bytes, as a fuzzer mutates them; zeros when they are used up.
#[derive(Clone, Copy, Debug)]
pub struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    /// The choices that `bytes` spell.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }
}

impl Choices for Bytes<'_> {
    fn below(&mut self, bound: usize) -> usize {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        usize::from(first) % bound
    }
}
