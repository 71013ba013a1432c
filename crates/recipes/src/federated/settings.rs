//! How clients train and are averaged.

use serde::{Deserialize, Serialize};
use toml::Table;

use super::result::FederatedPlan;
use crate::{
    share::Share,
    together::Method,
    training::{self, Training},
};

/// Where the clients begin before the first round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// All at the same weights.
    Common,
    /// Each at weights of its own.
    Different,
}

/// An arm's settings beside those of its trainings.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Own {
    /// How many clients there are.
    clients: usize,
    /// The share of the data that each has; see [`Share`].
    share: String,
    /// How often they are averaged.
    rounds: usize,
    /// Epochs of a client in a round.
    epochs: usize,
    /// Where they begin.
    start: Start,
    /// How they are brought together before they are averaged; each way has rounds of its own. The first is the one that claims are about
    /// where they name none.
    methods: Vec<Method>,
    /// How many of the first examples of the whole training set activations are compared on and scores taken on; all where it is not said.
    #[serde(default)]
    scored: Option<usize>,
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

    pub(super) fn methods(&self) -> Vec<String> {
        self.own.methods.iter().map(|method| method.name().to_owned()).collect()
    }

    /// The plan of the repetition with this first seed.
    pub(super) fn plan(&self, data: &str, seed: u64) -> FederatedPlan {
        let Own { clients, share, rounds, epochs, start, methods, scored } = self.own.clone();
        let (training, data) = (self.training.clone(), data.to_owned());
        FederatedPlan { training, data, share, clients, rounds, epochs, start, seed, methods, scored }
    }

    /// How many seeds a repetition takes: in each round one for each client, and one for the network of all data.
    pub(super) const fn seeds(&self) -> usize {
        self.own.rounds * (self.own.clients + 1)
    }

    /// The settings in a line.
    pub(super) fn line(&self) -> String {
        let Own { clients, share, rounds, epochs, start, .. } = &self.own;
        let start = match start {
            Start::Common => "the same weights",
            Start::Different => "weights of their own",
        };
        format!(
            "{}; {clients} clients with {share}, from {start}; {rounds} rounds of {epochs} epochs; averaged: {}",
            self.training.line(),
            self.methods().join(", ")
        )
    }

    /// What is impossible about them, if anything is.
    fn fault(&self) -> Option<String> {
        let own = &self.own;
        if own.clients < 2 || own.rounds == 0 || own.epochs == 0 {
            return Some("needs at least two clients, a round and an epoch".to_owned());
        }
        if own.methods.is_empty() {
            return Some("names no method of bringing networks together".to_owned());
        }
        if own.scored == Some(0) {
            return Some("scores no training example".to_owned());
        }
        Share(&own.share).fault()
    }
}
