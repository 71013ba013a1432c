//! Numbers as people write them in descriptions.

/// The shortest decimal that reads back as `value`, with an exponent where plain digits would be long.
pub(crate) fn print(value: f64) -> String {
    let magnitude = value.abs();
    let plain = magnitude == 0.0 || (1e-4..1e9).contains(&magnitude) || !value.is_finite();
    if plain { value.to_string() } else { format!("{value:e}") }
}

/// A set of allowed numbers. None contains NaN or an infinity.
#[derive(Clone, Copy)]
pub(crate) struct Range {
    accepts: fn(f64) -> bool,
    /// The set in words.
    pub(crate) words: &'static str,
}

impl Range {
    /// Above 0.
    pub(crate) const POSITIVE: Self = Self { accepts: |x| x > 0.0, words: "a number above 0" };
    /// From 0 up.
    pub(crate) const FROM_ZERO: Self = Self { accepts: |x| x >= 0.0, words: "a number from 0 up" };
    /// In [0, 1).
    pub(crate) const BELOW_ONE: Self =
        Self { accepts: |x| (0.0..1.0).contains(&x), words: "a number from 0 up, but below 1" };

    /// Whether `value` is in the set.
    pub(crate) fn contains(self, value: f64) -> bool {
        value.is_finite() && (self.accepts)(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printed_numbers_are_short_and_read_back() {
        for (value, text) in
            [(0.001, "0.001"), (1e-8, "1e-8"), (5e-4, "0.0005"), (1.0, "1"), (0.0, "0"), (2.5e-6, "2.5e-6")]
        {
            assert_eq!(print(value), text);
            assert_eq!(text.parse::<f64>().unwrap(), value);
        }
    }

    #[test]
    fn no_range_holds_nan_or_infinity() {
        for range in [Range::POSITIVE, Range::FROM_ZERO, Range::BELOW_ONE] {
            assert!(!range.contains(f64::NAN) && !range.contains(f64::INFINITY) && range.contains(0.5));
        }
        assert!(!Range::POSITIVE.contains(0.0) && Range::FROM_ZERO.contains(0.0));
        assert!(!Range::BELOW_ONE.contains(1.0) && Range::BELOW_ONE.contains(0.0));
    }
}
