//! What can be wrong with an evaluation.

use data::{Dataset, Example};
use graph::ExecError;
use models::{Input, Labels, Model, ModelError};

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluateError {
    /// Model and data are of different sizes.
    #[error(
        "model {model} does not fit data set '{data}': expected {} features and {} classes, found {} and {}; {advice}",
        expected.0, expected.1, found.0, found.1
    )]
    Fit {
        /// The model's specification.
        model: String,
        /// The data set's name.
        data: String,
        /// The data set's features and classes.
        expected: (usize, usize),
        /// The model's features and classes.
        found: (usize, usize),
        /// What to try.
        advice: String,
    },
    /// The model reads texts, the data set holds none.
    #[error(
        "model {model} reads tokens, but data set '{data}' holds numbers; try a model for features or images"
    )]
    Tokens {
        /// The model's specification.
        model: String,
        /// The data set's name.
        data: String,
    },
    /// The data set is a text, the model reads numbers.
    #[error("model {model} reads numbers, but data set '{data}' holds texts; try gpt or lstm")]
    Text {
        /// The model's specification.
        model: String,
        /// The data set's name.
        data: String,
    },
    /// Images of another shape with as many numbers.
    #[error(
        "model {model} does not fit data set '{data}': expected images {expected} (channels, rows, columns), found \
         {found}; try --model with in={expected}"
    )]
    Image {
        /// The model's specification.
        model: String,
        /// The data set's name.
        data: String,
        /// The data set's images.
        expected: String,
        /// The model's images.
        found: String,
    },
    /// A text with more different tokens than the model knows.
    #[error(
        "model {model} does not fit data set '{data}': expected a vocabulary of at least {expected} tokens, found \
         {found}; try --model with vocab={expected}"
    )]
    Vocabulary {
        /// The model's specification.
        model: String,
        /// The data set's name.
        data: String,
        /// The different tokens of the text.
        expected: usize,
        /// The tokens that the model knows.
        found: usize,
    },
    /// A text that is shorter than what the model reads at once.
    #[error(
        "data set '{data}' is too short for model {model}: expected more than {expected} tokens, found {found}; try a \
         longer text or a smaller context"
    )]
    ShortText {
        /// The model's specification.
        model: String,
        /// The data set's name.
        data: String,
        /// The tokens that the model reads at once.
        expected: usize,
        /// The tokens of the text.
        found: usize,
    },
    /// Windows of a text that would leave tokens out, or never move on.
    #[error(
        "model {model} reads windows of {window} tokens: expected a stride from 1 to {window}, found {found}"
    )]
    Stride {
        /// The model's specification.
        model: String,
        /// The tokens that it reads at once.
        window: usize,
        /// The stride that was asked for.
        found: usize,
    },
    /// A model whose labels are not those of the data set.
    #[error("model {model} predicts {predicts}, which data set '{data}' does not say: it has {has}")]
    Labels {
        /// The model's specification.
        model: String,
        /// The data set's name.
        data: String,
        /// What the model predicts.
        predicts: String,
        /// What the labels of the data set are.
        has: &'static str,
    },
    /// A network that is its own objective, but no mean over the batch.
    #[error(
        "the objective of {model} is no mean over the batch: of one example it is {once:.6}, of the same one twice {twice:.6}; export \
         a module that returns the mean, with a dynamic batch axis where it divides by the number of examples"
    )]
    NoMean {
        /// The model's specification.
        model: String,
        /// Its objective of one example.
        once: f64,
        /// Its objective of that example twice.
        twice: f64,
    },
    /// The parameters are not the model's.
    #[error(transparent)]
    Params(#[from] ModelError),
    /// The forward pass could not be compiled or run.
    #[error(transparent)]
    Exec(#[from] ExecError),
}

/// A data set as a model reads it: a text in windows of as many tokens as the model takes, anything else as it is. Copies
/// share their memory.
///
/// # Errors
/// [`EvaluateError::Labels`] where the model predicts something else than the data set's labels,
/// [`EvaluateError::Fit`] where features or classes differ in number, [`EvaluateError::Image`] where images differ in
/// shape, [`EvaluateError::Tokens`] and [`EvaluateError::Text`] where one is of texts and the other is not,
/// [`EvaluateError::Vocabulary`] where the text has more different tokens than the model knows,
/// [`EvaluateError::ShortText`] where it has no window of that length.
pub fn fit(model: &Model, data: &Dataset) -> Result<Dataset, EvaluateError> {
    check_labels(model, data)?;
    let (spec, name) = (model.spec(), data.name().to_owned());
    match (model.input(), data.example()) {
        (Input::Tokens { count, vocabulary }, Example::Tokens(_)) => {
            let most = model.classes().map_or(vocabulary, |classes| classes.min(vocabulary));
            if data.classes() > most {
                let (expected, found) = (data.classes(), most);
                return Err(EvaluateError::Vocabulary { model: spec, data: name, expected, found });
            }
            let short = || EvaluateError::ShortText {
                model: spec,
                data: name,
                expected: count,
                found: data.tokens().unwrap_or(0),
            };
            data.with_window(count).ok_or_else(short)
        }
        (Input::Tokens { .. }, _) => Err(EvaluateError::Tokens { model: spec, data: name }),
        (_, Example::Tokens(_)) => Err(EvaluateError::Text { model: spec, data: name }),
        (input, example) => check_numbers(model, input, data, example).map(|()| data.clone()),
    }
}

/// Data sets have a class for each example, or are texts, whose tokens are to be predicted.
fn check_labels(model: &Model, data: &Dataset) -> Result<(), EvaluateError> {
    let text = matches!((model.input(), data.example()), (Input::Tokens { .. }, Example::Tokens(_)));
    let predicts = match model.labels() {
        Labels::Whole if text => "a class of each text".to_owned(),
        Labels::Places(places) => format!("a class of each of {places} places"),
        Labels::Whole | Labels::NextTokens(_) => return Ok(()),
    };
    let has = if text { "the token after each token" } else { "a class of each example" };
    Err(EvaluateError::Labels { model: model.spec(), data: data.name().to_owned(), predicts, has })
}

fn check_numbers(model: &Model, input: Input, data: &Dataset, example: Example) -> Result<(), EvaluateError> {
    let expected = (data.features(), data.classes());
    let found = (model.input_features(), model.classes().unwrap_or(expected.1));
    let is_own = model.target().is_some();
    let (model, data) = (model.spec(), data.name().to_owned());
    match (input, example) {
        _ if expected != found => {
            let advice = match input {
                _ if is_own => "export an objective of such examples and labels".to_owned(),
                Input::Features(_) | Input::Tokens { .. } | Input::Graph { .. } => {
                    format!("try --model with {}-…-{}", expected.0, expected.1)
                }
                Input::Image(_) => image_advice(example, expected),
            };
            Err(EvaluateError::Fit { model, data, expected, found, advice })
        }
        (Input::Image(input), Example::Image(image)) if input != image => {
            Err(EvaluateError::Image { model, data, expected: image.to_string(), found: input.to_string() })
        }
        _ => Ok(()),
    }
}

fn image_advice(example: Example, (features, classes): (usize, usize)) -> String {
    match example {
        Example::Image(image) => format!("try --model with the options in={image},classes={classes}"),
        Example::Features(_) | Example::Tokens(_) => {
            format!("try --model with the options in=CxHxW, where C·H·W is {features}, and classes={classes}")
        }
    }
}
