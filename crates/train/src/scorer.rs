//! Scores on the sets that a run is evaluated on.

use std::collections::BTreeMap;

use data::Dataset;
use evaluate::{Evaluator, reestimate};
use graph::Executor;
use models::Params;

use crate::{Config, Score, Scores, TrainError, plan::Plan};

/// An evaluator that is prepared when it is first needed, as it holds a copy of the data.
struct Scorer<'a> {
    executor: &'a dyn Executor,
    plan: &'a Plan,
    data: &'a Dataset,
    evaluator: Option<Evaluator>,
}

impl<'a> Scorer<'a> {
    const fn new(executor: &'a dyn Executor, plan: &'a Plan, data: &'a Dataset) -> Self {
        Self { executor, plan, data, evaluator: None }
    }

    fn score(&mut self, params: &Params) -> Result<Score, TrainError> {
        let evaluator = match self.evaluator.take() {
            Some(evaluator) => evaluator,
            None => Evaluator::new(self.executor, &self.plan.model, self.data, self.plan.loss)?,
        };
        Ok(self.evaluator.insert(evaluator).score(params)?.into())
    }
}

/// The training set, the test set and the further sets.
pub(crate) struct Scorers<'a> {
    executor: &'a dyn Executor,
    plan: &'a Plan,
    train: Scorer<'a>,
    test: Scorer<'a>,
    sets: BTreeMap<&'a str, Scorer<'a>>,
}

impl<'a> Scorers<'a> {
    pub(crate) fn new(executor: &'a dyn Executor, plan: &'a Plan) -> Self {
        let scorer = |data| Scorer::new(executor, plan, data);
        let sets = plan.sets.iter().map(|(name, data)| (name.as_str(), scorer(data))).collect();
        Self { executor, plan, train: scorer(&plan.data.train), test: scorer(&plan.data.test), sets }
    }

    pub(crate) fn train(&mut self, params: &Params) -> Result<Score, TrainError> {
        self.train.score(params)
    }

    pub(crate) fn test(&mut self, params: &Params) -> Result<Score, TrainError> {
        self.test.score(params)
    }

    pub(crate) fn sets(&mut self, params: &Params) -> Result<BTreeMap<String, Score>, TrainError> {
        let sets = self.sets.iter_mut();
        sets.map(|(name, scorer)| Ok(((*name).to_owned(), scorer.score(params)?))).collect()
    }

    /// Averaged weights with running statistics of their own, and their scores.
    pub(crate) fn averaged(&mut self, params: &Params) -> Result<(Params, Scores), TrainError> {
        let params = reestimate(self.executor, &self.plan.model, params, &self.plan.data.train)?;
        let (train, test) = (self.train(&params)?, self.test(&params)?);
        let scores = Scores { train, test, sets: self.sets(&params)? };
        Ok((params, scores))
    }
}

/// The first score whose loss is not finite: of which set, and the loss.
pub(crate) fn first_non_finite(
    train: Option<&Score>,
    test: Option<&Score>,
    sets: &BTreeMap<String, Score>,
) -> Option<(String, f64)> {
    let parts = [(Config::TRAIN, train), (Config::TEST, test)];
    let parts = parts.into_iter().filter_map(|(name, score)| Some((name, score?)));
    let mut all = parts.chain(sets.iter().map(|(name, score)| (name.as_str(), score)));
    let (name, score) = all.find(|(_, score)| !score.loss.is_finite())?;
    let what = if name == Config::TRAIN { "training" } else { name };
    Some((format!("the {what} loss"), score.loss))
}
