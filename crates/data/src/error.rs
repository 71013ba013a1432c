//! What can be wrong with a data set.

use std::path::PathBuf;

use tensor::names;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A data set that does not exist.
    #[error("there is no data set called '{found}'{}; known: {}", names::suggestion(found, known), known.join(", "))]
    Unknown {
        /// The name given.
        found: String,
        /// The specifications there are.
        known: Vec<&'static str>,
    },
    /// A specification without a folder, or with one where none belongs.
    #[error("data '{spec}': expected {expected}, found {found}")]
    Spec {
        /// The whole specification.
        spec: String,
        /// What was expected.
        expected: String,
        /// What was found instead.
        found: String,
    },
    /// An option that the data set does not have.
    #[error("there is no option of {name} called '{found}'{}; known: {}", names::suggestion(found, known), known.join(", "))]
    Option {
        /// The data set.
        name: String,
        /// The option given.
        found: String,
        /// The options there are.
        known: Vec<&'static str>,
    },
    /// A character that a vocabulary lacks.
    #[error(
        "data set '{name}': character {character:?} at position {position} is not in the vocabulary of {size} tokens; \
         a network reads only what its vocabulary has"
    )]
    Character {
        /// The data set.
        name: String,
        /// The character.
        character: char,
        /// Its position in the part, counted from 0 in characters.
        position: usize,
        /// The size of the vocabulary.
        size: usize,
    },
    /// A tokenizer that gives a text no tokens.
    #[error("data set '{name}': the tokenizer refuses the text: {found}; try another tokenizer.json")]
    Tokenizer {
        /// The data set.
        name: String,
        /// What the tokenizer said.
        found: String,
    },
    /// What a network was trained on is not what a data set holds.
    #[error(
        "data set '{name}' cannot be read as the network reads its data: expected {expected}, found {found}"
    )]
    Input {
        /// The data set.
        name: String,
        /// What the network reads.
        expected: String,
        /// What the data set holds.
        found: String,
    },
    /// None of the names under which a file may lie is there.
    #[error("no {what} in {}: looked for {}; {hint}", folder.display(), tried.join(", "))]
    Missing {
        /// What the file would have held, as "training images".
        what: String,
        /// The folder.
        folder: PathBuf,
        /// The file names that were tried, in order.
        tried: Vec<String>,
        /// What to try.
        hint: &'static str,
    },
    /// A file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file's contents are not what its name says, or are cut short.
    #[error("{}: expected {expected}, found {found}; {hint}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What was expected.
        expected: String,
        /// What was found instead.
        found: String,
        /// What to try.
        hint: &'static str,
    },
    /// A label that belongs to no class.
    #[error("{file}: expected labels from 0 to {}, found label {found} at example {index}", classes.saturating_sub(1))]
    Label {
        /// The file or data set.
        file: String,
        /// The example, counted from 0.
        index: usize,
        /// The label.
        found: i64,
        /// The number of classes.
        classes: usize,
    },
    /// Tensors that do not make a data set.
    #[error(
        "data set '{name}': expected f32[N, features] and i32[N] with N and features at least 1, found {found}"
    )]
    NotADataset {
        /// The data set's name.
        name: String,
        /// The types and shapes given.
        found: String,
    },
}
