//! Matching by the loss between two networks, with a straight-through estimator of its gradient.

use data::{Dataset, epoch_order};
use evaluate::fit;
use graph::{Argument, Builder, Donation, Executable, Executor, Graph, Ty, Val};
use models::{Model, Params};
use optim::{Optimizer, Update};
use tensor::{DType, Key, Tensor};

use super::{
    Improvement,
    ascent::{Ascent, Start},
    improvement::Improvements,
    midpoint::{Judge, check_layouts, loss_between, trained},
    problem::Problem,
};
use crate::{Element, Group, SymmetryError};

/// How to search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Passes over the data. The published code has 250.
    pub epochs: usize,
    /// Examples of a step; all, where there are fewer. The published code has 1000, for VGG 500. What is left at the end of a pass
    /// is left out.
    pub batch: usize,
    /// About how many examples the elements that are found are compared by, in whole batches. Ours: 5000, a few times the
    /// batch, so that a lucky batch does not decide.
    pub judged: usize,
    /// Draws the order of the examples, those that elements are compared by, and the order of the generators.
    pub key: Key,
    /// Sweeps of each weight matching at most; at least 1. The published code has 100.
    pub max_sweeps: usize,
}

/// The published settings; see the fields.
impl Default for Options {
    fn default() -> Self {
        Self { epochs: 250, batch: 1000, judged: 5000, key: Key::new(0), max_sweeps: 100 }
    }
}

/// What moves the latent parameters, as in the published code.
const OPTIMIZER: &str = "sgd:lr=0.01,momentum=0.9";

/// The result of [`straight_through`]. All losses are means at the midpoint `½(A + g·B)`, on the same examples.
#[derive(Clone, Debug, PartialEq)]
pub struct StraightThrough {
    /// The element `g` with the least loss.
    pub element: Element,
    /// The loss at the identity.
    pub identity_loss: f64,
    /// The elements that were better than all before, with their losses; the first is the weight matching from which the search
    /// starts, the last is the result.
    pub improvements: Vec<Improvement>,
    /// The number of steps.
    pub steps: usize,
    /// How often the projection changed the element.
    pub changes: usize,
}

impl StraightThrough {
    /// The loss of the element.
    #[must_use]
    pub fn loss(&self) -> f64 {
        self.improvements.last().map_or(self.identity_loss, |best| best.objective)
    }
}

/// The permutation `g` of `group` with the least loss halfway between `a` and `g · b`, among those that a descent passes:
/// the straight-through estimator of Git Re-Basin (Ainsworth, Hayase and Srinivasa 2023, section 3.3), in the version of its
/// published code that projects by weight matching.
///
/// Latent parameters T start at `a`. In every step the weight matching of T and `b`, climbing on from the last element, gives
/// `g`; the gradient of the loss of a batch at `½(a + g·b)` is taken with respect to `g·b` and passed on to T as if
/// that were T, which stochastic gradient descent then moves (rate 0.01, momentum 0.9). In the published code the element with the least loss on its own batch is kept; here each new element is
/// judged on the same examples, so that the result is never worse there than the weight matching of `a` and `b`.
///
/// Batch normalisation uses the moments of batches. After each step `progress` is told how many of how many are done, and the
/// least loss so far. Equal inputs give equal bits, whatever the number of threads, if the executor's do.
///
/// # Errors
/// As [`super::weight_matching`], where `epochs` or `batch` is 0 or the latent parameters diverge, where the parameters are not
/// the model's, and where the data do not suit it.
pub fn straight_through(
    executor: &dyn Executor,
    group: &Group,
    model: &Model,
    [a, b]: [&Params; 2],
    data: &Dataset,
    options: &Options,
    progress: &mut dyn FnMut(usize, usize, f64),
) -> Result<StraightThrough, SymmetryError> {
    for (count, what) in [
        (options.epochs, "epochs of a matching"),
        (options.batch, "examples of a batch"),
        (options.max_sweeps, "sweeps of a matching"),
    ] {
        if count == 0 {
            return Err(SymmetryError::Zero { what });
        }
    }
    let data = fit(model, data)?;
    let options = Options { batch: options.batch.min(data.len()), ..*options };
    let mut search = Search::new(executor, group, model, [a, b], &data, &options)?;
    let per_epoch = data.len() / options.batch;
    let steps = options.epochs * per_epoch;
    search.project(0)?;
    for epoch in 0..options.epochs {
        let order = epoch_order(options.key.child("order"), epoch, data.len());
        for (batch, indices) in order.chunks_exact(options.batch).enumerate() {
            let (x, labels) = data.gather(indices);
            let step = epoch * per_epoch + batch + 1;
            search.descend(step as u64, &x, &labels)?;
            search.project(step)?;
            progress(step, steps, search.improvements.best());
        }
    }
    search.finish(steps)
}

/// Where the search is.
struct Search<'a> {
    executor: &'a dyn Executor,
    group: &'a Group,
    permuting: Group,
    model: &'a Model,
    ends: [&'a Params; 2],
    options: &'a Options,
    optimizer: Optimizer,
    judge: Judge,
    descent: Box<dyn Executable>,
    /// The latent parameters, in the model's order, then the optimiser's slots.
    state: Vec<Tensor>,
    /// The element in the group of permutations alone, and B moved by it.
    current: Element,
    moved: Params,
    best: Element,
    identity_loss: f64,
    improvements: Improvements,
    changes: usize,
}

impl<'a> Search<'a> {
    fn new(
        executor: &'a dyn Executor,
        group: &'a Group,
        model: &'a Model,
        ends: [&'a Params; 2],
        data: &Dataset,
        options: &'a Options,
    ) -> Result<Self, SymmetryError> {
        let permuting = group.permutations();
        check_layouts(model, ends)?;
        let (batch, key) = (options.batch, options.key.child("judged"));
        let mut judge = Judge::new(executor, model, data, batch, options.judged, key)?;
        let [a, b] = ends;
        let start =
            super::Options { key: options.key.child("start"), max_sweeps: options.max_sweeps, restarts: 0 };
        let current = super::weight_matching(executor, &permuting, a, b, &start)?.element;
        let identity_loss = judge.midpoint(&trained(model, a), &trained(model, b))?;
        let optimizer: Optimizer = OPTIMIZER.parse().expect("the published optimiser is one");
        let own = trained(model, a);
        let slot = |tensor: &&Tensor| Tensor::full(tensor.shape().clone(), optimizer.start() as f32);
        let slots = optimizer.slots().iter().flat_map(|_| own.iter().map(slot));
        let state: Vec<Tensor> = own.iter().map(|&tensor| tensor.clone()).chain(slots).collect();
        let graph = descent(model, batch, &optimizer, DType::F32);
        Ok(Self {
            descent: executor.compile(&graph, &Donation::in_order(state.len()))?,
            best: current.clone(),
            current,
            moved: b.clone(),
            improvements: Improvements::default(),
            changes: 0,
            executor,
            group,
            permuting,
            model,
            ends,
            options,
            optimizer,
            judge,
            state,
            identity_loss,
        })
    }

    /// Moves the latent parameters by one batch.
    fn descend(&mut self, step: u64, x: &Tensor, labels: &Tensor) -> Result<(), SymmetryError> {
        let optimizer = &self.optimizer;
        let scalars: Vec<Tensor> =
            optimizer.hyper(step, optimizer.rate()).into_iter().map(|x| Tensor::scalar(x as f32)).collect();
        let half = Tensor::scalar(0.5f32);
        let (a, p) = (trained(self.model, self.ends[0]), trained(self.model, &self.moved));
        let data = scalars.iter().chain(a).chain(p).chain([&half, x, labels]);
        let state = std::mem::take(&mut self.state).into_iter().map(Argument::Donated);
        self.state = self.descent.run(state.chain(data.map(Argument::Borrowed)).collect())?;
        Ok(())
    }

    /// Matches B to the latent parameters, and judges the element if it is another one.
    fn project(&mut self, step: usize) -> Result<(), SymmetryError> {
        let [a, b] = self.ends;
        let count = self.model.parameters().len();
        let rest = a.values().skip(count).cloned();
        let latent = a.with_values(self.state[..count].iter().cloned().chain(rest).collect());
        let problem = Problem::new(&self.permuting, &latent, b)?;
        let key = self.options.key.child("sweeps").fold(step as u64);
        let run = Ascent::new(self.executor, &problem).run(
            Start::At(&self.current),
            key,
            self.options.max_sweeps,
        )?;
        let found = self.permuting.element(run.permutations)?;
        if step > 0 && found == self.current {
            return Ok(());
        }
        self.changes += usize::from(step > 0);
        self.moved = self.permuting.act(&found, b)?;
        self.current = found;
        let loss = self.judge.midpoint(&trained(self.model, a), &trained(self.model, &self.moved))?;
        if self.improvements.offer(step, loss) {
            self.best = self.current.clone();
        }
        Ok(())
    }

    fn finish(self, steps: usize) -> Result<StraightThrough, SymmetryError> {
        Ok(StraightThrough {
            element: self.group.element(self.group.with_idle(self.best.permutations().to_vec()))?,
            identity_loss: self.identity_loss,
            improvements: self.improvements.into_list(),
            steps,
            changes: self.changes,
        })
    }
}

/// A step of the latent parameters T. Inputs: T and the optimiser's slots, its scalars, then those of [`loss_between`], where
/// P is B as it was moved; outputs: the new T and slots. The gradient is that with respect to P.
fn descent(model: &Model, batch: usize, optimizer: &Optimizer, dtype: DType) -> Graph {
    let loss = loss_between(model, batch, dtype);
    let count = model.parameters().len();
    let projected: Vec<usize> = (count..2 * count).collect();
    let gradient = transform::value_and_grad(&loss, 0, &projected);
    let mut b = Builder::new("straight_through");
    let prefixes = std::iter::once("latent").chain(optimizer.slots().iter().copied());
    let state: Vec<Val> = prefixes
        .flat_map(|prefix| {
            let named = model.parameters().into_iter();
            named.map(move |(name, shape)| (format!("{prefix}/{name}"), Ty::new(dtype, shape)))
        })
        .map(|(name, ty)| b.parameter(name, ty))
        .collect();
    let scalars: Vec<Val> =
        optimizer.hyper_names().iter().map(|name| b.data(*name, Ty::new(dtype, []))).collect();
    let values = b.copy(&gradient);
    let mut updated = state.clone();
    for (position, output) in gradient.outputs()[1..].iter().enumerate() {
        let gradient = values[output.val.position()];
        let slots: Vec<Val> = state[count..].iter().skip(position).step_by(count).copied().collect();
        let update = Update { parameter: state[position], gradient, curvature: None, state: &slots };
        let (parameter, slots) = optimizer.emit(&mut b, &scalars, update);
        for (slot, value) in std::iter::once(parameter).chain(slots).enumerate() {
            updated[count * slot + position] = value;
        }
    }
    for (position, value) in updated.into_iter().enumerate() {
        let name = b.graph().inputs()[position].name.clone();
        b.output(name, value);
    }
    transform::simplify(&b.finish())
}

#[cfg(test)]
mod tests;
