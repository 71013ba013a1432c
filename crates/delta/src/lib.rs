//! Merging checkpoints tensor by tensor, by mergekit's recipes, over files of any size.
//!
//! A [`Recipe`] is mergekit's YAML. A [`Plan`] says, from headers alone, what each tensor of the result is made of, by which
//! parameters, in which type, and all that does not fit. [`Plan::run`] does it in bounded memory: every [`Method`] is a few
//! passes over chunks of a tensor, arithmetic is in f32 with one rounding at the end, sums are in f64, and random masks depend on
//! the seed, the tensor's name, the model's place and the element's position alone. So the same recipe and seed give the same bits
//! with any number of threads, and the result appears whole or not at all.
//!
//! This crate knows tensors by their names and no graph; what needs the symmetry of a network stands in others.
//!
//! # Where this differs from mergekit 0.1.5
//!
//! - `dtype` is the type of the result where `out_dtype` says no other. Models are not rounded to it first, and nothing between
//!   is rounded: mergekit computes most methods in `dtype` itself, or in the type of the files.
//! - Floats of 64 bits are read into 32 where the recipe says a `dtype`, and refused where it says none.
//! - Of equal magnitudes the one that stands first counts as the larger one for `ties`, `breadcrumbs` and `sce`, and as the
//!   smaller one for the ranks of `della`; mergekit leaves that open. Along an axis of one element, `della`'s rank is 0; mergekit
//!   fails.
//! - Random masks come from other random numbers, and from the seed alone.
//! - A tensor that some models lack is refused, an output embedding that all models tie is left out.
//! - Where a tokenizer is asked for, tokens that are new get numbers in the order of the models and their own numbers; mergekit leaves it to a hash
//!   table. The mean of several models' embeddings of a token is not rounded to their type.
//! - NaN and infinities in models, and numbers beyond the type of the result, are errors.
//! - Counters of batches (`num_batches_tracked`) may differ and are those of the first model.

mod adapter;
mod error;
mod methods;
mod plan;
mod recipe;
mod run;
mod vocabulary;

pub use error::DeltaError;
pub use methods::{Base, Default, Effective, Inputs, Method, Parameter, Ready, Scope, Work};
pub use plan::{Model, Options, Output, Plan, Source};
pub use recipe::{
    Content, Input, Kind, Origin, Recipe, Reference, Scalar, Setting, Settings, Slice, TokenChoice,
    TokenSource, Tokenizer,
};
pub use run::{Merged, Watch};
