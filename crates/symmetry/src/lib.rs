//! Symmetry groups derived from graphs, their actions and certificates, and matching modulo symmetry.
//!
//! [`infer()`] reads a [`Group`] off a forward graph. An [`Element`] of it is one permutation for each [`Generator`];
//! [`Group::act`] moves parameters by it without changing what the network computes, which [`certified`] tests before a
//! group is used. [`matching`] finds the element that brings one network nearest to another, with the solver in
//! [`assignment`].

mod action;
pub mod assignment;
mod certify;
mod classes;
mod element;
mod error;
mod gather;
mod group;
pub mod infer;
mod interchange;
mod lines;
pub mod matching;

pub use certify::{Certificate, Certified, Checked, TOLERANCE, certified, certify};
pub use element::Element;
pub use error::SymmetryError;
pub use group::{Fingerprint, Generator, Group, ParameterAxis, Slots, Subject};
pub use infer::infer;
