//! Loss and accuracy of networks on both parts of a data set.

use isoloss::{
    data::Splits as Data,
    evaluate::Evaluator,
    landscape,
    models::{Loss, Model, Params},
    recipes::{
        pair,
        result::{Curve, Score, Splits},
    },
};

use crate::{failure::Failure, session::Session};

/// A model prepared to be scored on both parts of a data set.
pub(crate) struct Measure<'a> {
    session: &'a Session,
    /// On the training set and on the test set.
    evaluators: [Evaluator; 2],
}

impl<'a> Measure<'a> {
    /// Compiles the forward passes.
    pub(crate) fn new(session: &'a Session, model: &Model, data: &Data, loss: Loss) -> Result<Self, Failure> {
        let on = |part| Evaluator::new(&session.executor, model, part, loss);
        Ok(Self { session, evaluators: [on(&data.train)?, on(&data.test)?] })
    }

    /// The score of a network.
    pub(crate) fn score(&mut self, params: &Params) -> Result<Splits<Score>, Failure> {
        let [train, test] = &mut self.evaluators;
        let on = |evaluator: &mut Evaluator| {
            let score = evaluator.score(params)?;
            Ok::<_, Failure>(Score { loss: score.loss, accuracy: score.accuracy })
        };
        Ok(Splits { train: on(train)?, test: on(test)? })
    }

    /// The scores at `points` places on the segment from `a` to `b`.
    pub(crate) fn segment(
        &mut self,
        title: &str,
        a: &Params,
        b: &Params,
        points: usize,
    ) -> Result<Splits<Curve>, Failure> {
        let task = self.session.progress.task(title, points as u64, "points");
        let curves = landscape::segment(&mut self.evaluators, a, b, points, &mut |step| {
            task.at(step.index as u64 + 1, "");
        })?;
        let [train, test] = &curves[..] else { unreachable!("one curve for each evaluator") };
        Ok(Splits { train: pair::curve(train), test: pair::curve(test) })
    }
}
