//! Texts as tokens.

use std::sync::Arc;

use tensor::Tensor;

use crate::vocabulary::{Untokenized, Vocabulary};

/// A text as tokens, cut into windows.
///
/// Example `i` reads tokens `i·window` to `(i + 1)·window` and is labelled with the tokens one place later, so that every
/// token but the first is predicted once; what is left at the end and fills no window is not used.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Text {
    /// What the tokens were made from, to be read in other tokens.
    source: Arc<str>,
    tokens: Arc<Vec<i32>>,
    vocabulary: Vocabulary,
    /// The mean length of a token.
    bytes: f64,
    window: usize,
}

/// Tokens of a window until a model says how many it reads. Ours: the context of this program's small transformers.
pub(crate) const WINDOW: usize = 128;

impl Text {
    /// The text in the tokens of a vocabulary.
    pub(crate) fn new(source: impl Into<Arc<str>>, vocabulary: Vocabulary) -> Result<Self, Untokenized> {
        let source = source.into();
        let tokens = Arc::new(vocabulary.encode(&source)?);
        let bytes = source.len() as f64 / tokens.len() as f64;
        Ok(Self { source, tokens, vocabulary, bytes, window: WINDOW })
    }

    /// The same text, whole, in the tokens of another vocabulary.
    pub(crate) fn in_tokens_of(&self, vocabulary: Vocabulary) -> Result<Self, Untokenized> {
        Ok(Self { window: self.window, ..Self::new(Arc::clone(&self.source), vocabulary)? })
    }

    pub(crate) const fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// The mean length of a token in bytes of UTF-8.
    pub(crate) const fn bytes_per_token(&self) -> f64 {
        self.bytes
    }

    /// The number of tokens.
    pub(crate) fn tokens(&self) -> usize {
        self.tokens.len()
    }

    /// All tokens.
    pub(crate) fn token_ids(&self) -> &[i32] {
        &self.tokens
    }

    /// What the tokens were made from.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    pub(crate) const fn window(&self) -> usize {
        self.window
    }

    /// The same text in windows of another length; `None` where it is too short for one.
    pub(crate) fn with_window(&self, window: usize) -> Option<Self> {
        (self.tokens.len() > window && window > 0).then(|| Self { window, ..self.clone() })
    }

    /// The same text in the longest windows up to its own that it has; `None` where it has fewer than two tokens.
    pub(crate) fn shortened(&self) -> Option<Self> {
        self.with_window(self.window.min(self.tokens.len().saturating_sub(1)))
    }

    /// The number of windows.
    pub(crate) fn len(&self) -> usize {
        (self.tokens.len() - 1) / self.window
    }

    /// The first `count` windows; in the tokens of another vocabulary the text is whole again.
    pub(crate) fn take(&self, count: usize) -> Self {
        let tokens = self.tokens[..=count.min(self.len()) * self.window].to_vec();
        Self { tokens: Arc::new(tokens), ..self.clone() }
    }

    /// Writes window `index`, begun `offset` tokens later; the last windows are moved back to where they fit.
    pub(crate) fn write(&self, index: usize, offset: usize, x: &mut [i32], labels: &mut [i32]) {
        let start = (index * self.window + offset).min(self.tokens.len() - 1 - self.window);
        x.copy_from_slice(&self.tokens[start..][..self.window]);
        labels.copy_from_slice(&self.tokens[start + 1..][..self.window]);
    }

    /// How often each token occurs.
    pub(crate) fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.vocabulary.len()];
        self.tokens.iter().for_each(|&token| counts[token as usize] += 1);
        counts
    }

    /// The labels of all windows: `i32[N, window]`.
    pub(crate) fn labels(&self) -> Tensor {
        Tensor::from_fn([self.len(), self.window], |i| self.tokens[i + 1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(characters: &str, window: usize) -> Text {
        Text::new(characters, Vocabulary::of_characters(characters)).unwrap().with_window(window).unwrap()
    }

    #[test]
    fn tokens_are_places_in_the_sorted_vocabulary() {
        let text = text("hello é", 6);
        assert_eq!(*text.vocabulary(), Vocabulary::Characters(Arc::new(" ehloé".chars().collect())));
        assert_eq!(*text.tokens, [2, 1, 3, 3, 4, 0, 5]);
        assert_eq!(text.counts(), [1, 1, 1, 2, 1, 1]);
        assert_eq!(text.bytes_per_token(), 8.0 / 7.0);
    }

    #[test]
    fn windows_predict_the_next_token_and_cover_the_text_once() {
        let text = text("abcdefgh", 3);
        assert_eq!(text.len(), 2);
        let (mut x, mut labels) = ([0; 3], [0; 3]);
        text.write(1, 0, &mut x, &mut labels);
        assert_eq!((x, labels), ([3, 4, 5], [4, 5, 6]));
        text.write(1, 2, &mut x, &mut labels);
        assert_eq!((x, labels), ([4, 5, 6], [5, 6, 7]));
        assert_eq!(text.labels(), Tensor::new([2, 3], vec![1, 2, 3, 4, 5, 6]).unwrap());
        assert_eq!(text.take(1).len(), 1);
    }

    #[test]
    fn a_text_shorter_than_a_window_has_none() {
        assert!(text("abc", 2).with_window(3).is_none());
        assert!(text("abc", 2).with_window(0).is_none());
    }

    #[test]
    fn an_unknown_character_is_named_with_its_place() {
        let found = Text::new("abx", Vocabulary::of_characters("ab")).unwrap_err();
        assert_eq!(found, Untokenized::Character { character: 'x', position: 2 });
    }
}
