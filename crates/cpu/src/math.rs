//! Transcendental functions of `f32` in multiplications, additions and both fused with one rounding, so that loops over
//! them vectorise and every instruction set gives the same bits. A processor that cannot fuse computes the same bits in
//! software, slowly.
//!
//! Polynomials are minimax fits (Remez exchange) to the functions named at each; arguments are reduced as in
//! Cody and Waite, *Software manual for the elementary functions*, 1980. Error bounds are those of
//! `accuracy`, which tests them.

/// 2²³ · 1.5: adding it to a small number leaves the nearest integer in the low bits.
const ROUND: f32 = 12_582_912.0;
/// ln 2 in two parts, the first with trailing zeros, so that small integers times it are exact.
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -2.121_944_4e-4;

/// `c[0] + c[1] x + c[2] x² + …` by Horner's rule.
#[inline(always)]
fn polynomial<const N: usize>(x: f32, c: [f32; N]) -> f32 {
    let mut sum = c[N - 1];
    for i in (0..N - 1).rev() {
        sum = sum.mul_add(x, c[i]);
    }
    sum
}

/// e^x within 1.1 ulp; gradual underflow included.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // Beyond these bounds the result is infinite or zero anyway. NaN passes.
    let x = x.clamp(-104.0, 89.0);
    let shifted = x.mul_add(std::f32::consts::LOG2_E, ROUND);
    let n = ROUND - shifted;
    let r = n.mul_add(LN_2_LOW, n.mul_add(LN_2_HIGH, x));
    // (e^r - 1 - r) / r² on ±ln(2)/2.
    let p = polynomial(r, [0.499_999_94, 0.166_665_2, 0.041_668_4, 0.008_368_851, 0.001_381_432_3]);
    let y = p.mul_add(r * r, r) + 1.0;
    // Two factors, because 2^n itself may be out of range.
    let n = (shifted.to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32);
    let half = n >> 1;
    y * power_of_two(half) * power_of_two(n.wrapping_sub(half))
}

/// 2^n for a normal result.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) as u32) << 23)
}

/// ln x within 1.1 ulp; minus infinity at 0 and NaN below.
#[inline(always)]
pub(crate) fn log(x: f32) -> f32 {
    let tiny = x < f32::MIN_POSITIVE;
    let scaled = if tiny { x * 8_388_608.0 } else { x };
    // The exponent of the mantissa m in [√½, √2).
    let bits = scaled.to_bits() as i32;
    let e = bits.wrapping_sub(std::f32::consts::FRAC_1_SQRT_2.to_bits() as i32) >> 23;
    let f = f32::from_bits(bits.wrapping_sub(e << 23) as u32) - 1.0;
    let e = e as f32 - if tiny { 23.0 } else { 0.0 };
    // (ln(1 + f) - f + f²/2) / f³.
    let p = polynomial(
        f,
        [
            0.333_333_13,
            -0.250_000_1,
            0.200_021_2,
            -0.166_679_96,
            0.142_195_52,
            -0.124_055_885,
            0.118_881_61,
            -0.116_756_52,
            0.067_466_43,
        ],
    );
    let square = f * f;
    let y = (f * square).mul_add(p, square.mul_add(-0.5, e * LN_2_LOW));
    let finite = e.mul_add(LN_2_HIGH, f + y);
    if x > 0.0 {
        if x == f32::INFINITY { x } else { finite }
    } else if x == 0.0 {
        f32::NEG_INFINITY
    } else {
        f32::NAN
    }
}

/// tanh x within 2 ulp.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    let size = x.abs();
    let square = x * x;
    // (tanh x - x) / x³ in x² up to 0.625².
    let p = polynomial(square, [-0.333_332_8, 0.133_314_42, -0.053_739_715, 0.020_639_088, -0.005_704_987_5]);
    let small = (size * square).mul_add(p, size);
    let large = 1.0 - 2.0 / (exp(2.0 * size) + 1.0);
    (if size < 0.625 { small } else { large }).copysign(x)
}

/// 1 / (1 + e^-x) within 3 ulp.
#[inline(always)]
pub(crate) fn logistic(x: f32) -> f32 {
    let e = exp(-x.abs());
    (if x < 0.0 { e } else { 1.0 }) / (1.0 + e)
}

/// erf x within 2 ulp.
#[inline(always)]
pub(crate) fn erf(x: f32) -> f32 {
    let size = x.abs();
    // erf(x)/x - 1 in x² up to 1.
    let q = polynomial(
        x * x,
        [
            0.128_379_17,
            -0.376_126_26,
            0.112_835_854,
            -0.026_853_813,
            0.005_188_327_7,
            -0.000_801_019_37,
            7.853_861_5e-5,
        ],
    );
    let small = size.mul_add(q, size);
    // -ln(1 - erf(x)) from 1 to 4, beyond which erf rounds to 1. NaN passes.
    let clamped = size.clamp(1.0, 4.0);
    let r = polynomial(
        clamped,
        [
            0.000_339_391_47,
            1.127_097_6,
            0.638_131_44,
            0.103_118,
            -0.021_843_256,
            0.002_948_909_5,
            -0.000_186_502_05,
        ],
    );
    let large = 1.0 - exp(-r);
    (if size < 1.0 { small } else { large }).copysign(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_and_infinities_come_out_right() {
        for f in [exp, log, tanh, logistic, erf] {
            assert!(f(f32::NAN).is_nan());
        }
        assert_eq!((exp(f32::INFINITY), exp(f32::NEG_INFINITY)), (f32::INFINITY, 0.0));
        assert_eq!(
            (log(f32::INFINITY), log(0.0), log(-0.0)),
            (f32::INFINITY, f32::NEG_INFINITY, f32::NEG_INFINITY)
        );
        assert!(log(-1.0).is_nan() && log(f32::NEG_INFINITY).is_nan());
        assert_eq!((tanh(f32::INFINITY), erf(f32::NEG_INFINITY)), (1.0, -1.0));
        assert_eq!((logistic(f32::INFINITY), logistic(f32::NEG_INFINITY)), (1.0, 0.0));
        assert!(tanh(-0.0).is_sign_negative() && erf(-0.0).is_sign_negative());
    }
}
