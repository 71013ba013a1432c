//! Texts as tokens.

use std::{collections::BTreeMap, sync::Arc};

use tensor::Tensor;

/// A text whose tokens are characters, cut into windows.
///
/// Example `i` reads tokens `i·window` to `(i + 1)·window` and is labelled with the tokens one place later, so that every
/// token but the first is predicted once; what is left at the end and fills no window is not used.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Text {
    tokens: Arc<Vec<i32>>,
    vocabulary: Arc<Vec<char>>,
    window: usize,
}

/// Tokens of a window until a model says how many it reads. Ours: the context of this program's small transformers.
pub(crate) const WINDOW: usize = 128;

/// The different characters of a text in the order of their code points: the vocabulary of character models.
pub(crate) fn vocabulary(text: &str) -> Vec<char> {
    let counted: BTreeMap<char, ()> = text.chars().map(|character| (character, ())).collect();
    counted.into_keys().collect()
}

impl Text {
    /// The text as tokens: places in the vocabulary; or the first character that it lacks, with its position.
    pub(crate) fn new(
        characters: impl Iterator<Item = char>,
        vocabulary: Arc<Vec<char>>,
    ) -> Result<Self, (usize, char)> {
        let tokens = characters.enumerate().map(|(position, character)| {
            vocabulary.binary_search(&character).map(|token| token as i32).map_err(|_| (position, character))
        });
        let tokens = Arc::new(tokens.collect::<Result<_, _>>()?);
        Ok(Self { tokens, vocabulary, window: WINDOW })
    }

    pub(crate) fn vocabulary(&self) -> &[char] {
        &self.vocabulary
    }

    /// The characters.
    pub(crate) fn characters(&self) -> impl Iterator<Item = char> + '_ {
        self.tokens.iter().map(|&token| self.vocabulary[token as usize])
    }

    /// All tokens.
    pub(crate) fn tokens(&self) -> usize {
        self.tokens.len()
    }

    pub(crate) const fn window(&self) -> usize {
        self.window
    }

    /// The same text in windows of another length; `None` where it is too short for one.
    pub(crate) fn with_window(&self, window: usize) -> Option<Self> {
        (self.tokens.len() > window && window > 0).then(|| Self { window, ..self.clone() })
    }

    /// The number of windows.
    pub(crate) fn len(&self) -> usize {
        (self.tokens.len() - 1) / self.window
    }

    /// The first `count` windows.
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
        let vocabulary = Arc::new(vocabulary(characters));
        Text::new(characters.chars(), vocabulary).unwrap().with_window(window).unwrap()
    }

    #[test]
    fn tokens_are_places_in_the_sorted_vocabulary() {
        let text = text("hello é", 6);
        assert_eq!(text.vocabulary(), [' ', 'e', 'h', 'l', 'o', 'é']);
        assert_eq!(*text.tokens, [2, 1, 3, 3, 4, 0, 5]);
        assert_eq!(text.characters().collect::<String>(), "hello é");
        assert_eq!(text.counts(), [1, 1, 1, 2, 1, 1]);
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
        assert_eq!(Text::new("abx".chars(), Arc::new(vec!['a', 'b'])).unwrap_err(), (2, 'x'));
    }
}
