//! How texts become tokens.

use std::{collections::BTreeMap, sync::Arc};

use crate::{BytePairs, DataError};

/// What the tokens of a text are. Copies share their memory.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Vocabulary {
    /// Characters in the order of their code points.
    Characters(Arc<Vec<char>>),
    /// Pairs of bytes.
    BytePairs(BytePairs),
}

/// Why a text has no tokens.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Untokenized {
    /// A character that is none and in none, with its position in characters from 0.
    Character { character: char, position: usize },
    /// What a tokenizer said.
    Failed(String),
}

impl Untokenized {
    /// As the error of the data set of this name.
    pub(crate) fn of(self, name: &str, vocabulary: &Vocabulary) -> DataError {
        let name = name.to_owned();
        match self {
            Self::Character { character, position } => {
                DataError::Character { name, character, position, size: vocabulary.len() }
            }
            Self::Failed(found) => DataError::Tokenizer { name, found },
        }
    }
}

impl Vocabulary {
    /// The different characters of a text.
    pub(crate) fn of_characters(text: &str) -> Self {
        let counted: BTreeMap<char, ()> = text.chars().map(|character| (character, ())).collect();
        Self::Characters(Arc::new(counted.into_keys().collect()))
    }

    /// The number of tokens.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Characters(characters) => characters.len(),
            Self::BytePairs(tokenizer) => tokenizer.tokens(),
        }
    }

    /// The text as tokens.
    pub(crate) fn encode(&self, text: &str) -> Result<Vec<i32>, Untokenized> {
        let characters = match self {
            Self::Characters(characters) => characters,
            Self::BytePairs(tokenizer) => return tokenizer.encode(text),
        };
        let tokens = text.chars().enumerate().map(|(position, character)| {
            let token = characters.binary_search(&character).map(|token| token as i32);
            token.map_err(|_| Untokenized::Character { character, position })
        });
        tokens.collect()
    }
}
