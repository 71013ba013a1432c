//! The number that tells which epoch was the best.

use std::{fmt, str::FromStr};

use models::Loss;
use tensor::names;

use crate::{Record, Score, TrainError, config::Config};

/// A score on one of the sets that a run is evaluated on, as `test.accuracy`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Watched {
    set: String,
    quantity: Quantity,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quantity {
    Loss,
    Accuracy,
}

impl Watched {
    /// The set's score in a record.
    fn score<'a>(&self, record: &'a Record) -> Option<&'a Score> {
        if self.set == Config::TEST { record.test.as_ref() } else { record.sets.get(&self.set) }
    }

    /// The value in a record.
    pub(crate) fn value(&self, record: &Record) -> Option<f64> {
        self.score(record).and_then(|score| match self.quantity {
            Quantity::Loss => Some(score.loss),
            Quantity::Accuracy => score.accuracy,
        })
    }

    /// The value, turned so that more is better.
    fn merit(&self, record: &Record) -> Option<f64> {
        let value = self.value(record)?;
        Some(if self.quantity == Quantity::Loss { -value } else { value })
    }

    /// The epoch with the best score, the first of equals.
    pub(crate) fn best<'a>(&self, records: &'a [Record]) -> Option<&'a Record> {
        let scored = records.iter().filter_map(|record| Some((record, self.merit(record)?)));
        let better =
            |best: (&'a Record, f64), next: (&'a Record, f64)| if next.1 > best.1 { next } else { best };
        scored.reduce(better).map(|(record, _)| record)
    }

    /// How often the score was taken since it was best.
    pub(crate) fn since_best(&self, records: &[Record]) -> usize {
        let Some(best) = self.best(records) else { return 0 };
        records.iter().filter(|record| record.epoch > best.epoch && self.merit(record).is_some()).count()
    }

    /// Fails where there is no such set, or the network has no accuracy: with its own loss.
    pub(crate) fn check(&self, sets: &[&str], loss: Loss) -> Result<(), TrainError> {
        if self.quantity == Quantity::Accuracy && loss == Loss::Own {
            return Err(TrainError::NoAccuracy { watch: self.to_string(), set: self.set.clone() });
        }
        if sets.contains(&self.set.as_str()) {
            return Ok(());
        }
        let suggestion = names::suggestion(&self.set, sets);
        let known = sets.join(", ");
        Err(TrainError::UnknownSet { set: self.set.clone(), suggestion, known })
    }
}

impl FromStr for Watched {
    type Err = TrainError;

    fn from_str(text: &str) -> Result<Self, TrainError> {
        let quantity = |name: &str| match name {
            "loss" => Some(Quantity::Loss),
            "accuracy" => Some(Quantity::Accuracy),
            _ => None,
        };
        let read = text.rsplit_once('.').and_then(|(set, name)| Some((set, quantity(name)?)));
        let (set, quantity) = read.ok_or_else(|| TrainError::Watched { found: text.to_owned() })?;
        Ok(Self { set: set.to_owned(), quantity })
    }
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quantity = match self.quantity {
            Quantity::Loss => "loss",
            Quantity::Accuracy => "accuracy",
        };
        write!(f, "{}.{quantity}", self.set)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Epochs with these test scores (loss, accuracy), some without.
    fn records(scores: &[Option<(f64, f64)>]) -> Vec<Record> {
        let score =
            |(loss, accuracy)| Score { loss, accuracy: Some(accuracy), count: 10, bits_per_byte: None };
        let record = |(index, scored): (usize, &Option<(f64, f64)>)| Record {
            epoch: index + 1,
            step: 0,
            learning_rate: 0.1,
            loss: 1.0,
            train: None,
            test: scored.map(score),
            sets: scored
                .map(score)
                .map(|score| ("shifted".to_owned(), score))
                .into_iter()
                .collect::<BTreeMap<_, _>>(),
            seconds: 0.0,
        };
        scores.iter().enumerate().map(record).collect()
    }

    fn best(watched: &str, records: &[Record]) -> (Option<usize>, usize) {
        let watched: Watched = watched.parse().unwrap();
        (watched.best(records).map(|record| record.epoch), watched.since_best(records))
    }

    #[test]
    fn the_first_of_the_best_epochs_counts() {
        let records =
            records(&[Some((3.0, 0.2)), None, Some((1.0, 0.6)), Some((2.0, 0.6)), None, Some((1.0, 0.5))]);
        assert_eq!(best("test.accuracy", &records), (Some(3), 2));
        assert_eq!(best("shifted.loss", &records), (Some(3), 2));
        assert_eq!(best("test.loss", &records[..2]), (Some(1), 0));
        assert_eq!(best("other.loss", &records), (None, 0));
    }

    #[test]
    fn what_is_no_score_is_refused() {
        for text in ["test", "test.speed", "accuracy", ""] {
            let error = text.parse::<Watched>().unwrap_err().to_string();
            assert!(error.contains("SET.loss or SET.accuracy"), "{error}");
        }
        let watched: Watched = "shifted.noise.loss".parse().unwrap();
        assert_eq!(watched.to_string(), "shifted.noise.loss");
        let error = watched.check(&["test", "shifted.blur"], Loss::Own).unwrap_err().to_string();
        assert!(error.contains("no evaluation set called 'shifted.noise'"), "{error}");
        let watched: Watched = "test.accuracy".parse().unwrap();
        let error = watched.check(&["test"], Loss::Own).unwrap_err().to_string();
        assert!(error.contains("has no accuracy") && error.contains("test.loss"), "{error}");
        watched.check(&["test"], Loss::CrossEntropy).unwrap();
    }
}
