//! How the networks of a recipe are trained and compared.

use serde::Deserialize;
use toml::Table;

use crate::method::{Descent, Method};

/// How networks are trained and compared; texts as on the command line of `isoloss train`. A recipe states it as a table, and
/// a scale, its stand-in and an arm replace what they name.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// The architecture.
    pub model: String,
    /// The optimiser.
    pub optimizer: String,
    /// The learning-rate schedule.
    pub schedule: String,
    /// The initialisation.
    pub init: String,
    /// Examples per step.
    pub batch: usize,
    /// The bound of the gradients' norm, if there is one.
    #[serde(default)]
    pub clip_norm: Option<f64>,
    /// After how many epochs pairs are compared, ascending; the last ends the training.
    pub epochs: Vec<usize>,
    /// How pairs are matched; the first is the one that claims are about where they name none.
    pub methods: Vec<Method>,
    /// Points on a segment.
    pub points: usize,
    /// How many of the first training examples activations are compared on, statistics re-estimated on and scores taken
    /// on; all where it is not said.
    #[serde(default)]
    pub scored: Option<usize>,
    /// How a learned matching descends, on all training examples. Only where there is one.
    #[serde(default)]
    pub learned: Option<Descent>,
}

/// A variation of the training within a recipe: another width, another architecture.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arm {
    /// The name, also of its folder.
    pub name: String,
    /// What is replaced in the training.
    pub training: Table,
}

impl Arm {
    /// The only arm of a recipe that names none.
    pub(super) fn only() -> Self {
        Self { name: "networks".to_owned(), training: Table::new() }
    }
}

impl Training {
    /// The training that these tables give together, a later one replacing what earlier ones say.
    pub(super) fn of<'a>(tables: impl IntoIterator<Item = &'a Table>) -> Result<Self, toml::de::Error> {
        let mut all = Table::new();
        for table in tables {
            all.extend(table.clone());
        }
        all.try_into()
    }

    /// How a learned matching descends, if there is one.
    pub(crate) fn descent(&self) -> Option<Descent> {
        self.methods.contains(&Method::Learned).then(|| self.learned.unwrap_or_default())
    }

    /// What is impossible about it, if anything is.
    pub(super) fn fault(&self) -> Option<String> {
        if self.epochs.is_empty() || self.epochs[0] == 0 || !self.epochs.is_sorted_by(|a, b| a < b) {
            return Some(format!("needs ascending epochs above zero, found {:?}", self.epochs));
        }
        if self.methods.is_empty() {
            return Some("names no method of matching".to_owned());
        }
        if self.points < 3 || self.points.is_multiple_of(2) {
            return Some(format!("needs an odd number of points from 3 up, found {}", self.points));
        }
        if self.scored == Some(0) {
            return Some("scores no training example".to_owned());
        }
        if self.learned.is_some() && self.descent().is_none() {
            return Some("says how to learn a matching, and learns none".to_owned());
        }
        let fault = self.descent().and_then(Descent::fault);
        fault.map(|fault| format!("{fault}, for its learned matching"))
    }
}
