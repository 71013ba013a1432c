//! Recipes: mergekit's YAML.

mod reference;
mod setting;
mod yaml;

use std::{fs, ops::Range, path::Path};

use tensor::Stored;

use self::yaml::{At, MOST_BYTES, Node};
pub use self::{
    reference::Reference,
    setting::{Kind, Scalar, Setting, Settings},
};
use crate::{DeltaError, Method, methods};

/// The place of what stands in no other.
const ROOT: &str = "the recipe";

/// What is to be merged, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// The text, verbatim.
    pub text: String,
    /// The method.
    pub method: Method,
    /// What is merged: whole models, or runs of their layers on top of each other.
    pub content: Content,
    /// The model that differences are taken from.
    pub base: Option<Reference>,
    /// Parameters for all tensors and models.
    pub parameters: Settings,
    /// The type of the result, where `out_dtype` says no other. mergekit also rounds all models to it before it computes; here
    /// arithmetic is in f32 on what the files hold.
    pub dtype: Option<Stored>,
    /// The type of the result.
    pub out_dtype: Option<Stored>,
    /// Whose tokenizer the result has.
    pub tokenizer: Option<Tokenizer>,
    /// Parameters that are there and have no influence on this method, as in mergekit: sentences for people.
    pub notes: Vec<String>,
}

/// What is merged.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Whole models.
    Models(Vec<Input>),
    /// Runs of layers, on top of each other.
    Slices(Vec<Slice>),
}

/// A model with its own parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// The model.
    pub model: Reference,
    /// Parameters for it alone; they count before those of the recipe.
    pub parameters: Settings,
}

/// A run of layers of the result.
#[derive(Clone, Debug, PartialEq)]
pub struct Slice {
    /// Where they come from; all have as many layers.
    pub sources: Vec<(Input, Range<usize>)>,
    /// Another base than the recipe's.
    pub base: Option<Reference>,
    /// Parameters for these layers; they count before those of the recipe.
    pub parameters: Settings,
}

/// The tokens of the result. Embeddings are put in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokenizer {
    /// Where they come from.
    pub origin: Origin,
    /// Tokens whose embedding is chosen; those that are not there are added.
    pub tokens: Vec<TokenChoice>,
    /// Embeddings get a multiple of so many rows; those that are too many are the mean of the others.
    pub multiple_of: Option<usize>,
}

/// Whose tokenizer the result has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// That of the base model, or of the first one.
    Base,
    /// That of the base model, or of the first one, with all further tokens of the other models.
    Union,
    /// That of a model.
    Model(Reference),
}

/// A token whose embedding is chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenChoice {
    /// The token.
    pub token: String,
    /// What stands for it in models that have it not; something must where one has it not.
    pub source: Option<TokenSource>,
    /// Whether it does so in models that have it, too.
    pub force: bool,
}

/// An embedding of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenSource {
    /// Zeros.
    Zero,
    /// That of the same token of a model.
    Model(Reference),
    /// That of the token with this number of a model.
    Number(Reference, usize),
    /// That of another token of a model.
    Token(Reference, String),
}

impl Recipe {
    /// Reads a file.
    ///
    /// # Errors
    /// [`DeltaError::Read`] and [`DeltaError::TooLong`], and those of [`Recipe::parse`].
    pub fn open(path: &Path) -> Result<Self, DeltaError> {
        let unreadable = |source| DeltaError::Read { path: path.to_owned(), source };
        let found = fs::metadata(path).map_err(unreadable)?.len();
        if found > MOST_BYTES {
            let what = "a recipe";
            return Err(DeltaError::TooLong { path: path.to_owned(), what, found, most: MOST_BYTES });
        }
        Self::parse(&fs::read_to_string(path).map_err(unreadable)?)
    }

    /// Reads mergekit's YAML: `merge_method`, `models` or `slices`, `base_model`, `parameters`, `dtype`, `out_dtype`,
    /// `tokenizer_source` or `tokenizer`.
    ///
    /// # Errors
    /// [`DeltaError::Yaml`] where it is no YAML or beyond the limits, [`DeltaError::UnknownMethod`],
    /// [`DeltaError::UnknownKey`] with the nearest one that is known, [`DeltaError::Recipe`] where something else is expected,
    /// and [`DeltaError::Unsupported`] for what mergekit has and this does not.
    pub fn parse(text: &str) -> Result<Self, DeltaError> {
        let node = Node::parse(text)?;
        let root = At { node: &node, place: ROOT.to_owned() };
        let [
            method,
            models,
            slices,
            base,
            parameters,
            dtype,
            out_dtype,
            tokenizer_source,
            tokenizer,
            modules,
            template,
        ] = root.keys([
            "merge_method",
            "models",
            "slices",
            "base_model",
            "parameters",
            "dtype",
            "out_dtype",
            "tokenizer_source",
            "tokenizer",
            "modules",
            "chat_template",
        ])?;
        refuse(modules, "merging modules apart", "give models, where each tensor is merged by its name")?;
        refuse(template, "another chat template", "leave it out: that of the base model is copied")?;
        let method = method.ok_or_else(|| root.fault("a merge_method"))?;
        let name = method.text()?;
        let method =
            Method::from_name(name).ok_or_else(|| DeltaError::UnknownMethod { found: name.to_owned() })?;
        let content = match (models, slices) {
            (Some(models), None) => Content::Models(inputs(&models)?),
            (None, Some(slices)) => Content::Slices(self::slices(&slices)?),
            _ => return Err(root.fault("either models or slices")),
        };
        let mut recipe = Self {
            text: text.to_owned(),
            method,
            content,
            base: base.map(|base| Reference::read(&base)).transpose()?,
            parameters: Settings::read(parameters)?,
            dtype: dtype.map(|dtype| float(&dtype)).transpose()?,
            out_dtype: out_dtype.map(|dtype| float(&dtype)).transpose()?,
            tokenizer: self::tokenizer(&root, tokenizer_source, tokenizer)?,
            notes: Vec::new(),
        };
        recipe.check_parameters()?;
        Ok(recipe)
    }

    /// All parameters, with those of models and slices.
    fn settings(&self) -> Vec<&Settings> {
        let mut all = vec![&self.parameters];
        match &self.content {
            Content::Models(models) => all.extend(models.iter().map(|model| &model.parameters)),
            Content::Slices(slices) => {
                for slice in slices {
                    all.push(&slice.parameters);
                    all.extend(slice.sources.iter().map(|(source, _)| &source.parameters));
                }
            }
        }
        all
    }

    /// Every parameter must be one of some method; one of another method is noted.
    fn check_parameters(&mut self) -> Result<(), DeltaError> {
        let (mut notes, known) = (Vec::new(), methods::parameter_names());
        let here = self.method.parameters();
        for (name, place) in self.settings().into_iter().flat_map(Settings::names) {
            if !known.contains(&name) {
                let known: Vec<&str> = here.iter().map(|parameter| parameter.name).collect();
                return Err(DeltaError::UnknownKey { at: place.to_owned(), found: name.to_owned(), known });
            }
            if !here.iter().any(|parameter| parameter.name == name) {
                notes.push(format!("{place} has no influence on {}", self.method.name()));
            } else if name == methods::INT8_MASK {
                notes.push(format!("{place} has no influence here: masks take no memory"));
            }
        }
        self.notes = notes;
        Ok(())
    }
}

fn refuse(at: Option<At<'_>>, what: &str, hint: &'static str) -> Result<(), DeltaError> {
    match at {
        Some(at) => Err(DeltaError::Unsupported { at: at.place, what: what.to_owned(), hint }),
        None => Ok(()),
    }
}

fn inputs(at: &At<'_>) -> Result<Vec<Input>, DeltaError> {
    let items = at.list()?;
    if items.is_empty() {
        return Err(at.fault("a list of models"));
    }
    let input = |item: &At<'_>| {
        let [model, parameters] = item.keys(["model", "parameters"])?;
        let model = model.ok_or_else(|| item.fault("a map with a model"))?;
        Ok(Input { model: Reference::read(&model)?, parameters: Settings::read(parameters)? })
    };
    items.iter().map(input).collect()
}

fn slices(at: &At<'_>) -> Result<Vec<Slice>, DeltaError> {
    let items = at.list()?;
    if items.is_empty() {
        return Err(at.fault("a list of slices"));
    }
    items.iter().map(slice).collect()
}

fn slice(at: &At<'_>) -> Result<Slice, DeltaError> {
    let [sources, base, parameters, residual] =
        at.keys(["sources", "base_model", "parameters", "residual_weight"])?;
    refuse(residual, "a residual weight", "mergekit reads it and does not use it; leave it out")?;
    let sources = sources.ok_or_else(|| at.fault("a map with sources"))?;
    let read = sources.list()?.iter().map(source).collect::<Result<Vec<_>, _>>()?;
    let Some((_, first)) = read.first() else { return Err(sources.fault("a list of sources")) };
    if let Some((other, range)) = read.iter().find(|(_, range)| range.len() != first.len()) {
        return Err(DeltaError::Recipe {
            at: sources.place,
            expected: format!("as many layers of every source as of the first, {}", first.len()),
            found: format!("{} of {}", range.len(), other.model),
        });
    }
    let base = base.map(|base| Reference::read(&base)).transpose()?;
    Ok(Slice { sources: read, base, parameters: Settings::read(parameters)? })
}

fn source(at: &At<'_>) -> Result<(Input, Range<usize>), DeltaError> {
    let [model, layers, parameters] = at.keys(["model", "layer_range", "parameters"])?;
    let model = model.ok_or_else(|| at.fault("a map with a model"))?;
    let layers = layers.ok_or_else(|| at.fault("a map with a layer_range"))?;
    let ends = layers.list()?.iter().map(At::count).collect::<Result<Vec<_>, _>>()?;
    let [first, end] = ends[..] else { return Err(layers.fault("two numbers, as [0, 16]")) };
    if first >= end {
        return Err(layers.fault("a first layer and a larger one behind the last, as [0, 16]"));
    }
    Ok((Input { model: Reference::read(&model)?, parameters: Settings::read(parameters)? }, first..end))
}

/// A type of floats by PyTorch's name.
fn float(at: &At<'_>) -> Result<Stored, DeltaError> {
    let text = at.text()?;
    match text.strip_prefix("torch.").unwrap_or(text) {
        "float32" => Ok(Stored::F32),
        "float16" => Ok(Stored::F16),
        "bfloat16" => Ok(Stored::BF16),
        "float64" => {
            let (at, what) = (at.place.clone(), "arithmetic in 64 bits".to_owned());
            Err(DeltaError::Unsupported { at, what, hint: "take float32" })
        }
        _ => Err(at.fault("float32, float16 or bfloat16")),
    }
}

fn tokenizer(
    root: &At<'_>,
    source: Option<At<'_>>,
    map: Option<At<'_>>,
) -> Result<Option<Tokenizer>, DeltaError> {
    let (source, tokens, padding) = match (source, map) {
        (Some(_), Some(_)) => return Err(root.fault("either tokenizer_source or tokenizer")),
        (None, None) => return Ok(None),
        (Some(source), None) => (Some(source), None, None),
        (None, Some(map)) => {
            let [source, tokens, padding] = map.keys(["source", "tokens", "pad_to_multiple_of"])?;
            (source, tokens, padding)
        }
    };
    let origin = match source {
        None => Origin::Union,
        Some(At { node: Node::Text(text), .. }) if text == "base" => Origin::Base,
        Some(At { node: Node::Text(text), .. }) if text == "union" => Origin::Union,
        Some(at) => Origin::Model(Reference::read(&at)?),
    };
    let tokens = tokens.map(|tokens| tokens.fields()).transpose()?.unwrap_or_default();
    let tokens = tokens.iter().map(|(token, at)| choice(token, at)).collect::<Result<_, _>>()?;
    let multiple_of = padding.map(|at| match at.count()? {
        0 => Err(at.fault("a whole number from 1 to 1000000000")),
        multiple => Ok(multiple),
    });
    Ok(Some(Tokenizer { origin, tokens, multiple_of: multiple_of.transpose()? }))
}

/// What stands for a token.
fn choice(token: &str, at: &At<'_>) -> Result<TokenChoice, DeltaError> {
    let [source, force] = at.keys(["source", "force"])?;
    let force = match force {
        None => false,
        Some(At { node: Node::Bool(force), .. }) => *force,
        Some(at) => return Err(at.fault("true or false")),
    };
    let source = source.map(|at| token_source(&at)).transpose()?;
    Ok(TokenChoice { token: token.to_owned(), source, force })
}

fn token_source(at: &At<'_>) -> Result<TokenSource, DeltaError> {
    let Node::Map(fields) = at.node else { return Ok(TokenSource::Model(Reference::read(at)?)) };
    if !fields.iter().any(|(key, _)| key == "kind") {
        return Ok(TokenSource::Model(Reference::read(at)?));
    }
    let [kind, model, number, token] = at.keys(["kind", "model", "token_id", "token"])?;
    let kind = kind.ok_or_else(|| at.fault("a kind"))?;
    match (kind.text()?, model, number, token) {
        ("zero", None, None, None) => Ok(TokenSource::Zero),
        ("model_token", Some(model), Some(number), None) => {
            Ok(TokenSource::Number(Reference::read(&model)?, number.count()?))
        }
        ("model_token", Some(model), None, Some(token)) => {
            Ok(TokenSource::Token(Reference::read(&model)?, token.text()?.to_owned()))
        }
        ("zero" | "model_token", ..) => {
            Err(at.fault("kind: zero alone, or kind: model_token with a model and either token_id or token"))
        }
        _ => Err(kind.fault("zero or model_token")),
    }
}
