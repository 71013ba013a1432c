//! Round numbers along an axis.

use super::domain::Domain;
use crate::format::superscript;
use crate::schema::Scale;

/// A mark on an axis.
#[derive(Debug, PartialEq)]
pub(super) struct Tick {
    /// Where, in the axis' own coordinate.
    pub(super) at: f64,
    /// What it says; nothing for the small marks between decades.
    pub(super) label: Option<String>,
}

/// The marks of an axis, from low to high among those with a label.
#[derive(Debug, PartialEq)]
pub(super) struct Ticks {
    pub(super) marks: Vec<Tick>,
    /// The power of ten by which the labels are to be multiplied.
    pub(super) power: i32,
}

/// About `target` labelled marks.
pub(super) fn ticks(domain: &Domain, target: u32) -> Ticks {
    match domain.scale {
        Scale::Linear => linear(domain.low, domain.high, target),
        Scale::Log => logarithmic(domain.low, domain.high, target),
    }
}

fn linear(low: f64, high: f64, target: u32) -> Ticks {
    let step = round_step((high - low) / f64::from(target));
    let power = common_power(low.abs().max(high.abs()));
    let unit = power_of_ten(power);
    let decimals = usize::try_from((power - order(step)).clamp(0, 15)).unwrap_or(0);
    let mark = |k: i64| {
        let at = k as f64 * step;
        Tick { at, label: Some(plain(at / unit, decimals)) }
    };
    let (first, last) = ((low / step - 1e-9).ceil() as i64, (high / step + 1e-9).floor() as i64);
    Ticks { marks: (first..=last).map(mark).collect(), power }
}

/// 1, 2 or 5 times a power of ten, whichever is near `raw`.
fn round_step(raw: f64) -> f64 {
    let unit = power_of_ten(order(raw));
    let factor = match raw / unit {
        x if x < 1.5 => 1.0,
        x if x < 3.5 => 2.0,
        x if x < 7.5 => 5.0,
        _ => 10.0,
    };
    factor * unit
}

fn order(x: f64) -> i32 {
    (x.log10() + 1e-9).floor() as i32
}

fn power_of_ten(power: i32) -> f64 {
    10_f64.powi(power)
}

/// Numbers of 10⁶ and more, or all below 10⁻³, are shown as multiples of a power of ten.
fn common_power(magnitude: f64) -> i32 {
    if (1e-3..1e6).contains(&magnitude) { 0 } else { order(magnitude) }
}

fn plain(x: f64, decimals: usize) -> String {
    let digits = format!("{:.*}", decimals, x.abs());
    let zero = !digits.contains(|c: char| ('1'..='9').contains(&c));
    let sign = if x < 0.0 && !zero { "−" } else { "" };
    format!("{sign}{}", grouped(&digits))
}

/// Five and more digits before the point in groups of three, parted by thin spaces.
fn grouped(digits: &str) -> String {
    let whole = digits.find('.').unwrap_or(digits.len());
    if whole < 5 {
        return digits.to_owned();
    }
    let mut out = String::new();
    for (i, c) in digits.char_indices() {
        if i > 0 && i < whole && (whole - i).is_multiple_of(3) {
            out.push('\u{2009}');
        }
        out.push(c);
    }
    out
}

fn logarithmic(low: f64, high: f64, target: u32) -> Ticks {
    let (first, last) = ((low - 1e-9).ceil() as i32, (high + 1e-9).floor() as i32);
    if last > first {
        return Ticks { marks: decades(first, last, low, high, target), power: 0 };
    }
    let fine = multiples(low, high);
    if fine.iter().filter(|mark| mark.label.is_some()).count() >= 3 {
        return Ticks { marks: fine, power: 0 };
    }
    let Ticks { marks, power } = linear(power_of_ten_f(low), power_of_ten_f(high), target);
    let marks = marks
        .into_iter()
        .filter(|mark| mark.at > 0.0)
        .map(|mark| Tick { at: mark.at.log10(), ..mark })
        .collect();
    Ticks { marks, power }
}

fn power_of_ten_f(power: f64) -> f64 {
    10_f64.powf(power)
}

fn decades(first: i32, last: i32, low: f64, high: f64, target: u32) -> Vec<Tick> {
    let count = last.abs_diff(first) + 1;
    let stride = i32::try_from(count.div_ceil(target.max(1))).unwrap_or(i32::MAX);
    let raised = first < -3 || last > 4;
    let label =
        |power: i32| if raised { format!("10{}", superscript(&power.to_string())) } else { small(1, power) };
    let major = |power: i32| Tick { at: f64::from(power), label: Some(label(power)) };
    let mut marks: Vec<Tick> =
        (first..=last).filter(|power| power.rem_euclid(stride) == 0).map(major).collect();
    if stride == 1 && count <= 6 {
        marks.extend(between(first - 1, last, low, high).map(|(at, ..)| Tick { at, label: None }));
    }
    marks
}

/// Every multiple of a power of ten by 2 to 9 in range: its place, factor and power.
fn between(first: i32, last: i32, low: f64, high: f64) -> impl Iterator<Item = (f64, u32, i32)> {
    (first..=last)
        .flat_map(|power| {
            (2..=9).map(move |factor| (f64::from(power) + f64::from(factor).log10(), factor, power))
        })
        .filter(move |(at, ..)| (low - 1e-9..=high + 1e-9).contains(at))
}

/// Marks for about one decade: those at 1, 2 and 5 have labels.
fn multiples(low: f64, high: f64) -> Vec<Tick> {
    let (first, last) = (low.floor() as i32, high.ceil() as i32);
    let ones =
        (first..=last).map(|power| (f64::from(power), 1, power)).filter(|(at, ..)| (low..=high).contains(at));
    let mut marks: Vec<Tick> = ones
        .chain(between(first, last, low, high))
        .map(|(at, factor, power)| Tick {
            at,
            label: [1, 2, 5].contains(&factor).then(|| small(factor, power)),
        })
        .collect();
    marks.sort_by(|a, b| a.at.total_cmp(&b.at));
    marks
}

fn small(factor: u32, power: i32) -> String {
    if !(-3..=4).contains(&power) {
        let raised = format!("10{}", superscript(&power.to_string()));
        return if factor == 1 { raised } else { format!("{factor}×{raised}") };
    }
    let decimals = usize::try_from(-power).unwrap_or(0);
    plain(f64::from(factor) * power_of_ten(power), decimals)
}

#[cfg(test)]
mod tests {
    use super::ticks;
    use crate::figure::domain::Domain;
    use crate::schema::Scale;

    fn labels(scale: Scale, low: f64, high: f64) -> (Vec<String>, i32) {
        let found = ticks(&Domain { scale, low, high }, 5);
        (found.marks.into_iter().filter_map(|mark| mark.label).collect(), found.power)
    }

    #[test]
    fn linear_marks_are_round() {
        assert_eq!(labels(Scale::Linear, 0.0, 1.0).0, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(Scale::Linear, -1.2, 1.3).0, ["−1.0", "−0.5", "0.0", "0.5", "1.0"]);
        assert_eq!(
            labels(Scale::Linear, 0.0, 40_000.0).0,
            ["0", "10\u{2009}000", "20\u{2009}000", "30\u{2009}000", "40\u{2009}000"]
        );
    }

    #[test]
    fn large_and_small_numbers_share_a_power() {
        assert_eq!(
            labels(Scale::Linear, 0.0, 4e-7),
            (["0", "1", "2", "3", "4"].map(String::from).to_vec(), -7)
        );
        assert_eq!(labels(Scale::Linear, 0.0, 2.4e9).1, 9);
    }

    #[test]
    fn decades_are_plain_near_one_and_raised_far_away() {
        assert_eq!(labels(Scale::Log, -2.2, 1.1).0, ["0.01", "0.1", "1", "10"]);
        assert_eq!(labels(Scale::Log, -5.0, -2.0).0, ["10⁻⁵", "10⁻⁴", "10⁻³", "10⁻²"]);
        assert_eq!(labels(Scale::Log, -12.5, 3.0).0, ["10⁻¹²", "10⁻⁸", "10⁻⁴", "10⁰"]);
    }

    #[test]
    fn less_than_a_decade_has_marks_too() {
        assert_eq!(labels(Scale::Log, -0.1, 0.9).0, ["1", "2", "5"]);
        assert_eq!(labels(Scale::Log, 0.35, 0.42).0, ["2.3", "2.4", "2.5", "2.6"]);
    }

    #[test]
    fn extreme_ranges_have_finite_marks_of_moderate_number() {
        let linear = [(-1e300, 1e300), (1e-299, 2e-299), (1e15, 1e15 + 2000.0), (0.1, 0.1 + 1e-11)];
        let logarithmic = [(-300.0, 300.0), (0.1, 0.1 + 1e-8), (-200.0, -200.0 + 1e-8), (299.5, 300.0)];
        let linear = linear.map(|ends| (Scale::Linear, ends));
        for (scale, (low, high)) in linear.into_iter().chain(logarithmic.map(|ends| (Scale::Log, ends))) {
            let found = ticks(&Domain { scale, low, high }, 5);
            let labelled = found.marks.iter().filter(|mark| mark.label.is_some()).count();
            assert!((2..=8).contains(&labelled) && found.marks.len() < 60, "{low} {high} {found:?}");
            assert!(found.marks.iter().all(|mark| mark.at.is_finite()), "{low} {high} {found:?}");
        }
    }
}
