//! Whether independent trainings take the same course.

use crate::result::Epoch;

/// How far two training curves are apart: the largest difference of the losses of equally late epochs, as a share of the
/// range of all of them. The second curve is read `delay` epochs late; NaN where fewer than two epochs are left.
///
/// Losses are means over an epoch's batches. Ours: Git Re-Basin (section 5) speaks of loss curves that coincide without a
/// measure; a largest difference finds any epoch at which they do not.
#[must_use]
pub fn distance([first, second]: [&[Epoch]; 2], delay: usize) -> f64 {
    let late = &second[delay.min(second.len())..];
    let pairs: Vec<[f64; 2]> = first.iter().zip(late).map(|(a, b)| [a.batch_loss, b.batch_loss]).collect();
    if pairs.len() < 2 {
        return f64::NAN;
    }
    let losses = || pairs.iter().flatten().copied();
    let range = losses().fold(f64::NEG_INFINITY, f64::max) - losses().fold(f64::INFINITY, f64::min);
    let largest = pairs.iter().map(|[a, b]| (a - b).abs()).fold(0.0, f64::max);
    largest / range
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(losses: &[f64]) -> Vec<Epoch> {
        let epochs = losses.iter().enumerate();
        epochs.map(|(done, &batch_loss)| Epoch { epoch: done + 1, batch_loss, test: None }).collect()
    }

    #[test]
    fn equal_curves_coincide_and_late_ones_do_not() {
        let [a, b] = [curve(&[2.0, 1.0, 0.5, 0.0]), curve(&[2.0, 1.1, 0.5, 0.0])];
        assert_eq!(distance([&a, &a], 0), 0.0);
        assert!((distance([&a, &b], 0) - 0.05).abs() < 1e-12);
        assert!((distance([&a, &a], 1) - 0.5).abs() < 1e-12, "2.0 against 1.0 of a range of 2");
    }

    #[test]
    fn a_single_epoch_has_no_curve() {
        let a = curve(&[1.0]);
        assert!(distance([&a, &a], 0).is_nan());
    }
}
