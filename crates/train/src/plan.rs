//! A configuration, understood and checked against the data.

use data::{Epoch, Splits};
use models::{Init, Loss, Model, Params};
use optim::{Horizon, Optimizer, Schedule};
use tensor::{DType, Key, Shape, Tensor};

use crate::{Config, TrainError};

/// Everything that the loop needs to know beside data and progress.
///
/// The state of a run is a list of tensors: the parameters in the model's order, then each slot of the optimiser
/// for all parameters in that order, then the buffers in the model's order.
pub(crate) struct Plan {
    /// In canonical form.
    pub(crate) config: Config,
    pub(crate) model: Model,
    /// As the model reads them.
    pub(crate) data: Splits,
    pub(crate) loss: Loss,
    pub(crate) optimizer: Optimizer,
    pub(crate) horizon: Horizon,
    schedule: Schedule,
    init: Init,
    key: Key,
}

impl Plan {
    pub(crate) fn new(config: &Config, splits: &Splits) -> Result<Self, TrainError> {
        let config = config.canonical()?;
        let model = Model::parse(&config.model)?;
        let data = Splits {
            spec: splits.spec.clone(),
            train: evaluate::fit(&model, &splits.train)?,
            test: evaluate::fit(&model, &splits.test)?,
        };
        let (batch, examples) = (config.batch, data.train.len());
        if batch > examples {
            return Err(TrainError::BatchTooLarge { batch, data: splits.spec.clone(), examples });
        }
        let steps_per_epoch = examples.div_ceil(batch) as u64;
        Ok(Self {
            loss: Loss::parse(&config.loss)?,
            optimizer: config.optimizer.parse()?,
            schedule: config.schedule.parse()?,
            init: Init::parse(&config.init)?,
            horizon: Horizon { steps_per_epoch, epochs: config.epochs as u64 },
            key: Key::new(config.seed),
            model,
            data,
            config,
        })
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

    /// Names and shapes of the state's tensors: `parameter/0.weight`, …, `velocity/0.weight`, …,
    /// `buffer/1.running_mean`, ….
    pub(crate) fn state(&self) -> Vec<(String, Shape)> {
        let parameters = self.model.parameters();
        let slots = std::iter::once(&"parameter").chain(self.optimizer.slots()).flat_map(|slot| {
            parameters.iter().map(move |(name, shape)| (format!("{slot}/{name}"), shape.clone()))
        });
        let buffers = self.model.buffers().into_iter();
        slots.chain(buffers.map(|(name, shape)| (format!("buffer/{name}"), shape))).collect()
    }

    pub(crate) fn initial_state(&self) -> Vec<Tensor> {
        let mut state = self.model.init(self.init, self.key.child("init")).into_values();
        let buffers = state.split_off(self.model.parameters().len());
        let names = self.state();
        let slots = &names[state.len()..names.len() - buffers.len()];
        state.extend(slots.iter().map(|(_, shape)| Tensor::zeros(DType::F32, shape.clone())));
        state.extend(buffers);
        state
    }

    /// The parameters and buffers in a state.
    pub(crate) fn params(&self, state: &[Tensor]) -> Params {
        let (parameters, buffers) = (self.model.parameters(), self.model.buffers());
        let last = &state[state.len() - buffers.len()..];
        let names = parameters.iter().chain(&buffers).map(|(name, _)| name.clone());
        Params::from_pairs(names.zip(state[..parameters.len()].iter().chain(last).cloned()))
    }

    /// The name and the value of a number in a state that is not finite, if there is one.
    pub(crate) fn first_non_finite(&self, state: &[Tensor]) -> Option<(String, f64)> {
        self.state().into_iter().zip(state).find_map(|((name, _), tensor)| {
            let position = tensor.first_non_finite()?;
            Some((name, tensor.to_f64_vec()[position]))
        })
    }
}
