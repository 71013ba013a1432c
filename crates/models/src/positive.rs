//! Numbers above 0.

use std::fmt;

/// A finite number above 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Positive(f64);

/// No NaN among them, so each equals itself.
impl Eq for Positive {}

impl Positive {
    /// The number `value`.
    ///
    /// # Panics
    /// Where it is not finite or not above 0.
    pub(crate) const fn new(value: f64) -> Self {
        match Self::checked(value) {
            Some(positive) => positive,
            None => panic!("a finite number above 0"),
        }
    }

    /// The number `value` where it is finite and above 0.
    pub(crate) const fn checked(value: f64) -> Option<Self> {
        if value.is_finite() && value > 0.0 { Some(Self(value)) } else { None }
    }

    pub(crate) const fn get(self) -> f64 {
        self.0
    }
}

/// The shortest form that reads back, as `1e-6`.
impl fmt::Display for Positive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:e}", self.0)
    }
}
