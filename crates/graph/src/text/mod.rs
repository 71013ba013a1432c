//! The text form of graphs: printing and parsing, inverse to each other bit by bit.
//!
//! One statement stands on each line:
//!
//! ```text
//! graph "name" {
//!   %0 = input "0.weight" parameter : f32[512, 784]
//!   %1 = input "x" data : f32[500, 784]
//!   %2 = dot_general(%1, %0) {lhs_batch = [], rhs_batch = [], lhs_contract = [1], rhs_contract = [1]} : f32[500, 512]
//!   %3 = tanh(%2) : f32[500, 512]
//!   %4 = constant() {value = f32[2] (1.0, -0.0)} : f32[2]
//!   return "hidden" = %3
//! }
//! ```
//!
//! Values are numbered from 0 in order of definition. A name is quoted; `"`, `\` and control characters in it are
//! escaped as `\"`, `\\`, `\n`, `\r`, `\t` and `\u{1b}`. Floats are the shortest decimals that read back as the same
//! number, or `inf`, `-inf`, `nan`, or `nan:0x7fc00001` for a NaN with other bits than the usual ones. A tensor that
//! is the same everywhere is written `f32[512] splat (0.0)`.

mod cursor;
mod error;
mod literal;
mod parse;
mod print;
mod statement;

pub use error::{ParseError, ParseFault, Problem};

/// The largest number of bytes that all splats of one text stand for together, 64 MiB: a short text cannot ask for
/// more memory than that. Ours; beyond it, the printer writes every element.
const SPLAT_BUDGET_BYTES: usize = 1 << 26;
