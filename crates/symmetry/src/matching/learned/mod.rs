//! Matching by the loss between two networks, modulo permutations, matrices and rotations.

mod latents;
mod unfinished;

use data::{Dataset, epoch_order};
use evaluate::fit;
use graph::{Argument, Donation, Executable, Executor};
use models::{Model, Params};
use optim::Optimizer;
use tensor::{DType, Key, Tensor};

use super::{
    Improvement,
    circuit::in_double,
    improvement::Improvements,
    midpoint::{Judge, check_layouts, loss_between, trained},
    sinkhorn::graphs,
};
use crate::{Element, Group, SymmetryError};
use latents::Latent;
use unfinished::Keeper;
pub use unfinished::Unfinished;

/// What is searched.
#[derive(Clone, Copy)]
pub struct Task<'a> {
    /// The symmetry of the model.
    pub group: &'a Group,
    /// The architecture of both networks.
    pub model: &'a Model,
    /// A, which stays, and B, which is moved.
    pub networks: [&'a Params; 2],
    /// The element of the group where the search begins.
    pub start: &'a Element,
    /// The examples to descend on, and to hold some of out.
    pub data: &'a Dataset,
}

/// How to search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Passes over the data. Ours: 5, as the search starts near.
    pub epochs: usize,
    /// Examples of a step; all, where there are fewer. Ours: 128. What is left at the end of a pass is left out.
    pub batch: usize,
    /// About how many examples are held out, for elements to be compared by, in whole batches; half of the data at most. Ours: 5000,
    /// as [`super::straight_through`] has it.
    pub judged: usize,
    /// The rate of Adam, above 0. Ours: 0.003, of entries of matrices that are about 1.
    pub rate: f64,
    /// Draws the order of the examples, those that are held out, and places between the networks.
    pub key: Key,
}

/// See the fields.
impl Default for Options {
    fn default() -> Self {
        Self { epochs: 5, batch: 128, judged: 5000, rate: 0.003, key: Key::new(0) }
    }
}

/// Steps after which the element is judged, besides at the end. Ours: so that judging takes less than descending.
pub const JUDGED_EVERY: usize = 20;

/// Half the width of the range around the midpoint in which places are drawn: 0.1 (Theus et al. 2025).
const SPREAD: f64 = 0.1;

/// The result of [`learned`]. All losses are means at the midpoint `½(A + g·B)`, on the examples that were held out.
#[derive(Clone, Debug, PartialEq)]
pub struct Learned {
    /// The element `g` with the least loss.
    pub element: Element,
    /// The loss at the identity.
    pub identity_loss: f64,
    /// The elements that were better than all before, with their losses; the first is where the search starts, the last is the
    /// result.
    pub improvements: Vec<Improvement>,
    /// The number of steps.
    pub steps: usize,
}

impl Learned {
    /// The loss of the element.
    #[must_use]
    pub fn loss(&self) -> f64 {
        self.improvements.last().map_or(self.identity_loss, |best| best.objective)
    }
}

/// The element of the group with the least loss halfway between A and `g · B` among those that a descent from the start passes: the
/// learned matching of Theus et al. (*Generalized Linear Mode Connectivity for Transformers*, arXiv 2506.22712).
///
/// Each permutation, rotation and other matrix has a latent matrix, the identity at the start. In every step the latents are
/// projected: to the permutation with the largest inner product (an assignment), to the nearest rotation (the polar factor), to
/// the span of the matrices allowed. They move `start · B`, and the slope of the loss of a batch at a place drawn from 0.4 to 0.6 of
/// the way to it is passed straight through the projections; Adam moves the latents. Networks whose gains stand in the way of
/// rotations are to be folded first ([`crate::Folding::fold`]). The result is never worse than the start on the examples held out.
///
/// Batch normalisation uses the moments of batches. After each step `progress` is told how many of how many are done, and the
/// least loss so far. Equal inputs give equal bits, whatever the number of threads, if the executor's do, and however often
/// the search was stopped: with `unfinished` it is kept in a file, and goes on from what stands there.
///
/// # Errors
/// Where `epochs` or `batch` is 0, the rate is not positive and finite, there are fewer than two examples, the parameters are not
/// the model's, not `f32` or not finite, the start is not of the group, the data do not suit the model, or the descent diverges.
/// [`SymmetryError::Interrupted`] once a stop is asked for; [`SymmetryError::OtherSearch`] and [`SymmetryError::Weights`] where
/// the file is of another search, or cannot be read or written.
pub fn learned(
    executor: &dyn Executor,
    task: &Task<'_>,
    options: &Options,
    unfinished: Option<Unfinished<'_>>,
    progress: &mut dyn FnMut(usize, usize, f64),
) -> Result<Learned, SymmetryError> {
    check(options)?;
    check_layouts(task.model, task.networks)?;
    let data = fit(task.model, task.data)?;
    if data.len() < 2 {
        return Err(SymmetryError::TooFew {
            what: "examples of a learned matching",
            least: 2,
            found: data.len(),
        });
    }
    let order = options.key.child("held out").permutation(data.len());
    let (held_out, examples) = order.split_at(options.judged.clamp(1, data.len() / 2));
    let batch = options.batch.min(examples.len()).min(held_out.len());
    let options = Options { batch, ..*options };
    let judge = Judge::of(executor, task.model, &data, batch, held_out)?;
    let mut search = Search::new(executor, *task, judge, &options)?;
    let per_epoch = examples.len() / batch;
    let steps = options.epochs * per_epoch;
    let mut keeper = Keeper::new(unfinished, &mut search, steps)?;
    if search.step == 0 {
        search.judge()?;
    }
    for epoch in search.step / per_epoch..options.epochs {
        let order = epoch_order(options.key.child("order"), epoch, examples.len());
        for places in order.chunks_exact(batch).skip(search.step - epoch * per_epoch) {
            keeper.keep(&search)?;
            let indices: Vec<usize> = places.iter().map(|&place| examples[place]).collect();
            search.descend(&data.gather(&indices))?;
            if search.step.is_multiple_of(JUDGED_EVERY) || search.step == steps {
                search.judge()?;
            }
            progress(search.step, steps, search.improvements.best());
        }
    }
    keeper.finish(&search)?;
    search.finish()
}

fn check(options: &Options) -> Result<(), SymmetryError> {
    for (count, what) in [(options.epochs, "epochs of a matching"), (options.batch, "examples of a batch")] {
        if count == 0 {
            return Err(SymmetryError::Zero { what });
        }
    }
    if !(options.rate.is_finite() && options.rate > 0.0) {
        return Err(SymmetryError::OutOfRange { what: "rate above 0", found: options.rate });
    }
    Ok(())
}

/// Where the search is.
struct Search<'a> {
    task: Task<'a>,
    /// B as the start moves it.
    b: Params,
    options: &'a Options,
    optimizer: Optimizer,
    judge: Judge,
    gradient: Box<dyn Executable>,
    update: Box<dyn Executable>,
    latents: Vec<Latent>,
    /// The number of steps that are done.
    step: usize,
    /// The latent matrices, then the optimiser's slots.
    state: Vec<Tensor>,
    /// The latent matrices of the best element.
    best: Vec<Tensor>,
    identity_loss: f64,
    improvements: Improvements,
}

impl<'a> Search<'a> {
    fn new(
        executor: &dyn Executor,
        task: Task<'a>,
        mut judge: Judge,
        options: &'a Options,
    ) -> Result<Self, SymmetryError> {
        let Task { model, networks: [a, b], .. } = task;
        let optimizer: Optimizer = format!("adam:lr={}", options.rate).parse().expect("Adam with a rate");
        let latents = latents::latents(task.group);
        let sizes: Vec<usize> = latents.iter().map(|latent| latent.size()).collect();
        let slots = optimizer.slots().iter().flat_map(|_| sizes.iter());
        let slots = slots.map(|&n| Tensor::full([n, n], optimizer.start()));
        let best: Vec<Tensor> = latents.iter().map(|latent| latent.still()).collect();
        let state: Vec<Tensor> = best.iter().cloned().chain(slots).collect();
        let count = model.parameters().len();
        let loss = loss_between(model, options.batch, DType::F32);
        let wrt: Vec<usize> = (count..2 * count).collect();
        Ok(Self {
            gradient: executor.compile(&transform::value_and_grad(&loss, 0, &wrt), &[])?,
            update: executor
                .compile(&graphs::update(&sizes, &optimizer), &Donation::in_order(state.len()))?,
            identity_loss: judge.midpoint(&trained(model, a), &trained(model, b))?,
            b: task.group.act(task.start, b)?,
            improvements: Improvements::default(),
            step: 0,
            task,
            options,
            optimizer,
            judge,
            latents,
            state,
            best,
        })
    }

    /// The latent matrices.
    fn matrices(&self) -> &[Tensor] {
        &self.state[..self.latents.len()]
    }

    /// What matrices stand for.
    fn element(&self, matrices: &[Tensor]) -> Result<Element, SymmetryError> {
        latents::element(self.task.group, &self.latents, matrices)
    }

    /// One step of the latent matrices.
    fn descend(&mut self, (x, labels): &(Tensor, Tensor)) -> Result<(), SymmetryError> {
        let Task { group, model, networks: [a, _], .. } = self.task;
        self.step += 1;
        let step = self.step as u64;
        let element = self.element(self.matrices())?;
        let moved = group.act(&element, &self.b)?;
        let place = 0.5 + SPREAD * (2.0 * self.options.key.child("place").uniform(step) - 1.0);
        let place = Tensor::scalar(place as f32);
        let ends = trained(model, a).into_iter().chain(trained(model, &moved));
        let results = self.gradient.run(ends.chain([&place, x, labels]).map(Argument::Borrowed).collect())?;
        let slopes = named(model, results.into_iter().skip(1));
        let slopes = latents::slopes(
            group,
            &self.latents,
            &element,
            [&in_double("between", &slopes)?, &in_double("B", &moved)?],
        );
        let hyper = self.optimizer.hyper(step, self.optimizer.rate());
        let scalars: Vec<Tensor> = hyper.into_iter().map(Tensor::scalar).collect();
        let state = std::mem::take(&mut self.state).into_iter().map(Argument::Donated);
        let rest = scalars.iter().chain(&slopes).map(Argument::Borrowed);
        self.state = self.update.run(state.chain(rest).collect())?;
        Ok(())
    }

    /// Keeps the element if it is better than all before.
    fn judge(&mut self) -> Result<(), SymmetryError> {
        let Task { group, model, networks: [a, _], .. } = self.task;
        let moved = group.act(&self.element(self.matrices())?, &self.b)?;
        let loss = self.judge.midpoint(&trained(model, a), &trained(model, &moved))?;
        if self.improvements.offer(self.step, loss) {
            self.best = self.matrices().to_vec();
        }
        Ok(())
    }

    fn finish(self) -> Result<Learned, SymmetryError> {
        let element = self.element(&self.best)?;
        Ok(Learned {
            element: self.task.group.compose(&element, self.task.start)?,
            identity_loss: self.identity_loss,
            improvements: self.improvements.into_list(),
            steps: self.step,
        })
    }
}

/// The trained parameters of a model by name.
fn named(model: &Model, values: impl Iterator<Item = Tensor>) -> Params {
    let names: Vec<String> = model.parameters().into_iter().map(|(name, _)| name).collect();
    Params::from_pairs(names.iter().map(String::as_str).zip(values))
}

#[cfg(test)]
mod tests;
