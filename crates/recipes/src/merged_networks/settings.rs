//! How networks are trained and merged.

use serde::Deserialize;
use toml::Table;

use super::result::MergePlan;
use crate::{
    share::Share,
    together::Method,
    training::{self, Training},
};

/// An arm's settings beside those of its trainings.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Own {
    /// How many networks are merged.
    networks: usize,
    /// The share of the data that each is trained on, see [`Share`]; where it is not said, all of them are trained on all data.
    #[serde(default)]
    share: Option<String>,
    /// The epochs of every training.
    epochs: usize,
    /// How they are brought together; the first is the one that claims are about where they name none.
    methods: Vec<Method>,
    /// Points on the segment between two networks; none where there are more, or it is not said.
    #[serde(default)]
    points: usize,
    /// Whether averages are renormalised (REPAIR), too.
    #[serde(default)]
    repair: bool,
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

    /// What claims can name.
    pub(super) fn methods(&self) -> Vec<String> {
        let names = self.own.methods.iter().map(|method| method.name().to_owned());
        let repaired = names.clone().map(|name| name + REPAIRED).filter(|_| self.own.repair);
        names.chain(repaired).collect()
    }

    /// The plan of the networks of which the first has this seed.
    pub(super) fn plan(&self, data: &str, seed: u64) -> MergePlan {
        let Own { networks, share, epochs, methods, points, repair, scored } = &self.own;
        MergePlan {
            training: self.training.clone(),
            data: data.to_owned(),
            share: share.clone(),
            epochs: *epochs,
            seeds: (seed..seed + self.seeds() as u64).collect(),
            networks: *networks,
            methods: methods.clone(),
            points: *points,
            repair: *repair,
            scored: *scored,
        }
    }

    /// How many seeds a repetition takes: one for each network, and where these have shares one for the network of all data.
    pub(super) const fn seeds(&self) -> usize {
        self.own.networks + self.own.share.is_some() as usize
    }

    /// Whether networks have shares of the data.
    pub(super) const fn has_shares(&self) -> bool {
        self.own.share.is_some()
    }

    /// The settings in a line.
    pub(super) fn line(&self) -> String {
        let Own { networks, share, epochs, methods, repair, scored, .. } = &self.own;
        let names = methods.iter().map(|method| method.name()).collect::<Vec<_>>().join(", ");
        let repair = if *repair { ", each with REPAIR, too" } else { "" };
        let share = share.as_ref().map_or("all data".to_owned(), |share| format!("shares {share}"));
        let scored = scored.map(|count| format!("; scored on {count} training examples"));
        format!(
            "{}; {networks} networks of {share}; {epochs} epochs; averaged: {names}{repair}{}",
            self.training.line(),
            scored.unwrap_or_default()
        )
    }

    /// What is impossible about them, if anything is.
    fn fault(&self) -> Option<String> {
        let own = &self.own;
        if own.networks < 2 || own.epochs == 0 {
            return Some("needs at least two networks and an epoch".to_owned());
        }
        if own.methods.is_empty() {
            return Some("names no method of bringing networks together".to_owned());
        }
        if own.points > 0 && own.networks > 2 {
            return Some(format!("has points on a segment, but {} networks", own.networks));
        }
        if own.points > 0 && (own.points < 3 || own.points.is_multiple_of(2)) {
            return Some(format!("needs an odd number of points from 3 up, found {}", own.points));
        }
        if own.scored == Some(0) {
            return Some("scores no training example".to_owned());
        }
        own.share.as_deref().and_then(|share| Share(share).fault())
    }
}

/// What follows the name of a method whose average is renormalised.
pub(super) const REPAIRED: &str = "+repair";
