//! Scores on one part of the data.

use data::Dataset;
use evaluate::Evaluator;
use graph::Executor;
use models::Params;

use crate::{Score, TrainError, plan::Plan};

/// An evaluator that is prepared when it is first needed, as it holds a copy of the data.
pub(crate) struct Scorer<'a> {
    executor: &'a dyn Executor,
    plan: &'a Plan,
    data: &'a Dataset,
    evaluator: Option<Evaluator>,
}

impl<'a> Scorer<'a> {
    pub(crate) const fn new(executor: &'a dyn Executor, plan: &'a Plan, data: &'a Dataset) -> Self {
        Self { executor, plan, data, evaluator: None }
    }

    pub(crate) fn score(&mut self, params: &Params) -> Result<Score, TrainError> {
        let evaluator = match self.evaluator.take() {
            Some(evaluator) => evaluator,
            None => Evaluator::new(self.executor, &self.plan.model, self.data, self.plan.loss)?,
        };
        Ok(self.evaluator.insert(evaluator).score(params)?.into())
    }
}
