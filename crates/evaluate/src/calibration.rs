//! How far probabilities can be trusted, and the temperature that makes them so.

use crate::score::{Score, Tally};

/// Bins of confidence: those of Guo et al. 2017 (arXiv:1706.04599, section 2).
pub const BINS: usize = 15;

/// The logits of a network on a data set, with the labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Predictions {
    /// Row by row, one logit for each class.
    logits: Vec<f32>,
    labels: Vec<i32>,
}

/// How a network is calibrated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calibration {
    /// The expected calibration error: the mean over the examples of how far the share of right answers in a bin of confidence is from
    /// the mean confidence there ([`BINS`] of equal width).
    pub error: f64,
    /// The temperatures by which the logits were divided, each found on one half of the examples and used on the other.
    pub temperatures: [f64; 2],
    /// The mean cross-entropy at these temperatures, in nats.
    pub loss: f64,
    /// The expected calibration error at them.
    pub calibrated_error: f64,
}

impl Predictions {
    /// Room for so many examples of so many classes.
    pub(crate) fn with_capacity(examples: usize, classes: usize) -> Self {
        Self { logits: Vec::with_capacity(examples * classes), labels: Vec::with_capacity(examples) }
    }

    pub(crate) fn extend(&mut self, logits: &[f32], labels: &[i32]) {
        self.logits.extend_from_slice(logits);
        self.labels.extend_from_slice(labels);
    }

    /// The number of examples, or of tokens.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// What an ensemble predicts: the mean of its members' probabilities, as logits whose exponentials add up to one.
    ///
    /// # Panics
    /// Where there is no member, or the members predicted other examples or other numbers of classes.
    #[must_use]
    pub fn ensemble(members: &[Self]) -> Self {
        let [first, others @ ..] = members else { panic!("an ensemble has members") };
        let alike = |other: &Self| other.labels == first.labels && other.logits.len() == first.logits.len();
        assert!(others.iter().all(alike), "members predict the same examples");
        let mut predictions =
            Self { logits: Vec::with_capacity(first.logits.len()), labels: first.labels.clone() };
        for example in 0..first.len() {
            let rows: Vec<Vec<f64>> =
                members.iter().map(|member| member.row(example).log_probabilities()).collect();
            let mean = |class: usize| log_mean_exp(rows.iter().map(|row| row[class]));
            predictions.logits.extend((0..rows[0].len()).map(|class| mean(class) as f32));
        }
        predictions
    }

    /// Loss and accuracy, as [`Evaluator::score`](crate::Evaluator::score) tells them of a network, with the expected calibration error.
    #[must_use]
    pub fn score(&self) -> Score {
        let mut tally = Tally::new(true);
        let losses: Vec<f32> =
            (0..self.len()).map(|example| self.row(example).loss(1.0).value as f32).collect();
        tally.add(&losses, &self.logits, &self.labels);
        tally.score()
    }

    /// The calibration, without and with a temperature. A temperature that would be tuned on the examples that it is judged by
    /// flatters, so that of the examples with even numbers is used on those with odd ones, and the other way round. NaN where a logit is not
    /// finite.
    ///
    /// # Panics
    /// Where there are fewer than two examples.
    #[must_use]
    pub fn calibration(&self) -> Calibration {
        assert!(self.len() > 1, "a temperature is found on one half of the examples and used on the other");
        let temperatures = [1, 0].map(|half| self.temperature(half));
        let at = |example: usize| temperatures[example % 2];
        let loss = (0..self.len()).map(|example| self.row(example).loss(at(example).recip()).value);
        Calibration {
            error: self.error(|_| 1.0),
            temperatures,
            loss: loss.sum::<f64>() / self.len() as f64,
            calibrated_error: self.error(at),
        }
    }

    /// The expected calibration error where the logits of an example are divided by its temperature.
    fn error(&self, temperature: impl Fn(usize) -> f64) -> f64 {
        let mut bins = Bins::default();
        for example in 0..self.len() {
            bins.add(&self.row(example), temperature(example).recip());
        }
        bins.error()
    }

    /// The temperature with the least loss on the examples whose numbers are even (0) or odd (1). The loss is convex in its
    /// reciprocal, whose derivative is brought to zero by Newton's method inside of an interval that is halved where a step
    /// leaves it.
    fn temperature(&self, half: usize) -> f64 {
        let slope = |inverse: f64| {
            let rows = (half..self.len()).step_by(2).map(|example| self.row(example).loss(inverse));
            rows.fold((0.0, 0.0), |(slope, curvature), own| (slope + own.slope, curvature + own.curvature))
        };
        let (mut low, mut high) = (HOTTEST.recip(), COLDEST.recip());
        let mut inverse = 1.0;
        for _ in 0..STEPS {
            let (first, second) = slope(inverse);
            if first.is_nan() {
                return f64::NAN;
            }
            (low, high) = if first > 0.0 { (low, inverse) } else { (inverse, high) };
            let step = inverse - first / second;
            let next = if low < step && step < high { step } else { (low * high).sqrt() };
            if (next / inverse - 1.0).abs() < 1e-12 {
                break;
            }
            inverse = next;
        }
        inverse.recip()
    }

    fn row(&self, example: usize) -> Row<'_> {
        let classes = self.logits.len() / self.len();
        Row { logits: &self.logits[example * classes..][..classes], label: self.labels[example] as usize }
    }
}

/// Bounds of temperatures, where all are right or nothing is told apart.
const COLDEST: f64 = 1e-3;
const HOTTEST: f64 = 1e3;

/// Most steps of the search: halvings alone reach the last bit in fewer.
const STEPS: usize = 100;

/// The logits of an example, and its label.
pub(crate) struct Row<'a> {
    pub(crate) logits: &'a [f32],
    pub(crate) label: usize,
}

/// Examples by their confidence.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bins {
    /// Of each bin the sum of the confidences, and how many were right.
    bins: [(f64, f64); BINS],
    count: usize,
    /// Whether a confidence was not a number.
    is_nan: bool,
}

impl Bins {
    /// Counts an example whose logits are multiplied by the reciprocal of a temperature.
    pub(crate) fn add(&mut self, row: &Row<'_>, inverse: f64) {
        let (confidence, class) = row.confidence(inverse);
        self.is_nan |= confidence.is_nan();
        // A confidence of 1 is in the last bin.
        let bin = &mut self.bins[((confidence * BINS as f64) as usize).min(BINS - 1)];
        bin.0 += confidence;
        bin.1 += f64::from(u8::from(class == row.label));
        self.count += 1;
    }

    /// The expected calibration error; NaN where a confidence was.
    pub(crate) fn error(&self) -> f64 {
        let distance = self.bins.iter().map(|(confidence, right)| (confidence - right).abs()).sum::<f64>();
        if self.is_nan { f64::NAN } else { distance / self.count as f64 }
    }
}

/// The logarithm of the mean of exponentials.
fn log_mean_exp(logarithms: impl ExactSizeIterator<Item = f64> + Clone) -> f64 {
    let count = logarithms.len() as f64;
    let largest = logarithms.clone().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    largest + (logarithms.map(|own| (own - largest).exp()).sum::<f64>() / count).ln()
}

/// The cross-entropy of an example, and its derivatives by the reciprocal of the temperature.
struct Loss {
    value: f64,
    slope: f64,
    curvature: f64,
}

impl Row<'_> {
    fn largest(&self) -> f64 {
        self.logits.iter().fold(f64::NEG_INFINITY, |most, &logit| most.max(f64::from(logit)))
    }

    fn loss(&self, inverse: f64) -> Loss {
        let (largest, own) = (self.largest(), f64::from(self.logits[self.label]));
        let (mut sum, mut first, mut second) = (0.0, 0.0, 0.0);
        for &logit in self.logits {
            let below = f64::from(logit) - largest;
            let weight = (below * inverse).exp();
            sum += weight;
            first += weight * below;
            second += weight * below * below;
        }
        let mean = first / sum;
        Loss {
            value: sum.ln() - (own - largest) * inverse,
            slope: mean - (own - largest),
            curvature: second / sum - mean * mean,
        }
    }

    fn log_probabilities(&self) -> Vec<f64> {
        let largest = self.largest();
        let sum: f64 = self.logits.iter().map(|&logit| (f64::from(logit) - largest).exp()).sum();
        self.logits.iter().map(|&logit| f64::from(logit) - largest - sum.ln()).collect()
    }

    /// The largest probability, and the class that has it, the first of equals.
    fn confidence(&self, inverse: f64) -> (f64, usize) {
        let largest = self.largest();
        let sum: f64 = self.logits.iter().map(|&logit| ((f64::from(logit) - largest) * inverse).exp()).sum();
        let class = self.logits.iter().position(|&logit| f64::from(logit) == largest);
        (sum.recip(), class.unwrap_or(usize::MAX))
    }
}

#[cfg(test)]
mod tests {
    use tensor::Key;

    use super::*;

    /// Logits of which the labels are drawn after multiplication by `sharpness`.
    fn drawn(count: usize, sharpness: f64) -> Predictions {
        let key = Key::new(7);
        let mut predictions = Predictions::with_capacity(count, 3);
        for example in 0..count {
            let logits: Vec<f32> =
                (0..3).map(|class| 2.0 * key.normal((3 * example + class) as u64) as f32).collect();
            let weights: Vec<f64> =
                logits.iter().map(|&logit| (f64::from(logit) * sharpness).exp()).collect();
            let mut left = key.child("label").uniform(example as u64) * weights.iter().sum::<f64>();
            let label = weights.iter().position(|weight| {
                left -= weight;
                left < 0.0
            });
            predictions.extend(&logits, &[label.unwrap_or(2) as i32]);
        }
        predictions
    }

    #[test]
    fn the_temperature_that_labels_were_drawn_at_is_found() {
        for temperature in [0.5, 1.0, 3.0] {
            let found = drawn(40_000, 1.0 / temperature).calibration();
            assert!(found.temperatures.iter().all(|own| (own / temperature - 1.0).abs() < 0.03), "{found:?}");
            assert!(found.calibrated_error < 0.012, "{found:?}");
            let was_off = (temperature - 1.0f64).abs() > 0.1;
            assert_eq!(found.error > 0.05, was_off, "{found:?}");
        }
    }

    #[test]
    fn the_temperature_has_the_least_loss() {
        let predictions = drawn(500, 0.4);
        let temperature = predictions.temperature(1);
        let loss = |temperature: f64| -> f64 {
            (1..500).step_by(2).map(|example| predictions.row(example).loss(temperature.recip()).value).sum()
        };
        assert!(
            loss(temperature) < loss(temperature * 1.001) && loss(temperature) < loss(temperature * 0.999)
        );
        let (row, step) = (predictions.row(3), 1e-5);
        let slope = (row.loss(0.7 + step).value - row.loss(0.7 - step).value) / (2.0 * step);
        let curvature = (row.loss(0.7 + step).slope - row.loss(0.7 - step).slope) / (2.0 * step);
        assert!(
            (slope - row.loss(0.7).slope).abs() < 1e-8 && (curvature - row.loss(0.7).curvature).abs() < 1e-8
        );
    }

    #[test]
    fn errors_are_those_of_the_definition() {
        // Confidences 0.731 and 0.731 with one right of two, and 0.982 which is right.
        let mut predictions = Predictions::with_capacity(3, 2);
        predictions.extend(&[0.0, 1.0, 1.0, 0.0, 4.0, 0.0], &[1, 1, 0]);
        let [half, sure] = [1.0f64, 4.0].map(|logit| 1.0 / (1.0 + (-logit).exp()));
        let expected = ((2.0 * half - 1.0).abs() + (sure - 1.0).abs()) / 3.0;
        assert!((predictions.error(|_| 1.0) - expected).abs() < 1e-12);
    }

    #[test]
    fn an_ensemble_is_the_mean_of_probabilities() {
        let of = |logits: &[f32]| {
            let mut predictions = Predictions::with_capacity(2, 2);
            predictions.extend(logits, &[0, 1]);
            predictions
        };
        // Probabilities of the first class: 0.5 and 0.8 of the first example, 0 to 30 digits and 0.2 of the second.
        let a = of(&[0.0, 0.0, -70.0, 0.0]);
        let b = of(&[4f32.ln(), 0.0, 0.0, 4f32.ln()]);
        let together = Predictions::ensemble(&[a.clone(), b.clone()]).score();
        assert!((together.loss + (0.65f64.ln() + 0.9f64.ln()) / 2.0).abs() < 1e-7, "{together:?}");
        assert_eq!((together.accuracy, together.count), (Some(1.0), 2));
        assert!((together.calibration_error.unwrap() - (0.35 + 0.1) / 2.0).abs() < 1e-7, "{together:?}");
        // Shifted logits are the same probabilities, and an ensemble of one is itself.
        let shifted = of(&[100.0, 100.0, -40.0, 30.0]);
        assert!((Predictions::ensemble(&[shifted, b]).score().loss - together.loss).abs() < 1e-6);
        assert!((Predictions::ensemble(std::slice::from_ref(&a)).score().loss - a.score().loss).abs() < 1e-7);
    }

    #[test]
    fn what_is_always_right_or_not_finite_does_no_harm() {
        let mut right = Predictions::with_capacity(4, 2);
        right.extend(&[5.0, 0.0, 5.0, 0.0, 5.0, 0.0, 5.0, 0.0], &[0, 0, 0, 0]);
        let found = right.calibration();
        assert!(
            found.temperatures.iter().all(|own| (0.9e-3..0.1).contains(own)) && found.loss < 1e-6,
            "{found:?}"
        );
        let mut nan = Predictions::with_capacity(2, 2);
        nan.extend(&[f32::NAN, 0.0, 1.0, 0.0], &[0, 0]);
        assert!(nan.calibration().error.is_nan() && nan.calibration().temperatures[1].is_nan());
    }
}
