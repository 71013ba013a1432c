//! The numbers that exponents are made of.

use num_rational::Ratio;

/// A field: rational exponents of scales, parities of signs.
pub(crate) trait Field: Copy + PartialEq {
    const ZERO: Self;
    const ONE: Self;

    fn plus(self, other: Self) -> Self;
    fn times(self, other: Self) -> Self;
    fn negative(self) -> Self;
    /// Of a number other than zero.
    fn inverse(self) -> Self;
}

impl Field for Ratio<i64> {
    const ZERO: Self = Self::new_raw(0, 1);
    const ONE: Self = Self::new_raw(1, 1);

    fn plus(self, other: Self) -> Self {
        self + other
    }

    fn times(self, other: Self) -> Self {
        self * other
    }

    fn negative(self) -> Self {
        -self
    }

    fn inverse(self) -> Self {
        self.recip()
    }
}

/// An integer modulo 2: whether a sign appears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parity(pub(crate) bool);

impl Field for Parity {
    const ZERO: Self = Self(false);
    const ONE: Self = Self(true);

    fn plus(self, other: Self) -> Self {
        Self(self.0 != other.0)
    }

    fn times(self, other: Self) -> Self {
        Self(self.0 && other.0)
    }

    fn negative(self) -> Self {
        self
    }

    fn inverse(self) -> Self {
        self
    }
}
