//! Numbers as text.

use serde::{Deserialize, Serialize};

/// How a number is shown. In JSON `"auto"`, `{"fixed": 3}`, ...; at most 17 digits are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberFormat {
    /// Four significant digits without trailing zeros; powers of ten below 10⁻⁴ and from 10⁶ on (ours: the most that
    /// is read at a glance).
    #[default]
    Auto,
    /// So many digits after the point.
    Fixed(u8),
    /// So many significant digits, at least one.
    Significant(u8),
    /// So many digits after the point, and a power of ten.
    Scientific(u8),
    /// The hundredfold with so many digits after the point, and "%".
    Percent(u8),
}

/// A number in ASCII: "0.125", "-1.5e-7", "97.2%", "NaN", "inf". A result that rounds to zero has no sign.
///
/// ```
/// use isoloss_report::{NumberFormat, format_number};
/// assert_eq!(format_number(0.97215, NumberFormat::Percent(1)), "97.2%");
/// assert_eq!(format_number(-0.0001, NumberFormat::Fixed(2)), "0.00");
/// assert_eq!(format_number(12.0, NumberFormat::Auto), "12");
/// ```
pub fn format_number(x: f64, format: NumberFormat) -> String {
    if !x.is_finite() {
        return x.to_string();
    }
    match format {
        NumberFormat::Auto => trimmed(&significant(x, 4)),
        NumberFormat::Fixed(digits) => unsigned_zero(format!("{x:.*}", places(digits))),
        NumberFormat::Significant(digits) => significant(x, digits.max(1)),
        NumberFormat::Scientific(digits) => unsigned_zero(format!("{x:.*e}", places(digits))),
        NumberFormat::Percent(digits) => unsigned_zero(format!("{:.*}%", places(digits), x * 100.0)),
    }
}

/// The shortest text that reads back as the same number.
pub(crate) fn exact_number(x: f64) -> String {
    if x == 0.0 || !x.is_finite() || (1e-4..1e7).contains(&x.abs()) {
        x.to_string()
    } else {
        format!("{x:e}")
    }
}

/// ASCII number text as a book sets it: a true minus sign and raised powers of ten.
pub(crate) fn typographic(number: &str) -> String {
    let number =
        if number == "inf" || number == "-inf" { number.replace("inf", "∞") } else { number.to_owned() };
    match number.split_once('e') {
        Some((mantissa, power)) => format!("{}×10{}", mantissa.replace('-', "−"), superscript(power)),
        None => number.replace('-', "−"),
    }
}

/// An integer's text in raised characters.
pub(crate) fn superscript(integer: &str) -> String {
    let raised = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let raise = |c: char| c.to_digit(10).and_then(|d| raised.get(d as usize).copied()).unwrap_or('⁻');
    integer.chars().map(raise).collect()
}

fn significant(x: f64, digits: u8) -> String {
    let scientific = unsigned_zero(format!("{x:.*e}", places(digits - 1)));
    let power = scientific.split_once('e').and_then(|(_, power)| power.parse::<i32>().ok()).unwrap_or(0);
    if !(-4..6).contains(&power) {
        return scientific;
    }
    let places = (i32::from(digits) - 1 - power).max(0);
    unsigned_zero(format!("{x:.*}", usize::try_from(places).unwrap_or(0)))
}

fn trimmed(number: &str) -> String {
    let (mantissa, power) = number.split_at(number.find('e').unwrap_or(number.len()));
    let mantissa =
        if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa };
    format!("{mantissa}{power}")
}

fn unsigned_zero(number: String) -> String {
    let mantissa = number.split('e').next().unwrap_or_default();
    if mantissa.chars().any(|c| c.is_ascii_digit() && c != '0') {
        return number;
    }
    number.strip_prefix('-').map_or_else(|| number.clone(), str::to_owned)
}

fn places(digits: u8) -> usize {
    usize::from(digits.min(17))
}

#[cfg(test)]
mod tests {
    use super::{NumberFormat, exact_number, format_number, typographic};

    #[test]
    fn automatic_format_keeps_four_digits_and_drops_trailing_zeros() {
        let shown: Vec<_> = [0.0, 1.0, 0.123_456, 123_456.0, 1_234_567.0, 0.000_012_345, -2.5, 1e300]
            .into_iter()
            .map(|x| format_number(x, NumberFormat::Auto))
            .collect();
        assert_eq!(shown, ["0", "1", "0.1235", "123456", "1.235e6", "1.234e-5", "-2.5", "1e300"]);
    }

    #[test]
    fn numbers_that_round_to_zero_have_no_sign() {
        assert_eq!(format_number(-0.001, NumberFormat::Percent(0)), "0%");
        assert_eq!(format_number(-0.0, NumberFormat::Auto), "0");
        assert_eq!(format_number(-0.0, NumberFormat::Scientific(1)), "0.0e0");
    }

    #[test]
    fn numbers_that_are_not_finite_are_named_in_every_format() {
        for format in [NumberFormat::Auto, NumberFormat::Fixed(2), NumberFormat::Percent(1)] {
            assert_eq!(format_number(f64::NAN, format), "NaN");
            assert_eq!(format_number(f64::NEG_INFINITY, format), "-inf");
        }
    }

    #[test]
    fn rounding_up_to_the_next_power_keeps_the_digits() {
        assert_eq!(format_number(9.999_96, NumberFormat::Significant(4)), "10.00");
        assert_eq!(format_number(0.5, NumberFormat::Significant(0)), "0.5");
    }

    #[test]
    fn exact_text_reads_back() {
        for x in [0.1, 1e-5, 123_456_789.0, -0.0, 5e-324, f64::MAX] {
            assert_eq!(exact_number(x).parse::<f64>().unwrap().to_bits(), x.to_bits());
        }
        assert_eq!(exact_number(1e-5), "1e-5");
    }

    #[test]
    fn typographic_numbers_use_the_minus_sign_and_raised_powers() {
        assert_eq!(typographic("-1.5e-7"), "−1.5×10⁻⁷");
        assert_eq!(typographic("-inf"), "−∞");
        assert_eq!(typographic("0.5 ± 0.1"), "0.5 ± 0.1");
    }
}
