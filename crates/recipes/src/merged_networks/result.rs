//! What merging networks found, as it is stored between runs.

use serde::{Deserialize, Serialize};

use super::settings::REPAIRED;
use crate::{
    result::{Curve, Epoch, Splits, Symmetry},
    scored::Scored,
    together::Method,
    training::Training,
};

/// Everything that determines a result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MergePlan {
    /// How the networks are trained.
    #[serde(flatten)]
    pub training: Training,
    /// The whole data set.
    pub data: String,
    /// The share of a network; none where each is trained on all data.
    pub share: Option<String>,
    /// How many networks are merged.
    pub networks: usize,
    /// The epochs of each training.
    pub epochs: usize,
    /// The seeds of the networks, and where they have shares that of the network of all data.
    pub seeds: Vec<u64>,
    /// How they are brought together.
    pub methods: Vec<Method>,
    /// Points on the segment between two networks; none where it is not measured.
    pub points: usize,
    /// Whether averages are renormalised, too.
    pub repair: bool,
    /// How many training examples are scored; all where it is not said.
    pub scored: Option<usize>,
}

/// What came of one way of bringing networks together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Merged {
    /// The way; none of the control, random permutations.
    pub method: Option<Method>,
    /// The root mean square of the distances to the mean, before and after.
    pub distances: [f64; 2],
    /// How long it took.
    pub seconds: f64,
    /// The average.
    pub average: Scored,
    /// The average with its units renormalised, where that was asked for.
    pub repaired: Option<Scored>,
    /// The segment between two networks, where that was asked for.
    pub segment: Option<Splits<Curve>>,
}

/// The result of one repetition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MergeResult {
    /// What was asked for.
    pub plan: MergePlan,
    /// How many examples each was trained on, in the order of the seeds.
    pub examples: Vec<usize>,
    /// The networks.
    pub parents: Vec<Scored>,
    /// Their ensemble: the mean of their probabilities.
    pub ensemble: Scored,
    /// The network that was trained on all data, where the others were not.
    pub joint: Option<Scored>,
    /// The trainings, in the order of the seeds.
    pub histories: Vec<Vec<Epoch>>,
    /// The symmetry of the architecture.
    pub symmetry: Symmetry,
    /// By each of the plan's methods.
    pub merged: Vec<Merged>,
    /// The control: each network but the first moved by a random permutation.
    pub random: Merged,
}

impl MergeResult {
    /// What came of a method by name, with or without renormalisation; of the first where none is named.
    #[must_use]
    pub fn by(&self, method: Option<&str>) -> Option<&Scored> {
        let Some(name) = method else { return self.merged.first().map(|merged| &merged.average) };
        let of = |name: &str| self.merged.iter().find(|own| own.name() == name);
        match name.strip_suffix(REPAIRED) {
            Some(name) => of(name)?.repaired.as_ref(),
            None => of(name).map(|merged| &merged.average),
        }
    }

    /// The control of such a method.
    #[must_use]
    pub fn control(&self, method: Option<&str>) -> Option<&Scored> {
        match method.is_some_and(|name| name.ends_with(REPAIRED)) {
            true => self.random.repaired.as_ref(),
            false => Some(&self.random.average),
        }
    }
}

impl Merged {
    /// The name of the way.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.method.map_or("random permutations (control)", Method::name)
    }
}
