//! Scoring networks, with progress.

use isoloss::{
    data::Splits as Data,
    models::{Loss, Model, Params},
    recipes::{
        measure,
        result::{Curve, Score, Splits},
    },
};

use crate::{failure::Failure, session::Session};

/// A model prepared to be scored on both parts of a data set.
pub(crate) struct Measure<'a> {
    session: &'a Session,
    measure: measure::Measure,
}

impl<'a> Measure<'a> {
    /// Compiles the forward passes.
    pub(crate) fn new(session: &'a Session, model: &Model, data: &Data, loss: Loss) -> Result<Self, Failure> {
        Ok(Self { session, measure: measure::Measure::new(&session.executor, model, data, loss)? })
    }

    /// The score of a network.
    pub(crate) fn score(&mut self, params: &Params) -> Result<Splits<Score>, Failure> {
        Ok(self.measure.score(params)?)
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
        let mut done = 0;
        let mut tick = || {
            done += 1;
            task.at(done, "");
        };
        Ok(self.measure.segment(a, b, points, &mut tick)?)
    }
}
