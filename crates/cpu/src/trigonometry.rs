//! Sines and cosines of `f32`, computed in `f64` multiplications and additions so that loops over them vectorise and
//! every instruction set gives the same bits.
//!
//! The angle is reduced to [-π/4, π/4] by a multiple of π/2 in two parts (Cody and Waite, *Software manual for the
//! elementary functions*, 1980); the polynomials are minimax fits (Remez exchange) on that interval.

/// Angles up to here in size are reduced exactly enough: the multiple times [`HALF_PI_HIGH`] has no rounding. Larger
/// ones go to crate `libm`.
const LARGEST: f32 = 1_048_576.0;
/// π/2 in two parts, the first of 33 bits.
const HALF_PI_HIGH: f64 = 1.570_796_326_734_125_6;
const HALF_PI_LOW: f64 = 6.077_100_506_506_192e-11;
/// 2⁵² · 1.5: adding it to a small number leaves the nearest integer in the low bits.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// The nearest multiple of π/2, of which only the last two bits count, and what is left of the angle.
#[inline(always)]
fn reduce(x: f32) -> (u64, f64) {
    let x = f64::from(x);
    let shifted = x * std::f64::consts::FRAC_2_PI + ROUND;
    let n = shifted - ROUND;
    (shifted.to_bits(), (x - n * HALF_PI_HIGH) - n * HALF_PI_LOW)
}

/// The sine of a quadrant's number times π/2 plus `r`.
#[inline(always)]
fn sine_of(quadrant: u64, r: f64) -> f32 {
    let z = r * r;
    let p =
        ((2.717_341_838_527_356e-6 * z - 0.000_198_392_607_536_750_8) * z + 0.008_333_329_326_706_973) * z;
    let sine = r * (1.0 + z * (p - 0.166_666_666_442_021_94));
    let q =
        ((2.437_979_662_911_047_8e-5 * z - 0.001_388_668_234_982_301_4) * z + 0.041_666_622_670_126_63) * z;
    let cosine = 1.0 + z * (q - 0.499_999_997_533_351_17);
    let size = if quadrant & 1 == 0 { sine } else { cosine };
    f64::from_bits(size.to_bits() ^ (quadrant & 2) << 62) as f32
}

/// sin x within 0.51 ulp, for sizes up to [`LARGEST`].
#[inline(always)]
pub(crate) fn sin(x: f32) -> f32 {
    let (quadrant, r) = reduce(x);
    sine_of(quadrant, r)
}

/// cos x within 0.51 ulp, for sizes up to [`LARGEST`].
#[inline(always)]
pub(crate) fn cos(x: f32) -> f32 {
    let (quadrant, r) = reduce(x);
    sine_of(quadrant.wrapping_add(1), r)
}

/// Whether an angle is too large for [`sin`] and [`cos`]; not for NaN, which they keep.
#[inline(always)]
pub(crate) fn is_large(x: f32) -> bool {
    x.abs() > LARGEST
}

/// sin x, whatever the size of the angle.
pub(crate) fn sin_of_any(x: f32) -> f32 {
    if is_large(x) { libm::sinf(x) } else { sin(x) }
}

/// cos x, whatever the size of the angle.
pub(crate) fn cos_of_any(x: f32) -> f32 {
    if is_large(x) { libm::cosf(x) } else { cos(x) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multiples_of_a_right_angle_keep_their_accuracy() {
        for n in 1..600_000u32 {
            let x = (f64::from(n) * std::f64::consts::FRAC_PI_2) as f32;
            let near = |found: f32, exact: f64| (f64::from(found) - exact).abs() <= 6.1e-8 * exact.abs();
            assert!(near(sin(x), f64::from(x).sin()) && near(cos(x), f64::from(x).cos()), "{x:e}");
        }
    }

    #[test]
    fn zero_keeps_its_sign_and_what_is_not_finite_gives_nan() {
        assert_eq!(sin(-0.0).to_bits(), (-0f32).to_bits());
        assert_eq!((sin(0.0).to_bits(), cos(-0.0)), (0, 1.0));
        assert!(sin(f32::NAN).is_nan() && cos(f32::NAN).is_nan() && !is_large(f32::NAN));
        assert!(is_large(f32::INFINITY) && is_large(2e6) && !is_large(1e6));
    }
}
