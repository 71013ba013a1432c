//! From a recipe to tensors.

use std::collections::BTreeSet;

use super::{
    Model, Output, Source, TOKENIZER,
    layers::{self, Layers},
    tensors::{self, Wanted},
};
use crate::{
    Base, Content, DeltaError, Input, Origin, Recipe, Reference, Settings, Slice, Tokenizer,
    vocabulary::{self, HEADS, Place, Vocabulary},
};

/// A plan before it is known how it is done.
pub(super) struct Draft {
    pub(super) models: Vec<Model>,
    pub(super) donor: usize,
    pub(super) tokenizer: usize,
    pub(super) vocabulary: Option<Vocabulary>,
    pub(super) outputs: Vec<Output>,
    pub(super) layers: Option<usize>,
    pub(super) notes: Vec<String>,
}

/// Incompatibilities that a message lists before it counts the rest. Ours: enough to see a pattern.
const SHOWN: usize = 12;

/// Parts of names of what stands behind the layers: the last normalisation, and heads. Everything else that is in no layer stands
/// before them.
const BEHIND: [&str; 10] = [
    "lm_head",
    "embed_out",
    "output.",
    "final_layer",
    "final_norm",
    "ln_f",
    "norm_f",
    "score",
    "classifier",
    "model.norm",
];

pub(super) fn draft(recipe: &Recipe) -> Result<Draft, DeltaError> {
    let models = open(recipe)?;
    let find = |reference: &Reference| models.iter().position(|model| model.reference == *reference);
    let place = |reference: &Reference| find(reference).unwrap_or_default();
    let donor = recipe.base.as_ref().map_or(0, place);
    let mut builder = Builder {
        recipe,
        models: &models,
        donor,
        vocabulary: None,
        outputs: Vec::new(),
        faults: Vec::new(),
        notes: Vec::new(),
    };
    builder.faults.extend(models.iter().filter_map(Model::quantised));
    let tokenizer = match &recipe.tokenizer {
        Some(Tokenizer { origin: Origin::Model(reference), .. }) => place(reference),
        _ => donor,
    };
    if let Some(asked) = &recipe.tokenizer {
        builder.vocabulary = builder.vocabulary(asked, &find)?;
    }
    let layers = match &recipe.content {
        Content::Models(inputs) => builder.models(inputs, &place).map(|()| None),
        Content::Slices(slices) => builder.slices(slices, &place).map(Some),
    }?;
    let Builder { outputs, mut faults, notes, vocabulary, .. } = builder;
    if !faults.is_empty() {
        let more = faults.len().saturating_sub(SHOWN);
        faults.truncate(SHOWN);
        faults.extend((more > 0).then(|| format!("and {more} more")));
        return Err(DeltaError::Incompatible { faults });
    }
    Ok(Draft { models, donor, tokenizer, vocabulary, outputs, layers, notes })
}

/// Opens all models that the recipe names, each once, in its order; the base comes last unless it is named before.
fn open(recipe: &Recipe) -> Result<Vec<Model>, DeltaError> {
    let mut references: Vec<&Reference> = Vec::new();
    match &recipe.content {
        Content::Models(inputs) => references.extend(inputs.iter().map(|input| &input.model)),
        Content::Slices(slices) => {
            for slice in slices {
                references.extend(slice.sources.iter().map(|(input, _)| &input.model));
                references.extend(&slice.base);
            }
        }
    }
    references.extend(&recipe.base);
    if let Some(Tokenizer { origin: Origin::Model(reference), .. }) = &recipe.tokenizer {
        references.push(reference);
    }
    let mut seen = BTreeSet::new();
    references.into_iter().filter(|reference| seen.insert(*reference)).map(Model::open).collect()
}

struct Builder<'a> {
    recipe: &'a Recipe,
    models: &'a [Model],
    donor: usize,
    vocabulary: Option<Vocabulary>,
    outputs: Vec<Output>,
    faults: Vec<String>,
    notes: Vec<String>,
}

impl<'a> Builder<'a> {
    fn models(&mut self, inputs: &[Input], place: &dyn Fn(&Reference) -> usize) -> Result<(), DeltaError> {
        let (inputs, base) = self.with_base("models", inputs.to_vec(), self.recipe.base.as_ref())?;
        let donor = &self.models[self.donor];
        let layers = Layers::of(donor.reader.entries().iter().map(|entry| &entry.name[..]));
        let mut names: Vec<&str> = donor.reader.entries().iter().map(|entry| &entry.name[..]).collect();
        let mut known: BTreeSet<&str> = names.iter().copied().collect();
        for input in &inputs {
            let entries = self.models[place(&input.model)].reader.entries();
            names.extend(entries.iter().map(|entry| &entry.name[..]).filter(|name| known.insert(name)));
        }
        for name in names {
            let source = |input: &Input| Source { model: place(&input.model), name: name.to_owned() };
            let sources = inputs.iter().map(|input| (input.clone(), source(input))).collect();
            self.add(&Wanted { name: name.to_owned(), sources, base, slice: None, t: layers.place(name) })?;
        }
        Ok(())
    }

    /// The inputs with the base among them, and its place where the method treats it apart.
    fn with_base(
        &self,
        at: &str,
        mut inputs: Vec<Input>,
        base: Option<&Reference>,
    ) -> Result<(Vec<Input>, Option<usize>), DeltaError> {
        let mut seen = BTreeSet::new();
        if let Some(twice) = inputs.iter().find(|input| !seen.insert(&input.model)) {
            let (expected, found) = ("each model once".to_owned(), format!("{} twice", twice.model));
            return Err(DeltaError::Recipe { at: at.to_owned(), expected, found });
        }
        let mut place = base.and_then(|base| inputs.iter().position(|input| input.model == *base));
        if let (Some(base), None) = (base, place) {
            place = Some(inputs.len());
            inputs.push(Input { model: base.clone(), parameters: Settings::default() });
        }
        tensors::check_inputs(self.recipe.method, at, inputs.len(), base.is_some())?;
        let apart = self.recipe.method.base() != Base::Alike;
        Ok((inputs, place.filter(|_| apart)))
    }

    fn add(&mut self, wanted: &Wanted<'_>) -> Result<(), DeltaError> {
        if self.is_tied(wanted) {
            self.notes.push(format!("{} is tied to the input embedding and is not stored", wanted.name));
            return Ok(());
        }
        let vocabulary = self.vocabulary.as_ref();
        let output = tensors::output(self.recipe, self.models, vocabulary, wanted, &mut self.faults)?;
        self.outputs.extend(output);
        Ok(())
    }

    /// Whether all models tie this tensor to their input embedding, which is stored.
    fn is_tied(&self, wanted: &Wanted<'_>) -> bool {
        let tied = |(_, source): &(Input, Source)| self.models[source.model].ties_embeddings();
        let entries = self.models[self.donor].reader.entries();
        let stored = entries.iter().any(|entry| vocabulary::is_embedding(&entry.name));
        HEADS.contains(&&wanted.name[..]) && stored && wanted.sources.iter().all(tied)
    }

    /// The tokens of the result.
    fn vocabulary(&mut self, asked: &Tokenizer, find: &Place<'_>) -> Result<Option<Vocabulary>, DeltaError> {
        let mut tokens = self.models.iter().map(Model::tokens).collect::<Result<Vec<_>, _>>()?;
        let Some(base) = tokens[self.donor].clone() else {
            let reference = &self.models[self.donor].reference;
            self.faults.push(format!("{reference} has no {TOKENIZER} to take the tokens from"));
            return Ok(None);
        };
        for (model, own) in self.models.iter().zip(&mut tokens) {
            if own.is_none() {
                let (reference, donor) = (&model.reference, &self.models[self.donor].reference);
                self.notes.push(format!(
                    "{reference} has no {TOKENIZER}; its tokens are taken to be those of {donor}"
                ));
            }
            own.get_or_insert_with(|| base.clone());
        }
        let tokens = tokens.into_iter().flatten().collect();
        let vocabulary = Vocabulary::new(tokens, self.donor, asked, find);
        let (all, counts) = vocabulary.counts();
        let of = |(model, count): (&Model, usize)| format!("{count} in {}", model.reference);
        let counts = self.models.iter().zip(counts).map(of).collect::<Vec<_>>().join(", ");
        self.notes.push(format!("{all} tokens, {counts}; embeddings are put in their order"));
        Ok(Some(vocabulary))
    }

    /// Runs of layers on top of each other; how many layers there are then.
    fn slices(
        &mut self,
        slices: &'a [Slice],
        place: &dyn Fn(&Reference) -> usize,
    ) -> Result<usize, DeltaError> {
        let mut runs = Vec::new();
        for (index, slice) in slices.iter().enumerate() {
            let at = format!("slices[{index}].sources");
            let base = slice.base.as_ref().or(self.recipe.base.as_ref());
            let inputs = slice.sources.iter().map(|(input, _)| input.clone()).collect::<Vec<_>>();
            // A base must be given with its layers.
            if let Some(base) = base.filter(|base| !inputs.iter().any(|input| input.model == **base))
                && self.recipe.method.base() != Base::Alike
            {
                let (expected, found) = (format!("the base {base} with a layer_range"), "none".to_owned());
                return Err(DeltaError::Recipe { at, expected, found });
            }
            let base = base.filter(|base| inputs.iter().any(|input| input.model == **base));
            let (_, base) = self.with_base(&at, inputs, base)?;
            self.check_ranges(&at, slice, place);
            runs.push((slice, base));
        }
        let (Some(&(first, first_base)), Some(&(last, last_base))) = (runs.first(), runs.last()) else {
            return Ok(0);
        };
        if !self.faults.is_empty() {
            return Ok(0);
        }
        self.loose(first, first_base, place, false)?;
        let mut layer = 0;
        for (slice, base) in runs {
            layer = self.run(slice, base, place, layer)?;
        }
        self.loose(last, last_base, place, true)?;
        Ok(layer)
    }

    fn check_ranges(&mut self, at: &str, slice: &Slice, place: &dyn Fn(&Reference) -> usize) {
        for (input, range) in &slice.sources {
            let reader = &self.models[place(&input.model)].reader;
            match Layers::of(reader.entries().iter().map(|entry| &entry.name[..])).only() {
                Ok((_, count)) if range.end <= count => {}
                Ok((_, count)) => self.faults.push(format!(
                    "{at}: {} has {count} layers, layers {} to {} were asked for",
                    input.model,
                    range.start,
                    range.end - 1
                )),
                Err(stacks) => self.faults.push(format!(
                    "{at}: {} has not one stack of layers{}; slices need one",
                    input.model,
                    if stacks.is_empty() { String::new() } else { format!(", but {stacks}") }
                )),
            }
        }
    }

    /// The tensors that are in no layer, those behind the layers or those before them.
    fn loose(
        &mut self,
        slice: &'a Slice,
        base: Option<usize>,
        place: &dyn Fn(&Reference) -> usize,
        behind: bool,
    ) -> Result<(), DeltaError> {
        let Some((first, _)) = slice.sources.first() else { return Ok(()) };
        let entries = self.models[place(&first.model)].reader.entries();
        let stands = |name: &str| BEHIND.iter().any(|part| name.contains(part)) || name.starts_with("norm.");
        for entry in entries
            .iter()
            .filter(|entry| layers::split(&entry.name).is_none() && stands(&entry.name) == behind)
        {
            let source = |input: &Input| Source { model: place(&input.model), name: entry.name.clone() };
            let sources = slice.sources.iter().map(|(input, _)| (input.clone(), source(input))).collect();
            let name = entry.name.clone();
            self.add(&Wanted { name, sources, base, slice: Some(&slice.parameters), t: 0.0 })?;
        }
        Ok(())
    }

    /// The layers of a slice, numbered from `layer` on; the number behind the last.
    fn run(
        &mut self,
        slice: &'a Slice,
        base: Option<usize>,
        place: &dyn Fn(&Reference) -> usize,
        layer: usize,
    ) -> Result<usize, DeltaError> {
        let Some((first, range)) = slice.sources.first() else { return Ok(layer) };
        let entries = self.models[place(&first.model)].reader.entries();
        for offset in 0..range.len() {
            for entry in entries {
                let Some((stack, number, rest)) = layers::split(&entry.name) else { continue };
                if number != range.start + offset {
                    continue;
                }
                let named = |number: usize| format!("{stack}.{number}{rest}");
                let source = |(input, range): &(Input, std::ops::Range<usize>)| {
                    (input.clone(), Source { model: place(&input.model), name: named(range.start + offset) })
                };
                self.add(&Wanted {
                    name: named(layer + offset),
                    sources: slice.sources.iter().map(source).collect(),
                    base,
                    slice: Some(&slice.parameters),
                    t: layers::place(offset, range.len()),
                })?;
            }
        }
        Ok(layer + range.len())
    }
}
