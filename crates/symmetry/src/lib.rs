//! Symmetry groups derived from graphs, their actions and certificates, and matching modulo symmetry.
//!
//! [`infer()`] reads a [`Group`] off a forward graph. An [`Element`] of it has a permutation and factors for each [`Generator`];
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
mod model;
mod orbits;
mod scaling;
mod stretch;

pub use activations::Stage;
pub use certify::{Certificate, Certified, Checked, TOLERANCE, certified, certify};
pub use element::{Element, Factors};
pub use error::SymmetryError;
pub use group::{Exponents, Family, Fingerprint, Generator, Group, ParameterAxis, Slots, Subject};
pub use infer::infer;
pub use model::graphs;
