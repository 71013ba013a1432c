//! How high a curve rises above its chord.

/// The largest rise of a curve above the straight line between its ends.
///
/// At least 0, as a curve does not rise above its own ends. Infinite where the curve is not finite somewhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Barrier {
    /// The rise.
    pub height: f64,
    /// Where it is attained first; 0 where there is none.
    pub lambda: f64,
}

/// The barrier of a curve with values `values` at positions `lambdas`, which run from 0 to 1.
pub(crate) fn barrier(lambdas: &[f64], values: &[f64]) -> Barrier {
    let (Some(start), Some(end)) = (values.first(), values.last()) else {
        unreachable!("a curve has at least three points")
    };
    let rises = lambdas.iter().zip(values).map(|(&lambda, value)| {
        let rise = value - ((1.0 - lambda) * start + lambda * end);
        Barrier { height: if rise.is_finite() { rise } else { f64::INFINITY }, lambda }
    });
    rises.fold(
        Barrier { height: 0.0, lambda: 0.0 },
        |most, next| if next.height > most.height { next } else { most },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAMBDAS: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];

    #[test]
    fn the_rise_is_measured_from_the_chord() {
        let found = barrier(&LAMBDAS, &[1.0, 2.0, 2.5, 5.0, 3.0]);
        assert_eq!(found, Barrier { height: 2.5, lambda: 0.75 });
    }

    #[test]
    fn a_curve_below_its_chord_has_no_barrier() {
        assert_eq!(barrier(&LAMBDAS, &[4.0, 2.0, 1.0, 1.0, 3.0]), Barrier { height: 0.0, lambda: 0.0 });
    }

    #[test]
    fn a_value_that_is_not_finite_is_an_infinite_barrier() {
        for value in [f64::NAN, f64::INFINITY] {
            let found = barrier(&LAMBDAS, &[0.0, 1.0, value, 1.0, 0.0]);
            assert_eq!(found, Barrier { height: f64::INFINITY, lambda: 0.5 });
            assert_eq!(barrier(&LAMBDAS, &[value, 0.0, 0.0, 0.0, 0.0]).height, f64::INFINITY);
        }
    }
}
