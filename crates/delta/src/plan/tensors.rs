//! One tensor of the result: whether its sources fit each other, and what its parameters come to.

use tensor::Stored;
use weights::Entry;

use super::{Model, Output, Source};
use crate::{
    Base, Default, DeltaError, Effective, Input, Method, Recipe, Reference, Scalar, Scope, Settings, Work,
    methods::Parameter,
    vocabulary::{self, Rows, Vocabulary},
};

/// What a tensor is made of.
pub(super) struct Wanted<'a> {
    /// The name in the result.
    pub(super) name: String,
    /// The inputs with their models and the names there.
    pub(super) sources: Vec<(Input, Source)>,
    /// Which of them is the base.
    pub(super) base: Option<usize>,
    /// The parameters of the slice.
    pub(super) slice: Option<&'a Settings>,
    /// The place among the layers.
    pub(super) t: f64,
}

/// Makes the tensor, or adds what is wrong with it to `faults`.
pub(super) fn output(
    recipe: &Recipe,
    models: &[Model],
    vocabulary: Option<&Vocabulary>,
    wanted: &Wanted<'_>,
    faults: &mut Vec<String>,
) -> Result<Option<Output>, DeltaError> {
    let mut entries: Vec<(&Entry, &Model)> = Vec::new();
    for (_, source) in &wanted.sources {
        let model = &models[source.model];
        match model.reader.entry(&source.name) {
            Some(entry) => entries.push((entry, model)),
            None => faults.push(missing(model, &source.name)),
        }
    }
    if entries.len() < wanted.sources.len() {
        return Ok(None);
    }
    let (first, _) = entries[0];
    let vocabulary = vocabulary.filter(|_| vocabulary::has_tokens(&wanted.name) && first.stored.is_float());
    let free = usize::from(vocabulary.is_some());
    if let Some(fault) = entries.iter().find_map(|(entry, model)| differs(entries[0], (entry, model), free)) {
        faults.push(fault);
        return Ok(None);
    }
    let sources = wanted.sources.iter().map(|(_, source)| source.clone()).collect();
    let (name, mut shape) = (wanted.name.clone(), first.shape.clone());
    let rows =
        match vocabulary.map(|vocabulary| rows(recipe, models, vocabulary, wanted, &entries)).transpose() {
            Ok(rows) => rows.flatten(),
            Err(fault) => {
                faults.push(fault);
                return Ok(None);
            }
        };
    if let Some(rows) = &rows {
        shape = std::iter::once(rows.count()).chain(shape[1..].iter().copied()).collect::<Vec<_>>().into();
    }
    if !first.stored.is_float() {
        let entry = Entry { name, stored: first.stored, shape };
        let (effective, work) = (Effective::default(), Work::Copy);
        return Ok(Some(Output { entry, sources, base: None, effective, work, rows: None }));
    }
    if recipe.dtype.is_none()
        && let Some((_, model)) = entries.iter().find(|(entry, _)| entry.stored == Stored::F64)
    {
        let text =
            "is stored as F64, and arithmetic is in 32 bits; say dtype: float32 in the recipe to have it so";
        faults.push(format!("tensor '{}' of {} {text}", wanted.name, model.reference));
        return Ok(None);
    }
    let stored = recipe.out_dtype.or(recipe.dtype);
    let stored = stored.unwrap_or_else(|| promoted(entries.iter().map(|(entry, _)| entry.stored)));
    let effective = effective(recipe, wanted)?;
    let work =
        Work::new(recipe.method, &effective, wanted.base).map_err(|[parameter, expected, found]| {
            DeltaError::Recipe { at: format!("{parameter} of tensor '{}'", wanted.name), expected, found }
        })?;
    let entry = Entry { name, stored, shape };
    Ok(Some(Output { entry, sources, base: wanted.base, effective, work, rows }))
}

/// How the rows of an embedding are put in order, where they are not.
fn rows(
    recipe: &Recipe,
    models: &[Model],
    vocabulary: &Vocabulary,
    wanted: &Wanted<'_>,
    entries: &[(&Entry, &Model)],
) -> Result<Option<Rows>, String> {
    let find = |reference: &Reference| models.iter().position(|model| model.reference == *reference);
    let sources: Vec<usize> = wanted.sources.iter().map(|(_, source)| source.model).collect();
    let heights: Vec<usize> =
        entries.iter().map(|(entry, _)| entry.shape.first().copied().unwrap_or(0)).collect();
    let base = recipe.base.as_ref().and_then(find);
    let base = base.and_then(|base| sources.iter().position(|&source| source == base));
    vocabulary.rows(&sources, base, &heights, &find)
}

/// The output embedding that a model leaves out where it is the input embedding.
fn missing(model: &Model, name: &str) -> String {
    let tied = if model.ties_embeddings() { ", whose embeddings are tied," } else { "" };
    format!("tensor '{name}' is missing in {}{tied} and there in others", model.reference)
}

/// By what two tensors differ, of which the first `free` axes may be of different lengths.
fn differs((first, one): (&Entry, &Model), (entry, other): (&Entry, &Model), free: usize) -> Option<String> {
    let name = &entry.name;
    let is_alike = entry.shape.len() == first.shape.len()
        && entry.shape.iter().zip(&first.shape[..]).skip(free).all(|(a, b)| a == b);
    if !is_alike {
        let hint = match vocabulary::has_tokens(name) && free == 0 {
            true => "; tokenizer_source: union, or base, puts embeddings of different vocabularies in order",
            false => "",
        };
        return Some(format!(
            "tensor '{name}' has shape {} in {} and {} in {}{hint}",
            first.shape, one.reference, entry.shape, other.reference
        ));
    }
    let both = first.stored.is_float() && entry.stored.is_float();
    (!both && first.stored != entry.stored).then(|| {
        format!(
            "tensor '{name}' is {} in {} and {} in {}; only floats are converted",
            first.stored, one.reference, entry.stored, other.reference
        )
    })
}

/// The narrowest type that holds all numbers of these types, but never more than 32 bits.
fn promoted(types: impl Iterator<Item = Stored>) -> Stored {
    let join = |one, other| if one == other { one } else { Stored::F32 };
    types.reduce(join).filter(|stored| *stored != Stored::F64).unwrap_or(Stored::F32)
}

fn effective(recipe: &Recipe, wanted: &Wanted<'_>) -> Result<Effective, DeltaError> {
    let method = recipe.method;
    let common = [wanted.slice, Some(&recipe.parameters)];
    let common: Vec<&Settings> = common.into_iter().flatten().collect();
    let mut effective = Effective::default();
    for parameter in method.parameters().iter().filter(|parameter| parameter.scope == Scope::Shared) {
        let value = value(parameter, &common, &wanted.name, wanted.t, None)?;
        effective.shared.extend(value.map(|value| (parameter.name, value)));
    }
    for (index, (input, source)) in wanted.sources.iter().enumerate() {
        let settings = [&[&input.parameters], &common[..]].concat();
        let of = |parameter: &&Parameter| match parameter.scope {
            Scope::Shared => false,
            Scope::Input => true,
            Scope::NonBase => Some(index) != wanted.base,
        };
        let mut values = Vec::new();
        for parameter in method.parameters().iter().filter(of) {
            let value = value(parameter, &settings, &source.name, wanted.t, Some(input))?;
            values.extend(value.map(|value| (parameter.name, value)));
        }
        effective.models.push(values);
    }
    Ok(effective)
}

fn value(
    parameter: &Parameter,
    settings: &[&Settings],
    tensor: &str,
    t: f64,
    input: Option<&Input>,
) -> Result<Option<Scalar>, DeltaError> {
    for settings in settings {
        if let Some(value) = settings.value(parameter.name, parameter.kind, tensor, t)? {
            return Ok(Some(value));
        }
    }
    match parameter.default {
        Default::Bool(value) => Ok(Some(Scalar::Bool(value))),
        Default::Number(number) => Ok(Some(Scalar::Number(number))),
        Default::Nothing => Ok(None),
        Default::Required => {
            let of = input.map(|input| format!(" of {}", input.model)).unwrap_or_default();
            Err(DeltaError::Recipe {
                at: format!("parameter {}{of}", parameter.name),
                expected: format!("a value for tensor '{tensor}'"),
                found: "none".to_owned(),
            })
        }
    }
}

/// Checks how many models there are, and whether a base is one.
pub(super) fn check_inputs(method: Method, at: &str, models: usize, base: bool) -> Result<(), DeltaError> {
    let fault = |expected: String, found: String| DeltaError::Recipe { at: at.to_owned(), expected, found };
    let name = method.name();
    if method.base() == Base::Required && !base {
        return Err(fault(format!("a base_model, as {name} takes differences from one"), "none".to_owned()));
    }
    let others = if method.base() == Base::Alike { models } else { models - usize::from(base) };
    let (least, most) = method.models();
    if (least..=most).contains(&others) {
        return Ok(());
    }
    let beside = if method.base() == Base::Alike { "" } else { " beside the base" };
    let expected = match (least, most) {
        (least, most) if least == most => {
            format!("{least} model{}{beside} for {name}", if least == 1 { "" } else { "s" })
        }
        (least, _) => format!("at least {least} models{beside} for {name}"),
    };
    Err(fault(expected, others.to_string()))
}
