//! Byte-pair tokenizers.

use std::{collections::BTreeSet, fmt, fs, path::Path, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use serde_json::{Value, value::RawValue};
use tokenizers::{
    Encoding, ModelWrapper, Tokenizer,
    models::{
        TrainerWrapper,
        bpe::{BPE, BpeTrainer},
    },
    pre_tokenizers::byte_level::ByteLevel,
};

use crate::{DataError, vocabulary::Untokenized};

/// A byte-pair tokenizer as the `tokenizer.json` of Hugging Face describes it: GPT-2's, whose letters are bytes, Llama's, and
/// others whose model is of the type BPE. It cuts whole texts: truncation, padding and the tokens put around a text are left
/// out. While a text is cut, about 200 bytes of memory are needed for each of its bytes. Copies share their memory.
#[derive(Clone)]
pub struct BytePairs {
    tokenizer: Arc<Tokenizer>,
    /// The description in canonical form: equal for equal tokenizers.
    json: Arc<str>,
    tokens: usize,
}

/// How often a pair must occur to become a token: a pair that occurs once says nothing of the language. That of
/// `ByteLevelBPETokenizer.train` in Hugging Face's `tokenizers`.
const LEAST_FREQUENCY: u64 = 2;

impl BytePairs {
    /// The tokens before any pair: one for each byte.
    pub(crate) const BYTES: usize = 256;

    /// Reads a `tokenizer.json`.
    pub(crate) fn read(path: &Path) -> Result<Self, DataError> {
        let json =
            fs::read_to_string(path).map_err(|source| DataError::Read { path: path.to_owned(), source })?;
        Self::parse(&json).map_err(|found| DataError::Format {
            path: path.to_owned(),
            expected: "a tokenizer.json of Hugging Face with a model of the type BPE".to_owned(),
            found,
            hint: "GPT-2, Llama 2 and 3, Mistral and Qwen2 have such a file beside their weights",
        })
    }

    /// Reads the contents of a `tokenizer.json`; the error says what was found instead.
    fn parse(json: &str) -> Result<Self, String> {
        // The library panics at some files that are no JSON, and at damaged tables of this normaliser.
        let description: Value = serde_json::from_str(json).map_err(|error| error.to_string())?;
        if has_type(&description["normalizer"], "Precompiled") {
            return Err("a normaliser of the type Precompiled, which is not supported".to_owned());
        }
        let mut tokenizer: Tokenizer = json.parse().map_err(|error: tokenizers::Error| error.to_string())?;
        check_model(tokenizer.get_model())?;
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(|error| error.to_string())?;
        Self::new(tokenizer)
    }

    fn new(tokenizer: Tokenizer) -> Result<Self, String> {
        let json = tokenizer.to_string(false).map_err(|error| error.to_string())?;
        let last = tokenizer.get_vocab(true).into_values().max();
        let tokens = last.map_or(0, |last| last as usize + 1);
        if i32::try_from(tokens).is_err() {
            return Err(format!("token {}", tokens - 1));
        }
        Ok(Self { tokenizer: Arc::new(tokenizer), json: json.into(), tokens })
    }

    /// Learns this many tokens from a text as GPT-2's were learned: the bytes, then the most frequent pair of neighbours in
    /// words again and again, of equals the one with the smaller tokens. The error is the number of tokens after which no
    /// pair occurs twice. Equal for equal texts, whatever the number of threads.
    pub(crate) fn train(text: &str, tokens: usize) -> Result<Self, usize> {
        let trainer = BpeTrainer::builder()
            .show_progress(false)
            .vocab_size(tokens)
            .min_frequency(LEAST_FREQUENCY)
            .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
            .build();
        let mut tokenizer = Tokenizer::new(BPE::default());
        tokenizer.with_pre_tokenizer(Some(ByteLevel::new(false, true, true)));
        tokenizer.with_decoder(Some(ByteLevel::default()));
        let trained = tokenizer.train(&mut TrainerWrapper::BpeTrainer(trainer), std::iter::once(text));
        let own = trained.map_err(|error| error.to_string()).map(|_| ()).and_then(|()| Self::new(tokenizer));
        let own = own.unwrap_or_else(|error| unreachable!("a tokenizer of bytes: {error}"));
        if own.tokens == tokens { Ok(own) } else { Err(own.tokens) }
    }

    /// The number of tokens: above every token's number.
    #[must_use]
    pub const fn tokens(&self) -> usize {
        self.tokens
    }

    /// The contents of a `tokenizer.json`.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.json
    }

    /// The text as tokens. White space that the tokenizer drops between tokens is dropped.
    pub(crate) fn encode(&self, text: &str) -> Result<Vec<i32>, Untokenized> {
        self.check_characters(text)?;
        let encoding = self.encoding(text)?;
        Ok(encoding.get_ids().iter().map(|&token| token as i32).collect())
    }

    fn encoding(&self, text: &str) -> Result<Encoding, Untokenized> {
        self.tokenizer.encode_fast(text, false).map_err(|error| Untokenized::Failed(error.to_string()))
    }

    /// Refuses characters that a tokenizer without bytes and without a token for the unknown would leave out.
    fn check_characters(&self, text: &str) -> Result<(), Untokenized> {
        let mut dropped = BTreeSet::new();
        for character in text.chars().filter(|c| !c.is_whitespace()).collect::<BTreeSet<char>>() {
            if self.encoding(character.encode_utf8(&mut [0; 4]))?.is_empty() {
                dropped.insert(character);
            }
        }
        match text.chars().enumerate().find(|(_, character)| dropped.contains(character)) {
            Some((position, character)) => Err(Untokenized::Character { character, position }),
            None => Ok(()),
        }
    }
}

/// Whether an object in a description, or one within it, is of this type.
fn has_type(value: &Value, name: &str) -> bool {
    match value {
        Value::Object(fields) => {
            fields.get("type").is_some_and(|found| found == name)
                || fields.values().any(|value| has_type(value, name))
        }
        Value::Array(values) => values.iter().any(|value| has_type(value, name)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Refuses models of other types, and those that cut a text differently every time.
fn check_model(model: &ModelWrapper) -> Result<(), String> {
    let other = |name: &str| Err(format!("a model of the type {name}"));
    match model {
        ModelWrapper::BPE(BPE { dropout: Some(dropout), .. }) if *dropout > 0.0 => {
            Err(format!("a dropout of {dropout}, with which no text has tokens of its own"))
        }
        ModelWrapper::BPE(_) => Ok(()),
        ModelWrapper::WordPiece(_) => other("WordPiece"),
        ModelWrapper::WordLevel(_) => other("WordLevel"),
        ModelWrapper::Unigram(_) => other("Unigram"),
    }
}

impl PartialEq for BytePairs {
    fn eq(&self, other: &Self) -> bool {
        self.json == other.json
    }
}

impl fmt::Debug for BytePairs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BytePairs").field("tokens", &self.tokens).finish_non_exhaustive()
    }
}

/// As the contents of a `tokenizer.json`, in place.
impl Serialize for BytePairs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.json.to_string()).map_err(ser::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for BytePairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = <Box<RawValue>>::deserialize(deserializer)?;
        Self::parse(json.get()).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "to be, or not to be: that is\n\n\tthe question — für 😀, to be  or not";

    #[test]
    fn what_is_encoded_is_decoded_again() {
        let tokenizer = BytePairs::train(TEXT, 266).unwrap();
        for text in [TEXT, "", " ", "\r\n 中文 \u{301}", "👩‍👩‍👧‍👦🇩🇪"] {
            let tokens: Vec<u32> =
                tokenizer.encode(text).unwrap().iter().map(|&token| token as u32).collect();
            assert!(tokens.len() <= text.len());
            assert_eq!(tokenizer.tokenizer.decode(&tokens, false).unwrap(), text);
        }
        assert!(tokenizer.encode(TEXT).unwrap().len() < TEXT.len());
    }

    #[test]
    fn more_tokens_than_a_text_has_pairs_are_refused() {
        assert_eq!(BytePairs::train("ababab", 400).unwrap_err(), 258);
        assert_eq!(BytePairs::train("", 256).unwrap().tokens(), 256);
    }

    #[test]
    fn tokens_are_counted_up_to_the_last() {
        let json = r#"{"version":"1.0","added_tokens":[],"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":5},"merges":["a b"]}}"#;
        let tokenizer = BytePairs::parse(json).unwrap();
        assert_eq!((tokenizer.tokens(), tokenizer.encode("abb").unwrap()), (6, vec![5, 1]));
    }
}
