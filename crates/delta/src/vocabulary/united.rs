//! The vocabulary of the result.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Row, Rows, Tokens};
use crate::{Origin, Reference, TokenChoice, TokenSource, Tokenizer};

/// The tokens of the result, and those of each model.
#[derive(Debug)]
pub(crate) struct Vocabulary {
    /// The result's `tokenizer.json`.
    pub(crate) json: Value,
    /// Whether that is another than the one it was made from.
    pub(crate) is_new: bool,
    /// By their numbers; some numbers may have no token.
    tokens: Vec<Option<String>>,
    /// By model, in the order of the plan.
    models: Vec<BTreeMap<String, usize>>,
    /// Tokens whose embedding the recipe chooses.
    chosen: BTreeMap<String, TokenChoice>,
    /// The rows of embeddings, some of which may be there for padding alone.
    pub(crate) rows: usize,
}

/// Where a model is among those of a plan, if it is.
pub(crate) type Place<'a> = dyn Fn(&Reference) -> Option<usize> + 'a;

impl Vocabulary {
    /// The vocabulary that a recipe asks for, of the models' own; `base` is the place of that whose tokens come first.
    pub(crate) fn new(models: Vec<Tokens>, base: usize, asked: &Tokenizer, place: &Place<'_>) -> Self {
        let own = match &asked.origin {
            Origin::Model(reference) => place(reference).unwrap_or(base),
            Origin::Base | Origin::Union => base,
        };
        let mut united = United::of(&models[own]);
        if asked.origin == Origin::Union {
            let others = || models.iter().enumerate().filter(|(at, _)| *at != base).map(|(_, tokens)| tokens);
            let added: Vec<&(String, Value)> = others().flat_map(|tokens| &tokens.added).collect();
            let names: BTreeSet<&str> = added.iter().map(|(token, _)| &token[..]).collect();
            let is_added = |token: &str| names.contains(token);
            for tokens in others() {
                tokens
                    .ordinary()
                    .into_iter()
                    .filter(|token| !is_added(token))
                    .for_each(|token| united.add(token, None));
            }
            added.iter().for_each(|(token, entry)| united.add(token, Some(entry)));
        }
        asked.tokens.iter().for_each(|choice| united.add(&choice.token, None));
        let is_new = united.numbers.len() > models[own].numbers.len();
        let last = united.numbers.values().max().map_or(0, |most| most + 1);
        let mut tokens = vec![None; last];
        for (token, &number) in &united.numbers {
            tokens[number] = Some(token.clone());
        }
        let rows = asked.multiple_of.map_or(last, |multiple| last.next_multiple_of(multiple));
        let chosen = asked.tokens.iter().map(|choice| (choice.token.clone(), choice.clone())).collect();
        let models = models.into_iter().map(|tokens| tokens.numbers).collect();
        Self { json: united.json, is_new, tokens, models, chosen, rows }
    }

    /// How many tokens the result has, and of how many of them each model has an embedding, in the order of the plan.
    pub(crate) fn counts(&self) -> (usize, Vec<usize>) {
        let tokens = || self.tokens.iter().flatten();
        let of =
            |model: &BTreeMap<String, usize>| tokens().filter(|token| model.contains_key(*token)).count();
        (tokens().count(), self.models.iter().map(of).collect())
    }

    /// Which rows an embedding of the result is made of, from those of the models at these places; `base` is one of these, if any. None
    /// where each has its own row for each, in order. Or what is missing.
    pub(crate) fn rows(
        &self,
        sources: &[usize],
        base: Option<usize>,
        heights: &[usize],
        place: &Place<'_>,
    ) -> Result<Option<Rows>, String> {
        let mut rows: Vec<Vec<Row>> = vec![Vec::with_capacity(self.rows); sources.len()];
        for token in &self.tokens {
            let own: Vec<Option<usize>> = sources
                .iter()
                .zip(heights)
                .map(|(&model, &height)| {
                    let number = token.as_ref().and_then(|token| self.models[model].get(token)).copied();
                    number.filter(|number| *number < height)
                })
                .collect();
            let choice = token.as_ref().and_then(|token| self.chosen.get(token));
            let is_forced = choice.is_some_and(|choice| choice.force);
            let other = match choice.filter(|_| is_forced || own.contains(&None)) {
                Some(choice) => self.chosen(choice, &own, sources, heights, place)?,
                None => default(&own, base),
            };
            for (source, row) in own.iter().enumerate() {
                rows[source].push(match row {
                    Some(row) if !is_forced => Row::of(source, *row),
                    _ => other.clone(),
                });
            }
        }
        rows.iter_mut().for_each(|rows| rows.resize(self.rows, Row::Padding));
        let rows = Rows { rows, tokens: self.tokens.len() };
        Ok((!rows.are_in_order(heights)).then_some(rows))
    }

    fn chosen(
        &self,
        choice: &TokenChoice,
        own: &[Option<usize>],
        sources: &[usize],
        heights: &[usize],
        place: &Place<'_>,
    ) -> Result<Row, String> {
        let token = &choice.token;
        let source = |reference: &Reference| {
            let at = sources.iter().position(|&model| place(reference) == Some(model));
            at.ok_or_else(|| format!("token '{token}' is to be that of {reference}, which is not merged"))
        };
        let there = |reference: &Reference, source: usize, row: Option<usize>, what: String| {
            let row = row.filter(|row| *row < heights[source]);
            row.map(|row| Row::of(source, row)).ok_or_else(|| {
                format!("token '{token}' is to be {what} of {reference}, which has no such one")
            })
        };
        match &choice.source {
            Some(TokenSource::Zero) => Ok(Row::Zero),
            Some(TokenSource::Model(reference)) => {
                let at = source(reference)?;
                there(reference, at, own[at], "that".to_owned())
            }
            Some(TokenSource::Number(reference, number)) => {
                let at = source(reference)?;
                there(reference, at, Some(*number), format!("number {number}"))
            }
            Some(TokenSource::Token(reference, other)) => {
                let at = source(reference)?;
                let row = self.models[sources[at]].get(other).copied();
                there(reference, at, row, format!("'{other}'"))
            }
            None => Err(format!("token '{token}' is not in all models and has no source")),
        }
    }
}

/// What stands for a token in models that have it not: the base's, that of the only one that has it, or the mean of those that have it.
fn default(own: &[Option<usize>], base: Option<usize>) -> Row {
    let having: Vec<(usize, usize)> =
        own.iter().enumerate().filter_map(|(source, row)| Some((source, (*row)?))).collect();
    let of_base = base.and_then(|base| own[base].map(|row| (base, row)));
    match (&having[..], of_base) {
        ([], _) => Row::Zero,
        (&[(source, row)], _) | (_, Some((source, row))) => Row::of(source, row),
        _ => Row::mean(&having),
    }
}

/// A tokenizer to which tokens are added.
struct United {
    json: Value,
    numbers: BTreeMap<String, usize>,
    next: usize,
}

impl United {
    fn of(tokens: &Tokens) -> Self {
        let next = tokens.numbers.values().max().map_or(0, |most| most + 1);
        Self { json: tokens.json.clone(), numbers: tokens.numbers.clone(), next }
    }

    /// Adds a token that is not there, with what another tokenizer says of it.
    fn add(&mut self, token: &str, entry: Option<&Value>) {
        if self.numbers.contains_key(token) {
            return;
        }
        let mut entry = entry.cloned().unwrap_or_else(|| {
            json!({
                "id": 0, "content": token, "single_word": false, "lstrip": false, "rstrip": false, "normalized": true,
                "special": false,
            })
        });
        entry["id"] = json!(self.next);
        match self.json.get_mut("added_tokens").and_then(Value::as_array_mut) {
            Some(added) => added.push(entry),
            None => self.json["added_tokens"] = json!([entry]),
        }
        self.numbers.insert(token.to_owned(), self.next);
        self.next += 1;
    }
}
