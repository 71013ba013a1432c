//! The range of an axis.

use crate::schema::{Axis, Scale};

/// Numbers beyond this are not drawn, so that differences and padding stay finite.
const LIMIT: f64 = 1e300;
/// A range below this part of its ends' magnitude cannot be told from a point in `f64` and is shown as one.
const RESOLUTION: f64 = 1e-12;
/// The same for decimal logarithms, whose magnitude is at most 300.
const LOG_RESOLUTION: f64 = 1e-9;

/// The range of an axis in its own coordinate: the number itself, or its decimal logarithm. `low < high`.
pub(super) struct Domain {
    pub(super) scale: Scale,
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Domain {
    /// The range that holds the values, widened by a part of its length, unless the axis fixes its ends.
    pub(super) fn new(axis: &Axis, values: impl Iterator<Item = f64>, padding: f64) -> Self {
        let fixed = |end: Option<f64>| end.and_then(|x| coordinate(axis.scale, x));
        let (fixed_low, fixed_high) = (fixed(axis.min), fixed(axis.max));
        let ends =
            values.filter_map(|x| coordinate(axis.scale, x)).fold(None, |ends: Option<(f64, f64)>, x| {
                Some(ends.map_or((x, x), |(low, high)| (low.min(x), high.max(x))))
            });
        let (data_low, data_high) = ends.unwrap_or((0.0, 1.0));
        let (low, high) = (fixed_low.unwrap_or(data_low), fixed_high.unwrap_or(data_high));
        let (low, high) = apart(low.min(high), high.max(low), axis.scale);
        let margin = (high - low) * padding;
        let padded_low =
            if axis.scale == Scale::Linear { low_with_zero(low, high, margin) } else { low - margin };
        Self {
            scale: axis.scale,
            low: fixed_low.map_or(padded_low, |_| low),
            high: fixed_high.map_or(high + margin, |_| high),
        }
    }

    /// Where a number lies, 0 at the low end and 1 at the high end; nothing if it cannot be drawn.
    pub(super) fn fraction(&self, x: f64) -> Option<f64> {
        coordinate(self.scale, x).map(|t| self.fraction_of_coordinate(t))
    }

    /// Where a coordinate lies, 0 at the low end and 1 at the high end.
    pub(super) fn fraction_of_coordinate(&self, t: f64) -> f64 {
        (t - self.low) / (self.high - self.low)
    }
}

/// The number or its decimal logarithm, if it can be drawn.
fn coordinate(scale: Scale, x: f64) -> Option<f64> {
    let drawable = x.abs() <= LIMIT && (scale == Scale::Linear || x >= 1.0 / LIMIT);
    drawable.then(|| if scale == Scale::Linear { x } else { x.log10() })
}

/// Ends far enough apart to put ticks between them.
fn apart(low: f64, high: f64, scale: Scale) -> (f64, f64) {
    let magnitude = low.abs().max(high.abs());
    let least = if scale == Scale::Log { LOG_RESOLUTION } else { (RESOLUTION * magnitude).max(1.0 / LIMIT) };
    if high - low > least {
        return (low, high);
    }
    let half = if scale == Scale::Log || magnitude < 1.0 / LIMIT { 0.5 } else { magnitude * 0.1 };
    (low - half, high + half)
}

/// The padded low end; for data that is not negative it is never below zero, and it is zero if zero is near.
fn low_with_zero(low: f64, high: f64, margin: f64) -> f64 {
    if margin > 0.0 && low >= 0.0 && low < 0.15 * high { 0.0 } else { low - margin }
}

#[cfg(test)]
mod tests {
    use super::Domain;
    use crate::schema::Axis;

    fn ends(axis: &Axis, values: &[f64]) -> (f64, f64) {
        let domain = Domain::new(axis, values.iter().copied(), 0.05);
        (domain.low, domain.high)
    }

    #[test]
    fn the_ends_hold_the_data_and_a_margin() {
        assert_eq!(ends(&Axis::linear("y"), &[10.0, 20.0]), (9.5, 20.5));
        assert_eq!(ends(&Axis::log("y"), &[1.0, 100.0]), (-0.1, 2.1));
    }

    #[test]
    fn data_near_zero_starts_at_zero() {
        assert_eq!(ends(&Axis::linear("y"), &[0.1, 2.1]).0, 0.0);
    }

    #[test]
    fn fixed_ends_are_kept_and_put_in_order() {
        assert_eq!(ends(&Axis::linear("y").with_range(1.0, 0.0), &[5.0]), (0.0, 1.0));
    }

    #[test]
    fn what_cannot_be_drawn_has_no_place() {
        let domain = Domain::new(&Axis::log("y"), [0.0, -1.0, f64::NAN, 1.0, 10.0].into_iter(), 0.0);
        assert_eq!((domain.low, domain.high), (0.0, 1.0));
        assert_eq!([0.0, -1.0, f64::NAN, f64::INFINITY, 1e301].map(|x| domain.fraction(x)), [None; 5]);
    }

    #[test]
    fn a_range_without_length_is_widened() {
        let cases: [&[f64]; 6] =
            [&[0.0], &[3.0, 3.0], &[1e300], &[-1e-310, 1e-310], &[1.0, 1.0 + 1e-15], &[]];
        for values in cases {
            for axis in [Axis::linear("y"), Axis::log("y")] {
                let (low, high) = ends(&axis, values);
                assert!(low < high && low.is_finite() && high.is_finite(), "{values:?}: {low} {high}");
            }
        }
    }
}
