//! Loss and accuracy of networks on both splits of a data set.

use data::{Dataset, Splits as DataSplits};
use evaluate::{Calibration, Evaluator, Predictions, Reestimator};
use graph::Executor;
use landscape::Settle;
use models::{Loss, Model, Params};

use crate::{
    RecipeError,
    result::{Curve, Score, Splits},
};

/// A model prepared to be scored on both splits of a data set.
pub struct Measure {
    /// On the training set and on the test set.
    evaluators: [Evaluator; 2],
    /// Of a model with batch normalisation, where statistics are to be re-estimated.
    statistics: Option<Reestimator>,
}

impl Measure {
    /// Compiles the forward passes. Running statistics of batch normalisation will be re-estimated on the training set
    /// where weights are new; see [`Reestimator`].
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
        let evaluators = [on(&data.train)?, on(&data.test)?];
        Ok(Self { evaluators, statistics: Reestimator::new(executor, model, &data.train, None)? })
    }

    /// The same without re-estimation.
    #[must_use]
    pub fn keeping_statistics(self) -> Self {
        Self { statistics: None, ..self }
    }

    /// The same, with segments that tell the expected calibration error.
    #[must_use]
    pub fn calibrating(self) -> Self {
        Self { evaluators: self.evaluators.map(Evaluator::calibrating), ..self }
    }

    /// The number of examples that statistics are re-estimated on; none where they are not, or where the model has none.
    #[must_use]
    pub fn reestimated_on(&self) -> Option<usize> {
        self.statistics.as_ref().map(Reestimator::examples)
    }

    /// New weights with their statistics re-estimated, where that is to be done.
    ///
    /// # Errors
    /// Where the parameters are not the model's.
    pub fn settle(&mut self, params: Params) -> Result<Params, RecipeError> {
        match &mut self.statistics {
            Some(statistics) => Ok(statistics.apply(&params)?),
            None => Ok(params),
        }
    }

    /// The score of a network.
    ///
    /// # Errors
    /// Where the parameters are not the model's.
    pub fn score(&mut self, params: &Params) -> Result<Splits<Score>, RecipeError> {
        let [train, test] = &mut self.evaluators;
        Ok(Splits { train: stored(train.score(params)?), test: stored(test.score(params)?) })
    }

    /// The score, and how the network is calibrated on the test set, from the same pass; no calibration of one without predictions.
    ///
    /// # Errors
    /// Where the parameters are not the model's.
    pub fn score_and_calibration(
        &mut self,
        params: &Params,
    ) -> Result<(Splits<Score>, Option<Calibration>), RecipeError> {
        let [train, test] = &mut self.evaluators;
        let (train, (test, predictions)) = (train.score(params)?, test.predict(params)?);
        let calibration = predictions.map(|predictions| predictions.calibration());
        Ok((Splits { train: stored(train), test: stored(test) }, calibration))
    }

    /// What a network predicts on both splits.
    ///
    /// # Errors
    /// [`RecipeError::NoPredictions`] of a network that predicts nothing, or too much to be kept; where the parameters are not the model's.
    pub fn predictions(&mut self, params: &Params) -> Result<Splits<Predictions>, RecipeError> {
        let [train, test] = &mut self.evaluators;
        let model = train.model().spec();
        let of = |evaluator: &mut Evaluator| {
            evaluator.predict(params)?.1.ok_or_else(|| RecipeError::NoPredictions { model: model.clone() })
        };
        Ok(Splits { train: of(train)?, test: of(test)? })
    }

    /// The scores at `points` places on the segment from `a` to `b`, where `between` may change the networks between the ends, before their
    /// statistics are re-estimated where that is to be done; `tick` is called after each.
    ///
    /// # Errors
    /// Where the number of points is even or below 3, or the parameters are not the model's.
    pub fn segment(
        &mut self,
        [a, b]: [&Params; 2],
        points: usize,
        between: &mut Settle<'_>,
        tick: &mut dyn FnMut(),
    ) -> Result<Splits<Curve>, RecipeError> {
        let mut settle = |lambda: f64, params: Params| {
            let params = between(lambda, params)?;
            match &mut self.statistics {
                Some(statistics) => Ok(statistics.apply(&params)?),
                None => Ok(params),
            }
        };
        let curves = landscape::segment(&mut self.evaluators, &mut settle, a, b, points, &mut |_| tick())?;
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
        calibration_error: curve.scores().iter().map(|score| score.calibration_error).collect(),
        barrier: curve.loss_barrier().height,
        accuracy_barrier: curve.accuracy_barrier().map(|barrier| barrier.height),
        midpoint: stored(curve.midpoint()),
    }
}
