//! Scales and signs: which factors of parameters cancel.
//!
//! Every value may have a factor for each index of each axis and one for itself ([`unknowns`]). A primitive says how the
//! factors of its result follow from those of its operands ([`law`]); at a few places of each application ([`sites`]) this is a
//! linear equation between exponents, over the rationals for positive factors and modulo 2 for signs ([`equations`]).
//! Data and outputs have no factors. What solves all equations ([`system`], [`solve`]) is a symmetry.
//!
//! As all classes of a set are alike, their symmetric group acts on the solutions, which split into those of each class
//! alone and those of all alike. One system for each set, of its first class with everything else at rest, gives the first; one
//! system in which the classes of a set are one gives the second.

mod equations;
mod facts;
mod field;
mod law;
mod sites;
mod solve;
mod system;
mod unknowns;

pub(crate) use equations::{Ground, old_state};
pub(crate) use facts::{Fact, Facts};
pub(crate) use field::Parity;
pub(crate) use solve::{Solution, Solutions};
pub(crate) use system::{Sum, System, add};
pub(crate) use unknowns::{Subject as Unknown, Unknowns};
