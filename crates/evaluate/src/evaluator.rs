//! Forward passes over a whole data set.

use std::{borrow::Cow, ops::Range};

use data::Dataset;
use graph::Executor;
use models::{Loss, Model, Params};
use tensor::{DType, Tensor};

use crate::{
    EvaluateError, Predictions, Score, check_objective,
    chunks::{chunk, ranges},
    fit,
    passes::Passes,
    score::Tally,
};

/// Most bytes of examples that are kept as the network reads them. Ours: all of MNIST fits; what is larger is made again
/// for every pass.
const KEPT_BYTES: usize = 256 << 20;

/// Most logits that [`Evaluator::predict`] keeps: 1 GiB of them. Ours.
pub const MOST_LOGITS: usize = 1 << 28;

/// A model prepared to be scored on one data set, for any number of parameters.
///
/// The data set is cut into chunks that depend on the model alone; the last is as long as what is left, so that every
/// example counts once. Up to 256 MiB of examples are kept as the network reads them; of larger data sets the chunks are
/// made anew in every pass. A pass needs the executor's working memory for one chunk besides. Where the executor has
/// companions, they take the chunks in turn.
pub struct Evaluator {
    model: Model,
    data: Dataset,
    /// The mean length of a token of a text whose loss is in nats.
    bytes_per_token: Option<f64>,
    chunk: usize,
    kept: Vec<Chunk>,
    passes: Passes,
    calibrating: bool,
}

#[derive(Clone)]
struct Chunk {
    x: Tensor,
    labels: Tensor,
}

impl Evaluator {
    /// Compiles the forward pass and cuts the data set into chunks.
    ///
    /// # Errors
    /// [`EvaluateError::Params`] where the loss does not go with the model ([`Model::check_loss`]), those of
    /// [`check_objective`] and [`fit`] where the data do not suit it or it is no mean over the batch, [`EvaluateError::Exec`] where the executor refuses the graph.
    pub fn new(
        executor: &dyn Executor,
        model: &Model,
        data: &Dataset,
        loss: Loss,
    ) -> Result<Self, EvaluateError> {
        model.check_loss(loss)?;
        check_objective(executor, model, data)?;
        let (data, chunk) = (fit(model, data)?, chunk(model.input()));
        let lengths = ranges(data.len(), chunk).map(|range| range.len());
        let passes = Passes::new(executor, lengths, |length| model.objective(length, DType::F32, loss))?;
        let bytes_per_token = data.bytes_per_token().filter(|_| loss == Loss::CrossEntropy);
        let (model, kept) = (model.clone(), Vec::new());
        let mut evaluator = Self { model, data, bytes_per_token, chunk, kept, passes, calibrating: false };
        if evaluator.data.len().saturating_mul(4 * evaluator.data.features()) <= KEPT_BYTES {
            evaluator.kept =
                ranges(evaluator.data.len(), chunk).map(|range| Chunk::new(&evaluator.data, range)).collect();
        }
        Ok(evaluator)
    }

    /// The same, with scores that tell the expected calibration error.
    #[must_use]
    pub const fn calibrating(mut self) -> Self {
        self.calibrating = true;
        self
    }

    /// The model.
    #[must_use]
    pub const fn model(&self) -> &Model {
        &self.model
    }

    /// Loss and accuracy of these parameters, from one pass over the data set. Losses are summed in `f64` in the
    /// order of the examples, so that equal parameters give equal bits.
    ///
    /// An example is right where its label's logit is the largest, the first of equals; one with a NaN among its logits is
    /// wrong. Of a network that is its own objective the loss is the mean of the chunks' objectives, each counted by its
    /// examples, and there is no accuracy. Parameters that are not finite are not refused: their loss says so.
    ///
    /// # Errors
    /// [`EvaluateError::Params`] where names, order, shapes or types are not the model's.
    pub fn score(&mut self, params: &Params) -> Result<Score, EvaluateError> {
        let mut tally = Tally::new(self.calibrating);
        self.pass(params, &mut |chunk, results| chunk.count(results, &mut tally))?;
        let score = tally.score();
        Ok(self.bytes_per_token.map_or(score, |bytes| score.of_tokens(bytes)))
    }

    /// The score, and what the network predicts for each example, from the same pass; no predictions of a network that is its own
    /// objective, or where they would be more than [`MOST_LOGITS`] numbers.
    ///
    /// # Errors
    /// As [`Evaluator::score`].
    pub fn predict(&mut self, params: &Params) -> Result<(Score, Option<Predictions>), EvaluateError> {
        let count = self.data.len() * self.model.labels().shape().iter().product::<usize>();
        let classes = self.model.classes().filter(|classes| count.saturating_mul(*classes) <= MOST_LOGITS);
        let Some(classes) = classes else { return Ok((self.score(params)?, None)) };
        let mut tally = Tally::new(self.calibrating);
        let mut predictions = Predictions::with_capacity(count, classes);
        self.pass(params, &mut |chunk, results| {
            chunk.count(results, &mut tally);
            if let [_, _, logits] = results {
                let (logits, labels) = chunk.predictions(logits);
                predictions.extend(logits, labels);
            }
        })?;
        let score = tally.score();
        let score = self.bytes_per_token.map_or(score, |bytes| score.of_tokens(bytes));
        Ok((score, Some(predictions).filter(|predictions| predictions.len() > 1)))
    }

    /// Runs the objective on all chunks, in order.
    fn pass(
        &mut self,
        params: &Params,
        take: &mut dyn FnMut(&Chunk, &[Tensor]),
    ) -> Result<(), EvaluateError> {
        self.model.check_layout(params)?;
        let params: Vec<&Tensor> = params.values().collect();
        let mut pass = self.passes.begin(&params)?;
        for (position, range) in ranges(self.data.len(), self.chunk).enumerate() {
            let length = range.len();
            let chunk = match self.kept.get(position) {
                Some(kept) => Cow::Borrowed(kept),
                None => Cow::Owned(Chunk::new(&self.data, range)),
            };
            let done = pass.put(length, chunk, |chunk| vec![&chunk.x, &chunk.labels])?;
            if let Some((chunk, results)) = done {
                take(&chunk, &results);
            }
        }
        while let Some((chunk, results)) = pass.take()? {
            take(&chunk, &results);
        }
        Ok(())
    }
}

impl Chunk {
    fn new(data: &Dataset, range: Range<usize>) -> Self {
        let (x, labels) = data.range(range);
        Self { x, labels }
    }

    /// Adds what the objective says of its examples.
    fn count(&self, results: &[Tensor], tally: &mut Tally) {
        if let [objective] = results {
            return tally.add_mean(objective.to_f64_vec()[0], self.x.shape()[0]);
        }
        let [_, losses, logits] = results else { unreachable!("the outputs of Model::objective") };
        let Ok(losses) = losses.as_slice() else { unreachable!("the types of Model::objective in f32") };
        let (logits, labels) = self.predictions(logits);
        tally.add(losses, logits, labels);
    }

    fn predictions<'a>(&'a self, logits: &'a Tensor) -> (&'a [f32], &'a [i32]) {
        match (logits.as_slice(), self.labels.as_slice()) {
            (Ok(logits), Ok(labels)) => (logits, labels),
            _ => unreachable!("the types of Model::objective in f32"),
        }
    }
}

/// Loss and accuracy of one network on one data set, as [`Evaluator::score`].
///
/// # Errors
/// Those of [`Evaluator::new`] and [`Evaluator::score`].
pub fn evaluate(
    executor: &dyn Executor,
    model: &Model,
    params: &Params,
    data: &Dataset,
    loss: Loss,
) -> Result<Score, EvaluateError> {
    Evaluator::new(executor, model, data, loss)?.score(params)
}

#[cfg(test)]
mod tests {
    use graph::{Argument, Reference};
    use models::Init;
    use tensor::Key;

    use super::*;

    /// `count` random examples of three features in two classes.
    fn dataset(count: usize) -> Dataset {
        let key = Key::new(11);
        let x = Tensor::from_fn([count, 3], |i| key.normal(i as u64) as f32);
        let labels = Tensor::from_fn([count], |i| (key.child("label").bits(i as u64) % 2) as i32);
        Dataset::new("random", 2, x, labels).unwrap()
    }

    fn network() -> (Model, Params) {
        let model = Model::parse("mlp:3-4-2").unwrap();
        let params = model.init(Init::PyTorch, Key::new(0));
        (model, params)
    }

    /// The score from one pass over everything at once.
    fn at_once(model: &Model, params: &Params, data: &Dataset) -> (f64, usize) {
        let graph = model.objective(data.len(), DType::F32, Loss::CrossEntropy);
        let (x, labels) = (data.x(), data.labels());
        let tensors = params.values().chain([&x, &labels]);
        let mut executable = Reference.compile(&graph, &[]).unwrap();
        let results = executable.run(tensors.map(Argument::Borrowed).collect()).unwrap();
        let logits = results[2].as_slice::<f32>().unwrap().chunks(2);
        let labels = labels.as_slice::<i32>().unwrap();
        let right = logits.zip(labels).filter(|(row, label)| i32::from(row[1] > row[0]) == **label).count();
        (results[1].to_f64_vec().iter().sum::<f64>() / data.len() as f64, right)
    }

    #[test]
    fn a_team_gives_the_bits_of_one() {
        let (model, params) = network();
        let data = dataset(4500);
        let alone = evaluate(&Reference, &model, &params, &data, Loss::CrossEntropy).unwrap();
        for count in [2, 3, 7] {
            let team = testkit::team::Team::of(count, || Box::new(Reference));
            let mut evaluator = Evaluator::new(&team, &model, &data, Loss::CrossEntropy).unwrap();
            assert_eq!(evaluator.score(&params).unwrap(), alone, "{count}");
            assert_eq!(evaluator.score(&params).unwrap(), alone, "{count}, again");
        }
    }

    #[test]
    fn every_example_counts_once_whatever_is_left_over() {
        let (model, params) = network();
        for count in [1, 999, 1000, 1001, 2500] {
            let data = dataset(count);
            let score = evaluate(&Reference, &model, &params, &data, Loss::CrossEntropy).unwrap();
            let (loss, right) = at_once(&model, &params, &data);
            assert!((score.loss - loss).abs() < 1e-12 * loss, "{count}: {} {loss}", score.loss);
            assert_eq!((score.count, score.accuracy), (count, Some(right as f64 / count as f64)));
        }
    }

    #[test]
    fn an_evaluator_is_reused_with_the_same_bits() {
        let (model, params) = network();
        let mut evaluator = Evaluator::new(&Reference, &model, &dataset(1200), Loss::SquaredError).unwrap();
        let first = evaluator.score(&params).unwrap();
        let other = evaluator.score(&model.init(Init::He, Key::new(1))).unwrap();
        assert_ne!(first, other);
        assert_eq!(evaluator.score(&params).unwrap(), first);
    }

    #[test]
    fn squared_error_of_a_network_of_zeros_is_one() {
        let (model, params) = network();
        let zeros = params
            .with_values(params.values().map(|p| Tensor::zeros(DType::F32, p.shape().clone())).collect());
        let data = dataset(10);
        let score = evaluate(&Reference, &model, &zeros, &data, Loss::SquaredError).unwrap();
        let of_class_0 = data.counts()[0];
        let accuracy = Some(of_class_0 as f64 / 10.0);
        assert_eq!(
            score,
            Score { loss: 1.0, accuracy, count: 10, bits_per_byte: None, calibration_error: None }
        );
    }

    #[test]
    fn weights_that_are_nan_get_a_nan_loss_and_nothing_right() {
        let (model, mut params) = network();
        params.get_mut("2.bias").unwrap().as_mut_slice::<f32>().unwrap().fill(f32::NAN);
        let score = evaluate(&Reference, &model, &params, &dataset(10), Loss::CrossEntropy).unwrap();
        assert!(score.loss.is_nan() && score.accuracy == Some(0.0), "{score:?}");
    }

    #[test]
    fn predictions_tell_what_scores_do() {
        let (model, params) = network();
        let evaluator = Evaluator::new(&Reference, &model, &dataset(1200), Loss::CrossEntropy).unwrap();
        let mut evaluator = evaluator.calibrating();
        let (score, predictions) = evaluator.predict(&params).unwrap();
        assert_eq!(evaluator.score(&params).unwrap(), score);
        let predictions = predictions.unwrap();
        assert_eq!(predictions.len(), 1200);
        assert_eq!(score.calibration_error, Some(predictions.calibration().error));
    }

    #[test]
    fn a_model_that_does_not_fit_the_data_is_refused() {
        let model = Model::parse("mlp:5-2").unwrap();
        let params = model.init(Init::PyTorch, Key::new(0));
        let error = evaluate(&Reference, &model, &params, &dataset(4), Loss::CrossEntropy).unwrap_err();
        assert_eq!(
            error.to_string(),
            "model mlp:5-2 does not fit data set 'random': expected 3 features and 2 classes, found 5 and 2; try --model with 3-…-2"
        );
    }

    /// A text in a file that is gone when it has been read.
    fn text(contents: &str) -> Dataset {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), contents).unwrap();
        data::load(&format!("text:{},test=0.1", file.path().display())).unwrap().train
    }

    #[test]
    fn every_token_of_a_text_counts_once() {
        let (data, model) =
            (text(&"abcab ".repeat(20)), Model::parse("lstm:vocab=4,hidden=3,steps=7").unwrap());
        let params = model.init(Init::PyTorch, Key::new(0));
        let score = evaluate(&Reference, &model, &params, &data, Loss::CrossEntropy).unwrap();
        assert_eq!(score.count, 107 / 7 * 7);
        assert_eq!(score.bits_per_byte, Some(score.loss / std::f64::consts::LN_2));
        let smoothed = Loss::parse("cross-entropy:smoothing=0.1").unwrap();
        assert_eq!(evaluate(&Reference, &model, &params, &data, smoothed).unwrap().bits_per_byte, None);
        assert!((score.loss - 4f64.ln()).abs() < 0.5 && score.accuracy.is_some(), "{score:?}");
    }

    #[test]
    fn texts_that_do_not_suit_a_model_are_refused() {
        let error = |spec: &str, data: &Dataset| {
            let model = Model::parse(spec).unwrap();
            fit(&model, data).unwrap_err().to_string()
        };
        let short = text(&"abcab ".repeat(20));
        assert!(
            error("lstm:vocab=3", &short).contains("at least 4 tokens, found 3; try --model with vocab=4")
        );
        assert!(error("lstm:vocab=4,steps=108", &short).contains("expected more than 108 tokens, found 108"));
        assert!(error("mlp:128-4", &short).contains("reads numbers"));
        let encoder = error("bert:vocab=4,context=8", &short);
        assert!(encoder.contains("a class of each of [8] places, which data set"), "{encoder}");
        assert!(error("bert:vocab=4,context=8,head=sequence", &short).contains("a class of each text"));
        assert!(error("lstm", &dataset(3)).contains("reads tokens"));
    }

    #[test]
    fn images_of_another_shape_are_refused() {
        let digits = data::load("digits").unwrap().test;
        let error = |spec: &str| fit(&Model::parse(spec).unwrap(), &digits).unwrap_err().to_string();
        assert!(error("resnet8:in=1x4x16").contains("expected images 1x8x8"));
        assert!(error("unet:levels=1,in=1x8x8").contains("a class of each of [8, 8] places"));
        assert!(error("resnet8").contains("try --model with the options in=1x8x8,classes=10"));
    }

    #[test]
    fn parameters_of_another_model_are_refused() {
        let (model, _) = network();
        let params = Model::parse("mlp:3-5-2").unwrap().init(Init::PyTorch, Key::new(0));
        let error = evaluate(&Reference, &model, &params, &dataset(4), Loss::CrossEntropy).unwrap_err();
        assert!(error.to_string().contains("parameter '0.weight' does not fit model mlp:3-4-2"), "{error}");
    }
}
