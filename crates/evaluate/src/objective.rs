//! Networks that are their own objectives.

use data::Dataset;
use graph::{Argument, Executor};
use models::{Init, Model};
use tensor::{DType, Key, Tensor};

use crate::{EvaluateError, fit};

/// By how much the objective of one example twice may differ from that of it once, relative to the larger of the two, in `f64`.
/// Ours: sums in another order change it by 1e-15 or so; a sum over the batch is off by a half.
const TOLERANCE: f64 = 1e-9;

/// Checks that a network that is its own objective is a mean over the batch, as what is averaged over a data set and trained
/// in batches of any size must be: the objective of an example twice is that of it once. It is tried with random weights on the
/// first example. Nothing is checked of other networks.
///
/// A file may hide a sum, or the number of examples that the exporter had; both would count an example by the size of its batch.
///
/// # Errors
/// [`EvaluateError::NoMean`] where it is no mean, those of [`fit`] where the data do not suit the model,
/// [`EvaluateError::Exec`] where the executor refuses the graph.
pub fn check_objective(executor: &dyn Executor, model: &Model, data: &Dataset) -> Result<(), EvaluateError> {
    if model.target().is_none() {
        return Ok(());
    }
    let data = fit(model, data)?;
    let params = model.init(Init::PyTorch, Key::new(0));
    let params: Vec<Tensor> = params.values().map(|tensor| tensor.convert(DType::F64)).collect();
    let objective = |examples: &[usize]| {
        let (x, labels) = data.gather(examples);
        let x = if x.dtype().is_float() { x.convert(DType::F64) } else { x };
        let graph = model.objective(examples.len(), DType::F64, model.loss());
        let arguments = params.iter().chain([&x, &labels]).map(Argument::Borrowed);
        let found = executor.compile(&graph, &[])?.run(arguments.collect())?;
        Ok::<f64, EvaluateError>(found[0].to_f64_vec()[0])
    };
    let (once, twice) = (objective(&[0])?, objective(&[0, 0])?);
    if (once - twice).abs() > TOLERANCE * once.abs().max(twice.abs()) {
        return Err(EvaluateError::NoMean { model: model.spec(), once, twice });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use graph::Reference;
    use models::{Loss, Model, Params};

    use super::*;
    use crate::{Score, evaluate};

    /// A small network that PyTorch exported, with its weights.
    fn exported(name: &str) -> (Model, Params) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/tests/goldens/objectives");
        Model::import(&folder.join(format!("{name}.onnx"))).unwrap()
    }

    fn digits() -> Dataset {
        data::load("digits").unwrap().test
    }

    fn refusal(name: &str, data: &Dataset) -> String {
        let (model, params) = exported(name);
        evaluate(&Reference, &model, &params, data, Loss::Own).unwrap_err().to_string()
    }

    #[test]
    fn the_score_is_the_mean_over_the_examples_in_chunks_of_any_length() {
        for name in ["classifier-dynamo", "regression-legacy", "binary-legacy", "autoencoder-legacy"] {
            let ((model, params), data) = (exported(name), digits());
            let score = evaluate(&Reference, &model, &params, &data, Loss::Own).unwrap();
            let (x, labels) = (data.x(), data.labels());
            let arguments: Vec<&Tensor> = params.values().chain([&x, &labels]).collect();
            let graph = model.objective(data.len(), DType::F32, Loss::Own);
            let at_once = Reference::evaluate(&graph, &arguments).unwrap()[0].to_f64_vec()[0];
            assert!((score.loss - at_once).abs() < 1e-5 * at_once.abs(), "{name}: {} {at_once}", score.loss);
            let Score { accuracy, count, .. } = score;
            assert_eq!((accuracy, count), (None, data.len()), "{name}");
        }
    }

    #[test]
    fn the_objective_of_a_text_takes_the_tokens_after_each_token() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "abcab cabc".repeat(20)).unwrap();
        let data = data::load(&format!("text:{},test=0.1", file.path().display())).unwrap().train;
        let (model, params) = exported("language-legacy");
        let score = evaluate(&Reference, &model, &params, &data, Loss::Own).unwrap();
        let windows = data.with_window(4).unwrap();
        let (x, labels) = (windows.x(), windows.labels());
        assert_eq!(score.count, windows.len());
        let graph = model.objective(windows.len(), DType::F32, Loss::Own);
        let arguments: Vec<&Tensor> = params.values().chain([&x, &labels]).collect();
        let at_once = Reference::evaluate(&graph, &arguments).unwrap()[0].to_f64_vec()[0];
        assert!((score.loss - at_once).abs() < 1e-5 * at_once, "{} {at_once}", score.loss);
        assert_eq!((score.accuracy, score.bits_per_byte), (None, None));
    }

    #[test]
    fn what_is_no_mean_over_the_batch_is_refused() {
        for (name, how) in [("summed", "a sum"), ("counted", "the exporter's number of examples")] {
            let error = refusal(&format!("refused/{name}"), &digits());
            assert!(error.contains("is no mean over the batch"), "{how}: {error}");
        }
    }

    #[test]
    fn data_that_do_not_suit_an_objective_are_refused() {
        let other = data::load("mnist1d").unwrap().test;
        let error = refusal("autoencoder-dynamo", &other);
        assert!(error.contains("expected 40 features and 10 classes, found 64 and 10"), "{error}");
        assert!(error.contains("export an objective of such examples and labels"), "{error}");
        let x = Tensor::from_fn([4, 64], |i| i as f32);
        let three = Dataset::new("three", 3, x, Tensor::from_fn([4], |i| (i % 3) as i32)).unwrap();
        for name in ["classifier-legacy", "regression-dynamo"] {
            let error = refusal(name, &three);
            assert!(error.contains("expected 64 features and 3 classes, found 64 and 10"), "{name}: {error}");
        }
        assert!(refusal("language-legacy", &three).contains("reads tokens"));
        let (model, params) = exported("classifier-legacy");
        let error = evaluate(&Reference, &model, &params, &digits(), Loss::CrossEntropy).unwrap_err();
        assert!(error.to_string().contains("leave --loss out"), "{error}");
    }
}
