//! Loss and accuracy of networks on both splits of a data set.

use data::{Dataset, Splits as DataSplits};
use evaluate::Evaluator;
use graph::Executor;
use models::{Loss, Model, Params};

use crate::{
    RecipeError,
    result::{Curve, Score, Splits},
};

/// A model prepared to be scored on both splits of a data set.
pub struct Measure {
    /// On the training set and on the test set.
    evaluators: [Evaluator; 2],
}

impl Measure {
    /// Compiles the forward passes.
    ///
    /// # Errors
    /// Where the data do not fit the model, or the executor refuses the graph.
    pub fn new(
        executor: &dyn Executor,
        model: &Model,
        data: &DataSplits,
        loss: Loss,
    ) -> Result<Self, RecipeError> {
        let on = |data: &Dataset| Evaluator::new(executor, model, data, loss);
        Ok(Self { evaluators: [on(&data.train)?, on(&data.test)?] })
    }

    /// The score of a network.
    ///
    /// # Errors
    /// Where the parameters are not the model's.
    pub fn score(&mut self, params: &Params) -> Result<Splits<Score>, RecipeError> {
        let [train, test] = &mut self.evaluators;
        Ok(Splits { train: stored(train.score(params)?), test: stored(test.score(params)?) })
    }

    /// The scores at `points` places on the segment from `a` to `b`; `tick` is called after each.
    ///
    /// # Errors
    /// Where the number of points is even or below 3, or the parameters are not the model's.
    pub fn segment(
        &mut self,
        a: &Params,
        b: &Params,
        points: usize,
        tick: &mut dyn FnMut(),
    ) -> Result<Splits<Curve>, RecipeError> {
        let curves = landscape::segment(&mut self.evaluators, a, b, points, &mut |_| tick())?;
        let [train, test] = &curves[..] else { unreachable!("one curve for each evaluator") };
        Ok(Splits { train: curve(train), test: curve(test) })
    }
}

fn stored(score: evaluate::Score) -> Score {
    Score { loss: score.loss, accuracy: score.accuracy }
}

fn curve(curve: &landscape::Curve) -> Curve {
    Curve {
        lambdas: curve.lambdas().to_vec(),
        loss: curve.scores().iter().map(|score| score.loss).collect(),
        accuracy: curve.scores().iter().map(|score| score.accuracy).collect(),
        barrier: curve.loss_barrier().height,
        accuracy_barrier: curve.accuracy_barrier().height,
        midpoint: stored(curve.midpoint()),
    }
}
