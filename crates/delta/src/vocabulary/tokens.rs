//! The tokens of a model.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// The tokens of a `tokenizer.json` of Hugging Face with their numbers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tokens {
    /// The file.
    pub(super) json: Value,
    /// All tokens, those added to the model's own among them.
    pub(super) numbers: BTreeMap<String, usize>,
    /// What is said of added tokens, in the order of their numbers.
    pub(super) added: Vec<(String, Value)>,
}

/// The highest number of a token. Ours: the largest vocabularies have some hundred thousand.
const MOST: usize = 1 << 24;

impl Tokens {
    /// Reads a file; or says what it should be.
    pub(crate) fn read(json: Value) -> Result<Self, &'static str> {
        let expected = "a map of tokens with their numbers, or a list of tokens, at model.vocab";
        let mut numbers = BTreeMap::new();
        match json.pointer("/model/vocab") {
            Some(Value::Object(vocabulary)) => {
                for (token, number) in vocabulary {
                    numbers.insert(token.clone(), self::number(number).ok_or(expected)?);
                }
            }
            Some(Value::Array(vocabulary)) => {
                for (number, entry) in vocabulary.iter().enumerate() {
                    let token = entry.get(0).and_then(Value::as_str).ok_or(expected)?;
                    numbers.insert(token.to_owned(), number);
                }
            }
            _ => return Err(expected),
        }
        let mut added = Vec::new();
        for entry in json.get("added_tokens").and_then(Value::as_array).into_iter().flatten() {
            let expected = "added_tokens with an id and content each";
            let token = entry.get("content").and_then(Value::as_str).ok_or(expected)?;
            let number = entry.get("id").and_then(number).ok_or(expected)?;
            numbers.insert(token.to_owned(), number);
            added.push((token.to_owned(), entry.clone()));
        }
        added.sort_by_key(|(token, _)| numbers[token]);
        Ok(Self { json, numbers, added })
    }

    /// Without the tokens that have no row among so many; or why they cannot be left out.
    pub(crate) fn within(mut self, rows: usize) -> Result<Self, &'static str> {
        let beyond: BTreeSet<String> = self
            .numbers
            .iter()
            .filter(|(_, number)| **number >= rows)
            .map(|(token, _)| token.clone())
            .collect();
        if beyond.is_empty() {
            return Ok(self);
        }
        self.numbers.retain(|token, _| !beyond.contains(token));
        self.added.retain(|(token, _)| !beyond.contains(token));
        let kept = self.added.iter().map(|(_, entry)| entry.clone()).collect();
        self.json["added_tokens"] = Value::Array(kept);
        let is_bpe = self.json.pointer("/model/type").and_then(Value::as_str) == Some("BPE");
        let Some(vocabulary) = self.json.pointer_mut("/model/vocab").and_then(Value::as_object_mut) else {
            return Err("a vocabulary of byte pairs (BPE), of which tokens without a row can be left out");
        };
        let own = vocabulary.len();
        vocabulary.retain(|token, _| !beyond.contains(token));
        if vocabulary.len() < own && !is_bpe {
            return Err("a vocabulary of byte pairs (BPE), of which tokens without a row can be left out");
        }
        let prefix = self.json.pointer("/model/continuing_subword_prefix").and_then(Value::as_str);
        let prefix = prefix.unwrap_or_default().to_owned();
        let is_lost = |merge: &Value| {
            let Some((left, right)) = parts(merge) else { return false };
            let result = format!("{left}{}", right.strip_prefix(&prefix).unwrap_or(right));
            [left, right, &result].into_iter().any(|token| beyond.contains(token))
        };
        if let Some(merges) = self.json.pointer_mut("/model/merges").and_then(Value::as_array_mut) {
            merges.retain(|merge| !is_lost(merge));
        }
        Ok(self)
    }

    /// The tokens that were not added, in the order of their numbers.
    pub(super) fn ordinary(&self) -> Vec<&str> {
        let added: BTreeSet<&str> = self.added.iter().map(|(token, _)| &token[..]).collect();
        let mut ordinary: Vec<(usize, &str)> = self
            .numbers
            .iter()
            .filter(|(token, _)| !added.contains(&token[..]))
            .map(|(token, number)| (*number, &token[..]))
            .collect();
        ordinary.sort_unstable();
        ordinary.into_iter().map(|(_, token)| token).collect()
    }
}

fn number(value: &Value) -> Option<usize> {
    value.as_u64().and_then(|number| usize::try_from(number).ok()).filter(|number| *number <= MOST)
}

/// Which two tokens are merged, written `"a b"` or `["a", "b"]`.
fn parts(merge: &Value) -> Option<(&str, &str)> {
    match merge {
        Value::String(text) => text.split_once(' '),
        Value::Array(parts) => match &parts[..] {
            [Value::String(left), Value::String(right)] => Some((left, right)),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn bpe() -> Value {
        json!({
            "added_tokens": [{"id": 5, "content": "<b>"}, {"id": 4, "content": "<a>"}],
            "model": {"type": "BPE", "vocab": {"b": 1, "a": 0, "ab": 2, "abb": 3}, "merges": ["a b", ["ab", "b"]]},
        })
    }

    #[test]
    fn tokens_are_read_in_the_order_of_their_numbers() {
        let tokens = Tokens::read(bpe()).unwrap();
        assert_eq!(tokens.ordinary(), ["a", "b", "ab", "abb"]);
        assert_eq!(tokens.added.iter().map(|(token, _)| &token[..]).collect::<Vec<_>>(), ["<a>", "<b>"]);
        let listed = Tokens::read(json!({"model": {"vocab": [["x", -1.5], ["y", -2]]}})).unwrap();
        assert_eq!(listed.ordinary(), ["x", "y"]);
    }

    #[test]
    fn tokens_without_a_row_are_left_out_with_what_makes_them() {
        let tokens = Tokens::read(bpe()).unwrap();
        assert_eq!(tokens.clone().within(6).unwrap(), tokens);
        let fewer = tokens.within(3).unwrap();
        assert_eq!(fewer.ordinary(), ["a", "b", "ab"]);
        assert_eq!(fewer.json["model"]["merges"], json!(["a b"]));
        assert_eq!(fewer.json["added_tokens"], json!([]));
        let unigram = json!({"model": {"type": "Unigram", "vocab": [["x", 0], ["y", 0]]}});
        assert!(Tokens::read(unigram).unwrap().within(1).unwrap_err().contains("BPE"));
    }

    #[test]
    fn what_is_no_vocabulary_is_refused() {
        for bad in [
            json!({}),
            json!({"model": {"vocab": {"a": -1}}}),
            json!({"model": {"vocab": {"a": 1e300}}}),
            json!({"model": {"vocab": [1]}}),
        ] {
            assert!(Tokens::read(bad.clone()).unwrap_err().contains("model.vocab"), "{bad}");
        }
        assert!(Tokens::read(json!({"model": {"vocab": {}}, "added_tokens": [{"id": 1}]})).is_err());
    }
}
