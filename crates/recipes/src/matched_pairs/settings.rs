//! How the pairs of a recipe are trained and compared.

use serde::Deserialize;
use toml::Table;

use super::{
    method::{Descent, Method},
    result::PairPlan,
};
use crate::training::{self, Training};

/// An arm's settings beside those of its trainings.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Own {
    /// After how many epochs pairs are compared, ascending; the last ends the training.
    epochs: Vec<usize>,
    /// How pairs are matched; the first is the one that claims are about where they name none.
    methods: Vec<Method>,
    /// Points on a segment.
    points: usize,
    /// How many of the first training examples activations are compared on, statistics re-estimated on and scores taken
    /// on; all where it is not said.
    #[serde(default)]
    scored: Option<usize>,
    /// How a learned matching descends, on all training examples. Only where there is one.
    #[serde(default)]
    learned: Option<Descent>,
    /// Planted recoveries per noise level, in the first network of the first pair.
    #[serde(default)]
    planted_trials: usize,
}

/// An arm's settings.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Settings {
    training: Training,
    own: Own,
}

impl Settings {
    /// Reads them, or says what is wrong with them.
    pub(super) fn of(settings: &Table) -> Result<Self, String> {
        let (training, own) = Training::of(settings)?;
        let settings = Self { training, own: training::own_settings(own)? };
        settings.fault().map_or(Ok(settings), Err)
    }

    pub(super) const fn planted_trials(&self) -> usize {
        self.own.planted_trials
    }

    pub(super) fn methods(&self) -> Vec<String> {
        self.own.methods.iter().map(|method| method.name().to_owned()).collect()
    }

    /// The plan of a pair whose first network has this seed.
    pub(super) fn plan(&self, data: &str, seed: u64) -> PairPlan {
        PairPlan {
            training: self.training.clone(),
            data: data.to_owned(),
            epochs: self.own.epochs.clone(),
            seeds: [seed, seed + 1],
            restarts: 0,
            points: self.own.points,
            methods: self.own.methods.clone(),
            scored: self.own.scored,
            learned: self.descent(),
        }
    }

    /// The settings in a line.
    pub(super) fn line(&self) -> String {
        let Own { epochs, points, scored, .. } = &self.own;
        let epochs = epochs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let scored = scored.map(|count| format!(" and {count} training examples"));
        let learned = self.descent().map(|Descent { epochs, batch, judged, rate }| {
            format!(
                " ({epochs} epochs, batch {batch}, rate {rate}, judged on {judged} training examples held out)"
            )
        });
        format!(
            "{}; compared after {epochs} epochs at {points} points{}; matched by {}{}",
            self.training.line(),
            scored.unwrap_or_default(),
            self.methods().join(", "),
            learned.unwrap_or_default(),
        )
    }

    /// How a learned matching descends, if there is one.
    fn descent(&self) -> Option<Descent> {
        self.own.methods.contains(&Method::Learned).then(|| self.own.learned.unwrap_or_default())
    }

    /// What is impossible about them, if anything is.
    fn fault(&self) -> Option<String> {
        let own = &self.own;
        if own.epochs.is_empty() || own.epochs[0] == 0 || !own.epochs.is_sorted_by(|a, b| a < b) {
            return Some(format!("needs ascending epochs above zero, found {:?}", own.epochs));
        }
        if own.methods.is_empty() {
            return Some("names no method of matching".to_owned());
        }
        if own.points < 3 || own.points.is_multiple_of(2) {
            return Some(format!("needs an odd number of points from 3 up, found {}", own.points));
        }
        if own.scored == Some(0) {
            return Some("scores no training example".to_owned());
        }
        if own.learned.is_some() && self.descent().is_none() {
            return Some("says how to learn a matching, and learns none".to_owned());
        }
        let fault = self.descent().and_then(Descent::fault);
        fault.map(|fault| format!("{fault}, for its learned matching"))
    }
}
