//! Scoring networks, with progress.

use clap::Args;
use isoloss::{
    data::Splits as Data,
    evaluate::{self, Calibration},
    landscape::Settle,
    models::{Loss, Model, Params},
    recipes::{
        measure,
        result::{Curve, Score, Splits},
    },
};

use serde_json::{Value, json};

use crate::{failure::Failure, session::Session};

/// Which loss is measured.
#[derive(Clone, Debug, Args)]
pub(crate) struct LossFlag {
    /// Loss: cross-entropy (the default), cross-entropy:smoothing=0.1 or squared-error; an ONNX file of a loss has its own
    #[arg(long = "loss", id = "loss", value_name = "NAME")]
    name: Option<String>,
}

impl LossFlag {
    /// Whether one was asked for.
    pub(crate) const fn is_given(&self) -> bool {
        self.name.is_some()
    }

    /// The loss of this model.
    pub(crate) fn of(&self, model: &Model) -> Result<Loss, Failure> {
        let loss = self.name.as_deref().map_or(Ok(model.loss()), Loss::parse)?;
        model.check_loss(loss)?;
        Ok(loss)
    }
}

/// Whether a loss is that of the next tokens of a text, so that e to it is a perplexity.
pub(crate) fn has_perplexity(model: &Model, data: &Data, loss: Loss) -> bool {
    data.train.token_ids().is_some() && loss == Loss::CrossEntropy && evaluate::predicts_texts(model)
}

/// What is said of a network that has no accuracy; nothing of others.
pub(crate) fn sentence_on_accuracy(model: &Model) -> &'static str {
    match model.target() {
        Some(_) => {
            "the network is its own objective: the loss is the mean of what it returns, and there is no accuracy\n"
        }
        None => "",
    }
}

/// What becomes of the running statistics of batch normalisation.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Statistics {
    /// Leave the running statistics of batch normalisation averaged like the weights, not re-estimated on the training data
    #[arg(long)]
    pub(crate) keep_statistics: bool,
}

impl Statistics {
    /// What was done with them, in a sentence for people; none for a model that has none.
    pub(crate) fn sentence(self, model: &Model, reestimated_on: Option<usize>) -> Option<String> {
        let has = !model.buffers().is_empty();
        has.then(|| match reestimated_on {
            Some(examples) => format!("running statistics re-estimated on {examples} training examples\n"),
            None if self.keep_statistics => "running statistics averaged like the weights\n".to_owned(),
            None => {
                "running statistics averaged like the weights, which seldom suits them; --data re-estimates them\n".to_owned()
            }
        })
    }

    /// The same for programs; null for a model that has none.
    pub(crate) fn json(model: &Model, reestimated_on: Option<usize>) -> Value {
        match (model.buffers().is_empty(), reestimated_on) {
            (true, _) => Value::Null,
            (false, Some(examples)) => json!({ "reestimated": true, "examples": examples }),
            (false, None) => json!({ "reestimated": false }),
        }
    }
}

/// A model prepared to be scored on both parts of a data set.
pub(crate) struct Measure<'a> {
    session: &'a Session,
    measure: measure::Measure,
}

impl<'a> Measure<'a> {
    /// Compiles the forward passes.
    pub(crate) fn new(
        session: &'a Session,
        model: &Model,
        data: &Data,
        loss: Loss,
        statistics: Statistics,
    ) -> Result<Self, Failure> {
        let measure = measure::Measure::new(session.executor(), model, data, loss)?;
        let measure = if statistics.keep_statistics { measure.keeping_statistics() } else { measure };
        Ok(Self { session, measure })
    }

    /// The number of examples that running statistics are re-estimated on, where they are.
    pub(crate) fn reestimated_on(&self) -> Option<usize> {
        self.measure.reestimated_on()
    }

    /// New weights, with their running statistics re-estimated where that is to be done.
    pub(crate) fn settle(&mut self, params: Params) -> Result<Params, Failure> {
        Ok(self.measure.settle(params)?)
    }

    /// The score of a network.
    pub(crate) fn score(&mut self, params: &Params) -> Result<Splits<Score>, Failure> {
        Ok(self.measure.score(params)?)
    }

    /// The same, with segments that tell the expected calibration error.
    pub(crate) fn calibrating(self) -> Self {
        Self { measure: self.measure.calibrating(), ..self }
    }

    /// The score, and how a network is calibrated on the test set; no calibration of one without predictions.
    pub(crate) fn score_and_calibration(
        &mut self,
        params: &Params,
    ) -> Result<(Splits<Score>, Option<Calibration>), Failure> {
        Ok(self.measure.score_and_calibration(params)?)
    }

    /// The scores at `points` places on the segment between two networks.
    pub(crate) fn segment(
        &mut self,
        title: &str,
        ends: [&Params; 2],
        points: usize,
    ) -> Result<Splits<Curve>, Failure> {
        self.segment_with(title, ends, points, &mut |_, params| Ok(params))
    }

    /// The same with networks that are changed between the ends.
    pub(crate) fn segment_with(
        &mut self,
        title: &str,
        ends: [&Params; 2],
        points: usize,
        between: &mut Settle<'_>,
    ) -> Result<Splits<Curve>, Failure> {
        let task = self.session.progress.task(title, points as u64, "points");
        let mut done = 0;
        let mut tick = || {
            done += 1;
            task.at(done, "");
        };
        Ok(self.measure.segment(ends, points, between, &mut tick)?)
    }
}
