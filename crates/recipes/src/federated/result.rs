//! What federated rounds found, as it is stored between runs.

use serde::{Deserialize, Serialize};

use super::settings::Start;
use crate::{
    result::{Epoch, Score, Symmetry},
    scored::Scored,
    together::Method,
    training::Training,
};

/// Everything that determines a result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FederatedPlan {
    /// How clients train in a round; optimiser and schedule begin anew in each.
    #[serde(flatten)]
    pub training: Training,
    /// The whole data set.
    pub data: String,
    /// The share of a client.
    pub share: String,
    /// The number of clients.
    pub clients: usize,
    /// The number of rounds.
    pub rounds: usize,
    /// Epochs of a client in a round.
    pub epochs: usize,
    /// Where the clients begin.
    pub start: Start,
    /// The first seed.
    pub seed: u64,
    /// How clients are brought together; each way has rounds of its own.
    pub methods: Vec<Method>,
    /// How many training examples are scored; all where it is not said.
    pub scored: Option<usize>,
}

/// A round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Round {
    /// The clients' scores on the test set before they are averaged.
    pub clients: Vec<Score>,
    /// The average.
    pub global: Scored,
    /// The root mean square of the distances of the clients' weights to their mean, before and after they are brought together.
    pub distances: [f64; 2],
}

/// The rounds of one way of bringing clients together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trajectory {
    /// What was asked for.
    pub plan: FederatedPlan,
    /// The way; none of the control, random permutations.
    pub method: Option<Method>,
    /// The rounds that are done.
    pub rounds: Vec<Round>,
}

/// The result of one repetition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FederatedResult {
    /// What was asked for.
    pub plan: FederatedPlan,
    /// The examples of each client.
    pub examples: Vec<usize>,
    /// The network trained on all data for as many epochs.
    pub joint: Scored,
    /// Its training.
    pub history: Vec<Epoch>,
    /// The symmetry of the architecture.
    pub symmetry: Symmetry,
    /// By each of the plan's methods.
    pub trajectories: Vec<Trajectory>,
    /// The control: clients but the first are moved by random permutations before they are averaged.
    pub random: Trajectory,
}

impl Trajectory {
    /// The name of the way.
    #[must_use]
    pub fn name(&self) -> &'static str {
        name(self.method)
    }
}

/// The name of a way of bringing clients together.
pub(super) fn name(method: Option<Method>) -> &'static str {
    method.map_or("random permutations (control)", Method::name)
}

impl FederatedResult {
    /// The rounds by a method; by the first where none is named.
    #[must_use]
    pub fn by(&self, method: Option<&str>) -> Option<&Trajectory> {
        self.trajectories.iter().find(|own| method.is_none_or(|name| own.name() == name))
    }
}
