//! The methods: which parameters they have, and what each does to one tensor.
//!
//! A method sees a tensor as [`Inputs`], flat and in chunks, and never whole, so that memory does not depend on sizes. It first
//! runs over the chunks for what it must know of the whole ([`Work::prepare`]: norms, thresholds, sums), and then makes the
//! result chunk by chunk ([`Ready::apply`]). Sums are in f64 over fixed chunks, added as a tree; everything else is in f32.

mod chunks;
mod geometry;
mod guess;
mod random;
mod rows;
mod sce;
mod select;
mod table;
mod task;
mod wide;
mod work;

pub use chunks::Inputs;
pub(crate) use chunks::{Chunk, Chunks};
pub(crate) use select::key;
pub use table::{Base, Default, Method, Parameter, Scope};
pub(crate) use table::{INT8_MASK, parameter_names};
pub(crate) use wide::wide;
pub use work::{Effective, Ready, Work};
