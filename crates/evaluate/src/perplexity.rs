//! How well a network predicts a text, token by token.

use std::ops::Range;

use data::Dataset;
use graph::Executor;
use models::{Input, Labels, Loss, Model, Params};
use tensor::{DType, Tensor};

use crate::{
    EvaluateError, Score,
    chunks::ranges,
    passes::Passes,
    score::{self, Tally},
};

/// Tokens in one forward pass, and logits at most. Ours: as many tokens as an evaluation takes, and 256 MB of logits, of which
/// large vocabularies make more than of anything else.
const TOKENS: usize = 8192;
const LOGITS: usize = 1 << 26;

/// What a network makes of a text: minus the logarithm of the probability of each token, given those before it in its window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Perplexity {
    /// The mean loss of a token in nats, the share of tokens whose logit was the largest, the tokens that were predicted, and the
    /// loss in bits for each byte.
    pub score: Score,
    /// Tokens that the network reads at once.
    pub window: usize,
    /// Tokens from the beginning of a window to that of the next.
    pub stride: usize,
    /// The number of windows.
    pub windows: usize,
    /// The standard error of the mean loss, in nats, with windows as the units that are independent: that of a ratio of sums
    /// (Cochran 1977, section 2.11). `None` for one window.
    pub standard_error: Option<f64>,
}

impl Perplexity {
    /// e to the mean loss of a token.
    #[must_use]
    pub fn value(&self) -> f64 {
        self.score.loss.exp()
    }

    /// The standard error of [`Perplexity::value`], to first order.
    #[must_use]
    pub fn value_error(&self) -> Option<f64> {
        self.standard_error.map(|error| error * self.value())
    }
}

/// Whether a network predicts the next token of a text, so that it has a perplexity.
#[must_use]
pub fn predicts_texts(model: &Model) -> bool {
    matches!((model.input(), model.labels()), (Input::Tokens { .. }, Labels::NextTokens(_)))
        && model.target().is_none()
}

/// Predicts every token of a text but the first, once.
///
/// Windows of as many tokens as the network reads begin every `stride` tokens, by default one after the other without overlap. Of
/// each window those tokens count that no window before it has predicted: with a stride below the window each of them has
/// at least `window - stride` tokens before it, but for those of the first window. The last window ends where the text does. No token is put before
/// the text.
///
/// Losses are those of `f32` logits, summed in `f64` in the order of the text: equal parameters give equal bits.
///
/// # Errors
/// [`EvaluateError::Tokens`], [`EvaluateError::Text`] and [`EvaluateError::Labels`] where the network does not predict the next token of a text or the data are none,
/// [`EvaluateError::Vocabulary`] where the text has tokens that it does not know, [`EvaluateError::Stride`] for a stride of 0 or
/// beyond the window, and those of [`crate::evaluate`].
pub fn perplexity(
    executor: &dyn Executor,
    model: &Model,
    params: &Params,
    data: &Dataset,
    stride: Option<usize>,
) -> Result<Perplexity, EvaluateError> {
    model.check_layout(params)?;
    let tokens = readable(model, data)?;
    let window = model.input_features();
    let stride = stride.unwrap_or(window);
    if stride == 0 || stride > window {
        return Err(EvaluateError::Stride { model: model.spec(), window, found: stride });
    }
    let windows = Windows { tokens, window, stride };
    let chunk = (TOKENS.min(LOGITS / data.classes().max(1)) / window).max(1);
    let counted = windows.count();
    let lengths = ranges(counted, chunk).map(|range| range.len());
    let objective = |length| model.objective(length, DType::F32, Loss::CrossEntropy);
    let mut passes = Passes::new(executor, lengths, objective)?;
    let params: Vec<&Tensor> = params.values().collect();
    let mut pass = passes.begin(&params)?;
    let mut sums = Sums::default();
    for range in ranges(counted, chunk) {
        let length = range.len();
        let with = (range.clone(), windows.tensors(range));
        let done = pass.put(length, with, |(_, [x, labels])| vec![x, labels])?;
        if let Some(((range, _), results)) = done {
            sums.add(&windows, range, &results);
        }
    }
    while let Some(((range, _), results)) = pass.take()? {
        sums.add(&windows, range, &results);
    }
    let bytes_per_token = data.bytes_per_token().unwrap_or(f64::NAN);
    Ok(Perplexity {
        score: sums.tally.score().of_tokens(bytes_per_token),
        window,
        stride,
        windows: counted,
        standard_error: sums.standard_error(),
    })
}

/// The tokens of a text that the network can read, of which there are at least two.
fn readable<'a>(model: &Model, data: &'a Dataset) -> Result<&'a [i32], EvaluateError> {
    let (spec, name) = (model.spec(), data.name().to_owned());
    let Some(tokens) = data.token_ids() else {
        return Err(EvaluateError::Tokens { model: spec, data: name });
    };
    let Input::Tokens { vocabulary, .. } = model.input() else {
        return Err(EvaluateError::Text { model: spec, data: name });
    };
    if !predicts_texts(model) {
        let (predicts, has) = ("no next token".to_owned(), "the token after each token");
        return Err(EvaluateError::Labels { model: spec, data: name, predicts, has });
    }
    let most = model.classes().map_or(vocabulary, |classes| classes.min(vocabulary));
    // A tokenizer may know more tokens than a text has.
    match tokens.iter().copied().max().map(|token| token as usize) {
        Some(largest) if largest >= most => {
            Err(EvaluateError::Vocabulary { model: spec, data: name, expected: largest + 1, found: most })
        }
        _ => Ok(tokens),
    }
}

/// The windows of a text.
struct Windows<'a> {
    tokens: &'a [i32],
    window: usize,
    stride: usize,
}

impl Windows<'_> {
    /// The number of tokens to predict.
    const fn predicted(&self) -> usize {
        self.tokens.len() - 1
    }

    fn count(&self) -> usize {
        1 + self.predicted().saturating_sub(self.window).div_ceil(self.stride)
    }

    /// The places in a window whose predictions count.
    fn counted(&self, index: usize) -> Range<usize> {
        let first = if index == 0 { 0 } else { self.window - self.stride };
        first..self.window.min(self.predicted() - index * self.stride)
    }

    /// What a network reads of some windows, and what it is to predict; behind the end of the text the first token, which no
    /// prediction that counts can see.
    fn tensors(&self, range: Range<usize>) -> [Tensor; 2] {
        let token = |begin: usize| {
            let start = range.start;
            move |at: usize| {
                let place = (start + at / self.window) * self.stride + at % self.window + begin;
                self.tokens.get(place).copied().unwrap_or(0)
            }
        };
        [0, 1].map(|begin| Tensor::from_fn([range.len(), self.window], token(begin)))
    }
}

/// Sums over windows.
#[derive(Default)]
struct Sums {
    tally: Tally,
    /// The summed loss and the tokens of each window.
    windows: Vec<(f64, f64)>,
}

impl Sums {
    fn add(&mut self, windows: &Windows<'_>, range: Range<usize>, results: &[Tensor]) {
        let [_, losses, logits] = results else { unreachable!("the outputs of Model::objective") };
        let (Ok(losses), Ok(logits)) = (losses.as_slice::<f32>(), logits.as_slice::<f32>()) else {
            unreachable!("the types of Model::objective in f32")
        };
        let classes = logits.len() / losses.len();
        for (place, index) in range.enumerate() {
            let counted = windows.counted(index);
            let at = |within: usize| place * windows.window + within;
            let first = index * windows.stride + 1;
            let labels = &windows.tokens[first + counted.start..first + counted.end];
            let own = &losses[at(counted.start)..at(counted.end)];
            let rows = &logits[at(counted.start) * classes..at(counted.end) * classes];
            self.windows.push((score::sum(own), own.len() as f64));
            self.tally.add(own, rows, labels);
        }
    }

    fn standard_error(&self) -> Option<f64> {
        let count = self.windows.len() as f64;
        let (loss, tokens) =
            self.windows.iter().fold((0.0, 0.0), |(loss, tokens), own| (loss + own.0, tokens + own.1));
        let squares: f64 = self.windows.iter().map(|own| (own.0 - loss / tokens * own.1).powi(2)).sum();
        (count > 1.0).then(|| (squares * count / (count - 1.0)).sqrt() / tokens)
    }
}

#[cfg(test)]
mod tests {
    use graph::Reference;
    use models::Init;
    use tensor::Key;

    use super::*;

    const TEXT: &str = "the cat sat on the mat and the rat sat on the cat";

    fn text() -> Dataset {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), TEXT).unwrap();
        data::load(&format!("text:{},test=0.1", file.path().display())).unwrap().whole().unwrap().unwrap()
    }

    fn network(context: usize) -> (Model, Params) {
        let vocabulary = text().classes();
        let spec = format!("gpt:layers=1,width=8,heads=2,context={context},vocab={vocabulary}");
        let model = Model::parse(&spec).unwrap();
        let params = model.init(Init::PyTorch, Key::new(3));
        (model, params)
    }

    /// The loss of each token but the first, each predicted from what its window has before it, one run of the network for each.
    fn one_by_one(model: &Model, params: &Params, tokens: &[i32], stride: usize) -> Vec<f64> {
        let window = model.input_features();
        let graph = model.forward(1, DType::F32);
        let mut losses = Vec::new();
        for target in 1..tokens.len() {
            let windows_before = (target - 1).saturating_sub(window - 1).div_ceil(stride);
            let begin = windows_before * stride;
            let x =
                Tensor::from_fn([1, window], |at| if begin + at < target { tokens[begin + at] } else { 0 });
            let arguments: Vec<&Tensor> = params.values().chain([&x]).collect();
            let logits = Reference::evaluate(&graph, &arguments).unwrap()[0].to_f64_vec();
            let classes = logits.len() / window;
            let row = &logits[(target - 1 - begin) * classes..][..classes];
            let most = row.iter().copied().fold(f64::MIN, f64::max);
            let sum: f64 = row.iter().map(|logit| (logit - most).exp()).sum();
            losses.push(most + sum.ln() - row[tokens[target] as usize]);
        }
        losses
    }

    #[test]
    fn every_token_but_the_first_is_predicted_once_from_what_its_window_has_before_it() {
        let data = text();
        let tokens = data.token_ids().unwrap();
        for (context, stride) in [(7, 7), (7, 3), (7, 1), (48, 48), (64, 64), (64, 5)] {
            let (model, params) = network(context);
            let found = perplexity(&Reference, &model, &params, &data, Some(stride)).unwrap();
            let losses = one_by_one(&model, &params, tokens, stride);
            let mean = losses.iter().sum::<f64>() / losses.len() as f64;
            assert_eq!(found.score.count, TEXT.len() - 1);
            assert!((found.score.loss - mean).abs() < 1e-5, "{context} {stride}: {found:?} {mean}");
            assert!((found.value() - mean.exp()).abs() < 1e-4);
            assert_eq!(found.standard_error.is_some(), found.windows > 1);
        }
        // More before a token changes its loss: a stride is not ignored.
        let (model, params) = network(7);
        let loss = |stride| perplexity(&Reference, &model, &params, &data, stride).unwrap().score.loss;
        assert_eq!(loss(None), loss(Some(7)));
        assert_ne!(loss(None), loss(Some(1)));
    }

    #[test]
    fn the_standard_error_is_that_of_windows() {
        let windows = vec![(2.0, 2.0), (6.0, 2.0), (4.0, 2.0)];
        let mut sums = Sums { windows, ..Sums::default() };
        // The means of windows are 1, 3 and 2: their deviation is 1, over the root of 3.
        let error = sums.standard_error().unwrap();
        assert!((error - 1.0 / 3f64.sqrt()).abs() < 1e-12, "{error}");
        sums.windows.truncate(1);
        assert_eq!(sums.standard_error(), None);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let (data, (model, params)) = (text(), network(7));
        let error = |model: &Model, params: &Params, data: &Dataset, stride| {
            perplexity(&Reference, model, params, data, stride).unwrap_err().to_string()
        };
        assert!(error(&model, &params, &data, Some(0)).contains("stride from 1 to 7, found 0"));
        assert!(error(&model, &params, &data, Some(8)).contains("found 8"));
        let digits = data::load("digits").unwrap().test;
        assert!(error(&model, &params, &digits, None).contains("reads tokens"));
        let few = Model::parse("gpt:layers=1,width=8,heads=2,context=7,vocab=3").unwrap();
        let params = few.init(Init::PyTorch, Key::new(0));
        let text = error(&few, &params, &data, None);
        assert!(text.contains("vocabulary of at least") && text.contains("found 3"), "{text}");
        let encoder = Model::parse("bert:layers=1,width=8,heads=2,context=7,vocab=20").unwrap();
        let params = encoder.init(Init::PyTorch, Key::new(0));
        assert!(error(&encoder, &params, &data, None).contains("predicts no next token"));
    }
}
