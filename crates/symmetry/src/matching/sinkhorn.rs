//! Matching by descent on soft permutations.

mod balance;
pub(super) mod graphs;

use data::{Dataset, epoch_order};
use evaluate::fit;
use graph::{Argument, Donation, Executable, Executor};
use models::{Model, Params};
use optim::Optimizer;
use tensor::{DType, Key, Tensor};

use super::{
    Improvement,
    improvement::Improvements,
    midpoint::{Judge, check_layouts, trained},
    problem::Problem,
};
use crate::{Element, Group, SymmetryError, assignment};
use balance::Balanced;
pub use balance::TOLERANCE;
pub(super) use balance::potentials;

/// A distance between the trained parameters of two networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distance {
    /// The sum of the squared differences over all parameters, divided by their number of elements.
    Squared,
    /// The mean over the parameters of one less the cosine between the two. It counts small parameters as much as large ones.
    Cosine,
}

/// What is made small.
#[derive(Clone, Copy, Debug)]
pub enum Objective<'a> {
    /// A distance of the weights, without data.
    Weights(Distance),
    /// The loss on a data set halfway between the networks. Elements are compared by it.
    Midpoint(&'a Dataset),
    /// The loss on a data set at a place between the networks that is drawn anew, uniformly, for each batch. Elements are
    /// compared by the loss halfway.
    AnyPlace(&'a Dataset),
}

impl<'a> Objective<'a> {
    const fn data(self) -> Option<&'a Dataset> {
        match self {
            Self::Weights(_) => None,
            Self::Midpoint(data) | Self::AnyPlace(data) => Some(data),
        }
    }
}

/// How to search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// The temperature of Sinkhorn's normalisation, above 0. The published code has 1.
    pub temperature: f64,
    /// Passes over the data, or steps without any. The published examples have 20 passes; and 50 steps, for layers of some ten
    /// units. Ours without data: 500, as layers of 512 units need that many.
    pub rounds: usize,
    /// Examples of a step; all, where there are fewer. The published examples have 1000.
    pub batch: usize,
    /// About how many examples elements are compared by, in whole batches. Ours: 5000, as [`super::straight_through`] has it.
    pub judged: usize,
    /// Draws the order of the examples, those that elements are compared by, and places between the networks.
    pub key: Key,
}

impl Options {
    /// The settings for an objective; see the fields for which are published.
    #[must_use]
    pub const fn new(objective: Objective<'_>) -> Self {
        let rounds = if objective.data().is_some() { 20 } else { 500 };
        Self { temperature: 1.0, rounds, batch: 1000, judged: 5000, key: Key::new(0) }
    }
}

/// What moves the matrices, as in the published examples.
const OPTIMIZER: &str = "adamw:lr=0.1";

/// The result of [`sinkhorn`].
#[derive(Clone, Debug, PartialEq)]
pub struct SoftMatching {
    /// The element with the least objective.
    pub element: Element,
    /// The elements that were better than all before, with their distances of the weights or losses halfway; the first is the
    /// identity, the last the result.
    pub improvements: Vec<Improvement>,
    /// The number of steps.
    pub steps: usize,
    /// What the last step made small, of soft permutations.
    pub soft_objective: f64,
    /// By how much the sum of a row of a soft permutation differed from 1 at most; see [`TOLERANCE`]. More where large
    /// differences in X ask for more rounds than a step has.
    pub deviation: f64,
}

/// The permutation `g` of `group` that a descent on soft permutations finds: Sinkhorn re-basin (Guerrero Peña et al. 2022,
/// arXiv:2212.12042).
///
/// Each generator has a matrix X, the identity at first. Sinkhorn's normalisation of `exp(X/τ)`, in logarithms, makes a doubly
/// stochastic matrix of it, and these move `b` as permutations do, as mixtures of slots. The objective is differentiated
/// through the moved parameters by the graph, and through the normalisation by a linear solve at its fixed point; AdamW at
/// rate 0.1 moves X. The most likely permutation of each X, an assignment, hardens it. The published examples take the last
/// one; here the best by the objective counts, looked at after each step without data and after each pass with data, so that the
/// result is never worse than the identity.
///
/// A step costs products of `n × n` matrices with all parameters of a generator of `n` slots. Batch normalisation uses the
/// moments of batches. After each step `progress` is told how many of how many are done, and the least objective so far. Equal inputs
/// give equal bits, whatever the number of threads, if the executor's do.
///
/// # Errors
/// Where `rounds` or `batch` is 0, the temperature is not positive and finite, the parameters are not the model's, not
/// `f32` or not finite, the data do not suit the model, or the executor refuses a graph.
pub fn sinkhorn(
    executor: &dyn Executor,
    group: &Group,
    model: &Model,
    [a, b]: [&Params; 2],
    objective: Objective<'_>,
    options: &Options,
    progress: &mut dyn FnMut(usize, usize, f64),
) -> Result<SoftMatching, SymmetryError> {
    for (count, what) in [(options.rounds, "rounds of a matching"), (options.batch, "examples of a batch")] {
        if count == 0 {
            return Err(SymmetryError::Zero { what });
        }
    }
    if !(options.temperature.is_finite() && options.temperature > 0.0) {
        return Err(SymmetryError::OutOfRange { what: "temperature above 0", found: options.temperature });
    }
    let permuting = group.permutations();
    check_layouts(model, [a, b])?;
    Problem::new(&permuting, a, b)?;
    let data = objective.data().map(|data| fit(model, data)).transpose()?;
    let batch = data.as_ref().map_or(0, |data| options.batch.min(data.len()));
    let options = Options { batch, ..*options };
    let mut search = Search::new(executor, &permuting, model, [a, b], objective, data.as_ref(), &options)?;
    let per_round = data.as_ref().map_or(1, |data| data.len() / batch);
    let steps = options.rounds * per_round;
    search.judge(0)?;
    for round in 0..options.rounds {
        let order = data.as_ref().map(|data| epoch_order(options.key.child("order"), round, data.len()));
        for at in 0..per_round {
            let step = round * per_round + at + 1;
            let examples = data.as_ref().zip(order.as_ref());
            let examples = examples.map(|(data, order)| data.gather(&order[at * batch..][..batch]));
            search.descend(step as u64, examples.as_ref())?;
            progress(step, steps, search.improvements.best());
        }
        search.judge((round + 1) * per_round)?;
    }
    Ok(SoftMatching {
        element: group.element(group.with_idle(search.best_permutations))?,
        improvements: search.improvements.into_list(),
        steps,
        soft_objective: search.soft_objective,
        deviation: search.deviation,
    })
}

/// What tells how good an element is.
enum Judged {
    Distance(Box<dyn Executable>),
    Loss(Judge),
}

/// Where the search is.
struct Search<'a> {
    group: &'a Group,
    model: &'a Model,
    ends: [&'a Params; 2],
    objective: Objective<'a>,
    options: &'a Options,
    optimizer: Optimizer,
    judged: Judged,
    gradient: Box<dyn Executable>,
    update: Box<dyn Executable>,
    /// The matrix of each generator, then the optimiser's slots.
    state: Vec<Tensor>,
    /// For each generator, where the normalisation begins.
    columns: Vec<Vec<f64>>,
    permutations: Vec<Vec<u32>>,
    best_permutations: Vec<Vec<u32>>,
    improvements: Improvements,
    soft_objective: f64,
    deviation: f64,
}

impl<'a> Search<'a> {
    fn new(
        executor: &dyn Executor,
        group: &'a Group,
        model: &'a Model,
        ends: [&'a Params; 2],
        objective: Objective<'a>,
        data: Option<&Dataset>,
        options: &'a Options,
    ) -> Result<Self, SymmetryError> {
        let optimizer: Optimizer = OPTIMIZER.parse().expect("the published optimiser is one");
        let sizes: Vec<usize> = group.generators().iter().map(|generator| generator.size).collect();
        let (graph, judged) = match (objective, data) {
            (Objective::Weights(distance), _) => {
                let graph = graphs::distance(group, model, distance, DType::F32);
                let judged = Judged::Distance(executor.compile(&graph, &[])?);
                (graph, judged)
            }
            (Objective::Midpoint(_) | Objective::AnyPlace(_), data) => {
                let data = data.unwrap_or_else(|| unreachable!("these objectives have data"));
                let (batch, key) = (options.batch, options.key.child("judged"));
                let judge = Judge::new(executor, model, data, batch, options.judged, key)?;
                (graphs::loss(group, model, batch, DType::F32), Judged::Loss(judge))
            }
        };
        let wrt: Vec<usize> = (0..sizes.len()).collect();
        let gradient = executor.compile(&transform::value_and_grad(&graph, 0, &wrt), &[])?;
        let slots = optimizer.slots().iter().flat_map(|_| sizes.iter());
        let slots = slots.map(|&n| Tensor::full([n, n], optimizer.start()));
        let state: Vec<Tensor> = sizes.iter().map(|&n| identity(n)).chain(slots).collect();
        let update =
            executor.compile(&graphs::update(&sizes, &optimizer), &Donation::in_order(state.len()))?;
        let still = group.identity().permutations().to_vec();
        Ok(Self {
            columns: sizes.iter().map(|&n| vec![0.0; n]).collect(),
            permutations: still.clone(),
            best_permutations: still,
            improvements: Improvements::default(),
            soft_objective: f64::NAN,
            deviation: 0.0,
            group,
            model,
            ends,
            objective,
            options,
            optimizer,
            judged,
            gradient,
            update,
            state,
        })
    }

    /// One step of all matrices, on these examples where the objective has data.
    fn descend(&mut self, step: u64, examples: Option<&(Tensor, Tensor)>) -> Result<(), SymmetryError> {
        let (count, temperature) = (self.columns.len(), self.options.temperature);
        let balanced: Vec<Balanced> = (0..count)
            .map(|k| {
                let columns = std::mem::take(&mut self.columns[k]);
                Balanced::new(&self.state[k].to_f64_vec(), temperature, columns)
            })
            .collect();
        let soft: Vec<Tensor> = balanced
            .iter()
            .map(|soft| Tensor::from_fn([soft.n, soft.n], |at| soft.entries[at] as f32))
            .collect();
        let place = Tensor::scalar(self.place(step) as f32);
        let data: Vec<&Tensor> = examples.iter().flat_map(|(x, labels)| [&place, x, labels]).collect();
        let [a, b] = self.ends.map(|params| trained(self.model, params));
        let arguments = soft.iter().chain(a).chain(b).chain(data);
        let results = self.gradient.run(arguments.map(Argument::Borrowed).collect())?;
        self.soft_objective = results[0].to_f64_vec()[0];
        let gradients: Vec<Tensor> = balanced
            .iter()
            .zip(&results[1..])
            .map(|(soft, by_entries)| {
                let pulled = soft.pull_back(&by_entries.to_f64_vec(), temperature);
                Tensor::from_fn([soft.n, soft.n], |at| pulled[at])
            })
            .collect();
        for (k, soft) in balanced.into_iter().enumerate() {
            self.deviation = self.deviation.max(soft.deviation);
            self.columns[k] = soft.into_columns();
        }
        let hyper = self.optimizer.hyper(step, self.optimizer.rate());
        let scalars: Vec<Tensor> = hyper.into_iter().map(Tensor::scalar).collect();
        let state = std::mem::take(&mut self.state).into_iter().map(Argument::Donated);
        let rest = scalars.iter().chain(&gradients).map(Argument::Borrowed);
        self.state = self.update.run(state.chain(rest).collect())?;
        Ok(())
    }

    /// The place between the networks at which a step looks.
    fn place(&self, step: u64) -> f64 {
        match self.objective {
            Objective::Weights(_) | Objective::Midpoint(_) => 0.5,
            Objective::AnyPlace(_) => self.options.key.child("place").uniform(step),
        }
    }

    /// Hardens the matrices, and keeps the element if it is better than all before.
    fn judge(&mut self, step: usize) -> Result<(), SymmetryError> {
        let hardened = self.harden()?;
        if step > 0 && hardened == self.permutations {
            return Ok(());
        }
        self.permutations = hardened;
        let objective = self.value()?;
        if self.improvements.offer(step, objective) {
            self.best_permutations.clone_from(&self.permutations);
        }
        Ok(())
    }

    /// The most likely permutation of each matrix.
    fn harden(&self) -> Result<Vec<Vec<u32>>, SymmetryError> {
        let generators = self.group.generators().iter().zip(&self.state);
        generators
            .map(|(generator, matrix)| {
                let gains: Vec<f32> = matrix.to_f64_vec().into_iter().map(|x| x as f32).collect();
                let failed = |source| SymmetryError::Assignment { generator: generator.name.clone(), source };
                let best = assignment::maximise(&gains, generator.size, None).map_err(failed)?;
                Ok(best.row_to_col)
            })
            .collect()
    }

    /// The objective of the hardened permutations.
    fn value(&mut self) -> Result<f64, SymmetryError> {
        let [a, b] = self.ends;
        match &mut self.judged {
            Judged::Distance(executable) => {
                let hard: Vec<Tensor> = self.permutations.iter().map(|own| matrix(own)).collect();
                let [a, b] = [a, b].map(|params| trained(self.model, params));
                let arguments = hard.iter().chain(a).chain(b).map(Argument::Borrowed);
                Ok(executable.run(arguments.collect())?[0].to_f64_vec()[0])
            }
            Judged::Loss(judge) => {
                let moved = self.group.act(&self.group.element(self.permutations.clone())?, b)?;
                judge.midpoint(&trained(self.model, a), &trained(self.model, &moved))
            }
        }
    }
}

fn identity(n: usize) -> Tensor {
    Tensor::from_fn([n, n], |at| if at / n == at % n { 1.0 } else { 0.0 })
}

/// A permutation as a matrix: row `s` has its 1 in column `p[s]`.
fn matrix(permutation: &[u32]) -> Tensor {
    let n = permutation.len();
    Tensor::from_fn([n, n], |at| if permutation[at / n] as usize == at % n { 1.0f32 } else { 0.0 })
}

#[cfg(test)]
mod tests;
