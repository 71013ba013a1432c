//! Models with different tokens: the vocabulary of the result, and which rows of whose embeddings are a token's there.

mod rows;
mod tokens;
mod united;

pub(crate) use rows::{Row, Rows};
pub(crate) use tokens::Tokens;
pub(crate) use united::{Place, Vocabulary};

/// Parts of names of input embeddings.
const EMBEDDINGS: [&str; 5] = ["embed_tokens", "wte", "embed_in", "word_embeddings", "tok_embeddings"];

/// Names of the output embedding, which a model with tied embeddings does not store.
pub(crate) const HEADS: [&str; 3] = ["lm_head.weight", "embed_out.weight", "output.weight"];

/// Biases of output embeddings.
const BIASES: [&str; 2] = ["lm_head.bias", "embed_out.bias"];

/// Whether a tensor is an input embedding.
pub(crate) fn is_embedding(name: &str) -> bool {
    EMBEDDINGS.iter().any(|part| name.contains(part)) && name.ends_with(".weight")
}

/// Whether a tensor has a row for each token.
pub(crate) fn has_tokens(name: &str) -> bool {
    is_embedding(name) || HEADS.contains(&name) || BIASES.contains(&name)
}
