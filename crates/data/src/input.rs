//! How a network reads its data: what it must be given again whenever it is evaluated.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{BytePairs, DataError, Dataset, Normalization, Splits, text::Text, vocabulary::Vocabulary};

/// What was made from the training part and belongs to the network from then on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// How numbers were normalised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub normalization: Option<Normalization>,
    /// The characters of a text in the order of their tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vocabulary: Option<String>,
    /// The tokenizer of a text that is not read in characters, as the contents of a `tokenizer.json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokenizer: Option<BytePairs>,
}

impl Input {
    /// How texts become tokens, where the network reads texts.
    fn tokens(&self) -> Option<Vocabulary> {
        let characters = |text: &String| Vocabulary::Characters(Arc::new(text.chars().collect()));
        let characters = self.vocabulary.as_ref().map(characters);
        characters.or_else(|| self.tokenizer.clone().map(Vocabulary::BytePairs))
    }

    /// How a network reads texts whose tokens are those of a `tokenizer.json`.
    ///
    /// # Errors
    /// [`DataError::Read`] and [`DataError::Format`] where the file cannot be read or is of a kind that is not supported.
    pub fn of_tokenizer(file: &std::path::Path) -> Result<Self, DataError> {
        Ok(Self { tokenizer: Some(BytePairs::read(file)?), ..Self::default() })
    }

    /// The metadata key under which a weights file keeps it, as JSON.
    pub const KEY: &str = "isoloss.input";

    /// Whether there is nothing to remember: numbers are read as they are.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// As JSON, for a file's metadata.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|_| unreachable!("numbers and text have a form in JSON"))
    }

    /// Reads what [`Input::to_json`] wrote.
    ///
    /// # Errors
    /// Where the text is something else.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}

impl Splits {
    /// How a network trained on these data reads them.
    #[must_use]
    pub fn input(&self) -> Input {
        Input {
            normalization: self.train.normalization().cloned(),
            vocabulary: self.train.vocabulary().map(|characters| characters.iter().collect()),
            tokenizer: self.train.tokenizer().cloned(),
        }
    }

    /// The same data as a network reads them that was trained on others: with its normalisation and its vocabulary in
    /// place of their own.
    ///
    /// # Errors
    /// [`DataError::Input`] where one is a text and the other is not, the channels differ in number, or a text has fewer than
    /// two of the network's tokens;
    /// [`DataError::Character`] for a text with a character that the network's vocabulary lacks, [`DataError::Tokenizer`]
    /// where its tokenizer fails.
    pub fn read_as(&self, input: &Input) -> Result<Self, DataError> {
        self.try_map(|data| read_as(data, input))
    }
}

fn read_as(data: &Dataset, input: &Input) -> Result<Dataset, DataError> {
    let fault = |expected: String| DataError::Input {
        name: data.name().to_owned(),
        expected,
        found: data.example().to_string(),
    };
    match (data.text(), input.tokens()) {
        (Some(text), Some(vocabulary)) => in_tokens_of(data, text, &vocabulary),
        (None, Some(_)) => Err(fault("a text".to_owned())),
        (_, None) => match &input.normalization {
            None => Ok(data.clone()),
            Some(moments) if data.text().is_none() && moments.fits(data.example().channels()) => {
                Ok(data.normalized(Some(moments.clone())))
            }
            Some(moments) => Err(fault(format!("numbers in {} channels", moments.mean.len()))),
        },
    }
}

fn in_tokens_of(data: &Dataset, text: &Text, vocabulary: &Vocabulary) -> Result<Dataset, DataError> {
    if text.vocabulary() == vocabulary {
        return Ok(data.clone());
    }
    let again = text.in_tokens_of(vocabulary.clone()).map_err(|found| found.of(data.name(), vocabulary))?;
    let short = || DataError::Input {
        name: data.name().to_owned(),
        expected: "a text of at least 2 tokens".to_owned(),
        found: again.tokens().to_string(),
    };
    Ok(data.with_text(again.shortened().ok_or_else(short)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(contents: &str) -> Splits {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), contents).unwrap();
        crate::load(&format!("text:{},test=0.5", file.path().display())).unwrap()
    }

    #[test]
    fn what_is_remembered_survives_json() {
        for input in
            [text("ab\n\"→").input(), crate::load("digits:normalize=on").unwrap().input(), Input::default()]
        {
            assert_eq!(Input::from_json(&input.to_json()).unwrap(), input);
        }
        assert!(Input::default().is_plain() && crate::load("digits").unwrap().input().is_plain());
        assert!(Input::from_json("{\"vocab\": 3}").is_err());
    }

    #[test]
    fn a_text_is_read_in_the_network_s_tokens() {
        let (own, other) = (text("abcabc").input(), text("bbccbb"));
        let read = other.read_as(&own).unwrap();
        assert_eq!(read.train.gather(&[0]).0.to_f64_vec(), [1.0, 1.0]);
        assert_eq!(read.input(), own);
        let error = text("xyz xyz").read_as(&own).unwrap_err().to_string();
        assert!(error.contains("character 'x' at position 0") && error.contains("of 3 tokens"), "{error}");
    }

    #[test]
    fn images_are_normalised_as_the_network_s_were() {
        let digits = crate::load("digits").unwrap();
        let input = crate::load("digits:normalize=on").unwrap().input();
        let read = crate::load("digits:first=100,normalize=on").unwrap().read_as(&input).unwrap();
        assert_eq!(read.input(), input);
        assert_ne!(read.test.x(), digits.test.x());
        assert_eq!(digits.read_as(&Input::default()).unwrap(), digits);
    }

    #[test]
    fn texts_and_numbers_are_not_confused() {
        let (text, digits) = (text("abcabc"), crate::load("digits:normalize=on").unwrap());
        let error = |data: &Splits, other: &Splits| data.read_as(&other.input()).unwrap_err().to_string();
        assert!(error(&digits, &text).contains("expected a text, found images 1x8x8"));
        assert!(error(&text, &digits).contains("expected numbers in 1 channels, found pieces of"));
    }
}
