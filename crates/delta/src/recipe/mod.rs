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

/// Whose tokenizer the result has. The vocabularies of all models must be equal so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tokenizer {
    /// That of the base model, or of the first one.
    Base,
    /// All tokens of all models.
    Union,
    /// That of a model.
    Model(Reference),
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
    let at = match (source, map) {
        (Some(_), Some(_)) => return Err(root.fault("either tokenizer_source or tokenizer")),
        (Some(source), None) => source,
        (None, None) => return Ok(None),
        (None, Some(map)) => {
            let [source, tokens, padding] = map.keys(["source", "tokens", "pad_to_multiple_of"])?;
            refuse(
                tokens,
                "choosing embeddings of single tokens",
                "leave it out where all vocabularies are equal",
            )?;
            refuse(padding, "padding the vocabulary", "leave it out: embeddings keep their size")?;
            let Some(source) = source else { return Ok(Some(Tokenizer::Union)) };
            source
        }
    };
    Ok(Some(match at.node {
        Node::Text(text) if text == "base" => Tokenizer::Base,
        Node::Text(text) if text == "union" => Tokenizer::Union,
        _ => Tokenizer::Model(Reference::read(&at)?),
    }))
}
