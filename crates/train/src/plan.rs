//! A configuration, understood and checked against the data.

use std::{borrow::Borrow, collections::BTreeMap};

use data::{Dataset, Epoch, Splits};
use models::{Init, Loss, Model, Params};
use optim::{Horizon, Optimizer, Schedule};
use tensor::{Key, Shape, Tensor};

use crate::{Config, Record, TrainError, averages::Average, watched::Watched};

/// Everything that the loop needs to know beside data and progress.
///
/// The state of a run is a list of tensors: what a step changes (the parameters in the model's order, then each slot of the
/// optimiser for all parameters in that order, then the buffers in the model's order), then the averages of the
/// parameters, kind by kind.
pub(crate) struct Plan {
    /// In canonical form.
    pub(crate) config: Config,
    pub(crate) model: Model,
    /// As the model reads them.
    pub(crate) data: Splits,
    /// The further sets that are scored, as the model reads them.
    pub(crate) sets: BTreeMap<String, Dataset>,
    pub(crate) loss: Loss,
    pub(crate) optimizer: Optimizer,
    pub(crate) horizon: Horizon,
    pub(crate) averages: Vec<Average>,
    pub(crate) watched: Option<Watched>,
    /// The number of parameters: tensors, not elements.
    pub(crate) parameter_count: usize,
    /// The number of tensors that a step changes.
    pub(crate) trained_count: usize,
    schedule: Schedule,
    init: Init,
    key: Key,
}

impl Plan {
    pub(crate) fn new(config: &Config, splits: &Splits) -> Result<Self, TrainError> {
        let config = config.canonical()?;
        let model = Model::parse(&config.model)?;
        let loss = config.loss_of(&model)?;
        let data = splits.try_map(|part| evaluate::fit(&model, part))?;
        let (batch, examples) = (config.batch, data.train.len());
        if batch > examples {
            return Err(TrainError::BatchTooLarge { batch, data: splits.spec.clone(), examples });
        }
        let steps_per_epoch = examples.div_ceil(batch) as u64;
        let (optimizer, parameter_count): (Optimizer, _) =
            (config.optimizer.parse()?, model.parameters().len());
        Ok(Self {
            parameter_count,
            trained_count: parameter_count * (1 + optimizer.slots().len()) + model.buffers().len(),
            sets: load_sets(&config, &model, &data)?,
            loss,
            optimizer,
            schedule: config.schedule.parse()?,
            init: Init::parse(&config.init)?,
            horizon: Horizon { steps_per_epoch, epochs: config.epochs as u64 },
            averages: Average::kept(&config),
            watched: config.watched(loss)?,
            key: Key::new(config.seed),
            model,
            data,
            config,
        })
    }

    /// Whether a run with these epochs behind it has ended: all epochs are done, or the score that is watched has not
    /// improved for too long.
    pub(crate) fn is_over(&self, records: &[Record]) -> bool {
        let patience = self.config.patience.zip(self.watched.as_ref());
        let stopped = patience.is_some_and(|(patience, watched)| watched.since_best(records) >= patience);
        stopped || records.len() >= self.config.epochs
    }

    /// The learning rate of a step, counted from 0.
    pub(crate) fn rate(&self, step: u64) -> f64 {
        self.schedule.rate(self.optimizer.rate(), step, self.horizon)
    }

    /// The order in which an epoch, counted from 0, visits the training set.
    pub(crate) fn order(&self, epoch: usize) -> Vec<usize> {
        data::epoch_order(self.key, epoch, self.data.train.len())
    }

    /// What is left of an epoch, counted from 0, after `done` batches.
    pub(crate) fn epoch<'a>(&'a self, epoch: usize, order: &'a [usize], done: usize) -> Epoch<'a> {
        let key = self.key.child("augment").fold(epoch as u64);
        Epoch { data: &self.data.train, order, batch: self.config.batch, skip: done, key }
    }

    /// What the labels for the curvature at a step, counted from 0, are drawn with.
    pub(crate) fn curvature_key(&self, step: u64) -> Key {
        self.key.child("curvature").fold(step)
    }

    /// Names and shapes of what a step changes: `parameter/0.weight`, …, `velocity/0.weight`, …,
    /// `buffer/1.running_mean`, ….
    pub(crate) fn trained(&self) -> Vec<(String, Shape)> {
        let slots = std::iter::once(&"parameter").chain(self.optimizer.slots());
        let own = slots.flat_map(|slot| self.parameters(slot));
        let buffers = self.model.buffers().into_iter();
        own.chain(buffers.map(|(name, shape)| (format!("buffer/{name}"), shape))).collect()
    }

    /// Names and shapes of the state's tensors: those of [`Plan::trained`], then `ema/0.weight`, ….
    pub(crate) fn state(&self) -> Vec<(String, Shape)> {
        let averages = self.averages.iter().flat_map(|average| self.parameters(average.name()));
        self.trained().into_iter().chain(averages).collect()
    }

    /// Names and shapes of what the network itself reads: `parameter/0.weight`, …, `buffer/1.running_mean`, ….
    pub(crate) fn network(&self) -> Vec<(String, Shape)> {
        self.network_of(&self.trained()).cloned().collect()
    }

    /// What belongs to the network itself, of a list with something for each tensor that a step changes.
    pub(crate) fn network_of<'t, T>(&self, trained: &'t [T]) -> impl Iterator<Item = &'t T> + use<'t, T> {
        let buffers = trained.len() - self.model.buffers().len();
        trained[..self.parameter_count].iter().chain(&trained[buffers..])
    }

    fn parameters(&self, prefix: &str) -> Vec<(String, Shape)> {
        let entries = self.model.parameters().into_iter();
        entries.map(|(name, shape)| (format!("{prefix}/{name}"), shape)).collect()
    }

    /// The weights and buffers that the run begins with: drawn, or those given.
    pub(crate) fn begin(&self, given: Option<&Params>) -> Result<Params, TrainError> {
        if let Some(weights) = given {
            self.model.check(weights)?;
        }
        let found = given.map(Params::fingerprint);
        match (self.config.weights, given) {
            (expected, Some(weights)) if expected == found => Ok(weights.clone()),
            (None, None) => Ok(self.model.init(self.init, self.key.child("init"))),
            (expected, _) => Err(TrainError::OtherWeights { expected, found }),
        }
    }

    /// The state with these weights and buffers, and nothing remembered.
    pub(crate) fn initial_state(&self, begin: Params) -> Vec<Tensor> {
        let mut state = begin.into_values();
        let (count, start) = (self.parameter_count, self.optimizer.start() as f32);
        let buffers = state.split_off(count);
        let names = self.state();
        let (slots, rest) = names[count..].split_at(count * self.optimizer.slots().len());
        let filled = |(_, shape): &(String, Shape), value: f32| Tensor::full(shape.clone(), value);
        state.extend(slots.iter().map(|entry| filled(entry, start)));
        state.extend(buffers.iter().cloned());
        state.extend(rest[buffers.len()..].iter().map(|entry| filled(entry, 0.0)));
        state
    }

    /// The parameters and buffers in a state.
    pub(crate) fn params<T: Borrow<Tensor>>(&self, state: &[T]) -> Params {
        self.with_buffers(state, &state[..self.parameter_count])
    }

    /// An average in a state, with the buffers of the last step.
    pub(crate) fn averaged<T: Borrow<Tensor>>(&self, state: &[T], average: Average) -> Params {
        let before = self.averages.iter().take_while(|other| **other != average).count();
        let start = self.trained_count + before * self.parameter_count;
        self.with_buffers(state, &state[start..][..self.parameter_count])
    }

    fn with_buffers<T: Borrow<Tensor>>(&self, state: &[T], parameters: &[T]) -> Params {
        let buffers = &state[self.trained_count - self.model.buffers().len()..self.trained_count];
        let names = self.model.entries().into_iter().map(|(name, _)| name);
        Params::from_pairs(names.zip(parameters.iter().chain(buffers).map(Borrow::borrow).cloned()))
    }

    /// The name and the value of a number in a state that is not finite, if there is one.
    pub(crate) fn first_non_finite<T: Borrow<Tensor>>(&self, state: &[T]) -> Option<(String, f64)> {
        self.state().into_iter().zip(state.iter().map(Borrow::borrow)).find_map(|((name, _), tensor)| {
            let position = tensor.first_non_finite()?;
            Some((name, tensor.to_f64_vec()[position]))
        })
    }
}

/// The validation part of the data, and the test parts of the sets that the configuration names, read as the network reads
/// its training data.
fn load_sets(config: &Config, model: &Model, data: &Splits) -> Result<BTreeMap<String, Dataset>, TrainError> {
    let input = data.input();
    let load = |(name, spec): (&String, &String)| {
        let splits = data::load(spec)?.read_as(&input)?;
        Ok((name.clone(), evaluate::fit(model, &splits.test)?))
    };
    let own = data.validation.iter().map(|data| Ok((Config::VALIDATION.to_owned(), data.clone())));
    config.evaluate.iter().map(load).chain(own).collect()
}
