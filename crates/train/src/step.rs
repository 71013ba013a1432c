//! The training step.

mod graphs;
mod shared;

use std::collections::BTreeMap;

use data::Batch;
use graph::{Donation, ExecError, Executable, Executor, Placed, Value};
use tensor::{Key, Tensor};

use crate::{TrainError, curvature::key_words, plan::Plan};
use graphs::{Kind, step_graph};
use shared::Shared;

/// The prepared steps: for the full batch and for what is left at the end of an epoch, each with and without an estimate of
/// the curvature as they occur.
pub(crate) struct Steps<'a> {
    executor: &'a dyn Executor,
    plan: &'a Plan,
    prepared: BTreeMap<Kind, Prepared>,
}

/// A step of one kind.
enum Prepared {
    /// One graph on one device.
    Alone(Box<dyn Executable>),
    Shared(Shared),
}

impl Prepared {
    fn new(executor: &dyn Executor, plan: &Plan, kind: Kind) -> Result<Self, ExecError> {
        if !executor.companions().is_empty() {
            return Shared::new(executor, plan, kind).map(Self::Shared);
        }
        executor.compile(&step_graph(plan, kind), &Donation::in_order(plan.trained_count)).map(Self::Alone)
    }

    fn run(
        &mut self,
        plan: &Plan,
        trained: Vec<Value>,
        scalars: &[Tensor],
        batch: &Batch,
        key: Option<Key>,
    ) -> Result<Vec<Value>, ExecError> {
        match self {
            Self::Shared(shared) => shared.run(plan, trained, scalars, batch, key),
            Self::Alone(executable) => {
                let key = key.map(key_words);
                let data = scalars.iter().chain([&batch.x, &batch.labels]).chain(&key);
                let trained = trained.into_iter().map(Placed::Donated);
                executable.run_placed(trained.chain(data.map(Placed::Tensor)).collect())
            }
        }
    }
}

impl<'a> Steps<'a> {
    /// With the full batch prepared.
    pub(crate) fn new(executor: &'a dyn Executor, plan: &'a Plan) -> Result<Self, TrainError> {
        let mut steps = Self { executor, plan, prepared: BTreeMap::new() };
        steps.prepare(Kind { batch: plan.config.batch, curvature: false })?;
        Ok(steps)
    }

    fn prepare(&mut self, kind: Kind) -> Result<&mut Prepared, TrainError> {
        if !self.prepared.contains_key(&kind) {
            self.prepared.insert(kind, Prepared::new(self.executor, self.plan, kind)?);
        }
        match self.prepared.get_mut(&kind) {
            Some(prepared) => Ok(prepared),
            None => unreachable!("inserted above"),
        }
    }

    /// Takes step `number`, counted from 0, on these examples; returns what it changes and the mean loss before the
    /// update, both of which a device may still be computing.
    pub(crate) fn take(
        &mut self,
        number: u64,
        trained: Vec<Value>,
        batch: &Batch,
    ) -> Result<(Vec<Value>, Value), TrainError> {
        let plan = self.plan;
        let hyper = plan.optimizer.hyper(number + 1, plan.rate(number)).into_iter();
        let scalars: Vec<Tensor> = hyper.map(|scalar| Tensor::scalar(scalar as f32)).collect();
        let curvature = plan.optimizer.curvature_every().is_some_and(|n| number.is_multiple_of(n));
        let key = curvature.then(|| plan.curvature_key(number));
        let step = self.prepare(Kind { batch: batch.count(), curvature })?;
        let mut trained = step.run(plan, trained, &scalars, batch, key)?;
        match trained.pop() {
            Some(loss) => Ok((trained, loss)),
            None => unreachable!("the loss is the last output"),
        }
    }
}
