//! What an experiment on a pair of networks found, as it is stored between runs.

use serde::{Deserialize, Serialize};

use super::method::{Descent, Method};
use crate::{
    result::{Curve, Epoch, Score, Splits, Symmetry},
    training::Training,
};

/// Everything that determines a pair's result. Texts as on the command line of `isoloss train`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairPlan {
    /// How the networks are trained.
    #[serde(flatten)]
    pub training: Training,
    /// The data set.
    pub data: String,
    /// After how many epochs the networks are compared, ascending and at least one; the last ends the training.
    pub epochs: Vec<usize>,
    /// The seeds of the two networks.
    pub seeds: [u64; 2],
    /// Further starts of the matching after the first.
    pub restarts: usize,
    /// Points on the segment.
    pub points: usize,
    /// How the second network is matched to the first: at least one way.
    pub methods: Vec<Method>,
    /// How many of the first training examples networks are compared on; all where it is not said.
    pub scored: Option<usize>,
    /// How a learned matching descends; none where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learned: Option<Descent>,
}

impl PairPlan {
    /// The epochs of training.
    ///
    /// # Panics
    /// Never: a plan has epochs.
    #[must_use]
    pub fn last_epoch(&self) -> usize {
        self.epochs[self.epochs.len() - 1]
    }
}

/// How a matching went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Match {
    /// The inner product of the weights before matching.
    pub identity_objective: f64,
    /// The inner product of the weights after matching.
    pub objective: f64,
    /// The norms of both networks' weights.
    pub norms: [f64; 2],
    /// The objective after each solved class of the best start.
    pub trajectory: Vec<f64>,
    /// Sweeps over all classes.
    pub sweeps: usize,
    /// The largest duality gap of the last assignments, relative to their objectives; none where matrices are sought, too.
    pub worst_gap: Option<f64>,
    /// What a descent on the loss made of it, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub descended: Option<Descended>,
    /// Seconds, all starts together; of a descent that was interrupted, those of the last part.
    pub seconds: f64,
}

/// A descent on the loss between two networks. Losses are means halfway, on training examples that are held out of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Descended {
    /// The number of steps.
    pub steps: usize,
    /// The loss where it began.
    pub start_loss: f64,
    /// The least loss, that of the result.
    pub loss: f64,
}

impl Match {
    /// The distance of the two networks for an inner product of their weights.
    #[must_use]
    pub fn distance(&self, objective: f64) -> f64 {
        let [a, b] = self.norms;
        (a * a + b * b - 2.0 * objective).max(0.0).sqrt()
    }
}

/// A matching with the segment to what it made of the second network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Aligned {
    /// The method.
    pub method: Method,
    /// How the matching of the second network to the first went.
    pub matching: Match,
    /// The segment to the matched network.
    pub segment: Splits<Curve>,
}

/// The result of one pair after some epochs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairResult {
    /// What was asked for.
    pub plan: PairPlan,
    /// After how many epochs.
    pub epoch: usize,
    /// The scores of the two networks.
    pub parents: [Splits<Score>; 2],
    /// Their training, to its end.
    pub history: [Vec<Epoch>; 2],
    /// The symmetry of the architecture.
    pub symmetry: Symmetry,
    /// The segment without alignment.
    pub naive: Splits<Curve>,
    /// The second network matched to the first, by each of the plan's methods.
    pub aligned: Vec<Aligned>,
    /// The control: the segment to the second network moved by a random element.
    pub random: Splits<Curve>,
}

impl PairResult {
    /// What came of the plan's first method.
    ///
    /// # Panics
    /// Never: a plan has methods.
    #[must_use]
    pub fn first(&self) -> &Aligned {
        &self.aligned[0]
    }

    /// What came of a method by name, if the plan has it; of the first where none is named.
    #[must_use]
    pub fn by(&self, method: Option<&str>) -> Option<&Aligned> {
        self.aligned.iter().find(|aligned| method.is_none_or(|name| aligned.method.name() == name))
    }
}

/// Planted permutations at one noise level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlantedResult {
    /// The noise, in standard deviations of each parameter's elements.
    pub noise: f64,
    /// How many were planted.
    pub trials: usize,
    /// How many the matching recovered: its objective reached the planted element's.
    pub recovered: usize,
    /// The control: how many a random element in its place recovered.
    pub recovered_by_chance: usize,
    /// The smallest difference of the found and the planted objective, relative to the planted.
    pub worst_excess: f64,
}
