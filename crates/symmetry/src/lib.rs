//! Symmetry groups derived from graphs, trials, their actions and certificates, and matching modulo symmetry.
//!
//! [`infer()`] reads a [`Group`] off a forward graph, and [`infer_folded`] what it becomes once gains are folded. An [`Element`] has a
//! permutation, factors and matrices for each [`Generator`];
//! [`Group::act`] moves parameters by it without changing what the network computes, which [`certified`] tests before a
//! group is used. [`matching`] finds the element that brings one network nearest to another, with the solver in
//! [`assignment`].
//!
//! ```
//! use graph::Reference;
//! use isoloss_symmetry::{certified, infer, matching};
//! use models::{Init, Model};
//! use tensor::{DType, Key};
//!
//! let model = Model::parse("mlp:6-8-8-3")?;
//! let graph = model.forward(4, DType::F64);
//! let group = certified(&Reference, &[&graph], &infer(&graph), Key::new(0), 3)?.group;
//! assert_eq!(group.generators().len(), 2); // one for each hidden layer
//! assert_eq!(group.dimension(false), 8 + 8); // the positive scales of their units
//!
//! let a = model.init(Init::PyTorch, Key::new(1));
//! let b = group.act(&group.random_permutation(Key::new(2)), &a)?; // another point, the same function
//! let found = matching::weight_matching(&Reference, &group, &a, &b, &matching::Options::default())?;
//! assert_eq!(group.act(&found.element, &b)?, a);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod action;
mod activations;
pub mod assignment;
mod bench;
mod blocks;
pub mod canonical;
mod certify;
mod classes;
mod element;
mod error;
mod factors;
mod fingerprint;
mod folding;
mod gather;
mod generator;
mod group;
pub mod infer;
mod interchange;
mod lines;
pub mod matching;
mod matrix;
mod mix;
mod mixing;
mod model;
mod moments;
mod nest;
mod orbits;
mod owners;
mod reading;
mod rearrange;
mod scaling;
pub mod sites;
mod stretch;
mod translation;
mod uses;
mod view;

pub use activations::Stage;
pub use certify::{Certificate, Certified, Certifier, Checked, TOLERANCE, certified, certify};
pub use element::Element;
pub use error::SymmetryError;
pub use factors::Factors;
pub use folding::{Fold, Folding, Unfolded, infer_folded};
pub use generator::{Exponents, Family, Generator, LinearGroup, Mixing, ParameterAxis, Slots};
pub use group::{Group, Subject};
pub use infer::infer;
pub use matrix::Matrix;
pub use model::{graphs, trials};
pub use moments::{MovedState, Undefined, UndefinedMoment};
pub use translation::{
    CertifiedTranslations, Compensation, Reach, Term, Translation, Translations, translations,
    translations_certified,
};
