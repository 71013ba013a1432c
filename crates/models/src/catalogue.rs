//! The architectures that there are, for tables.

use crate::{Model, spec::FAMILIES};

/// A family of architectures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// The names in specifications.
    pub names: Vec<&'static str>,
    /// A specification.
    pub example: &'static str,
    /// What the networks are.
    pub about: &'static str,
    /// Whose names the parameters have.
    pub parameters: &'static str,
    /// Where the networks come from; empty where nowhere in particular.
    pub source: &'static str,
    /// The options, in the order in which they are printed.
    pub options: Vec<FamilyOption>,
}

/// An option of a family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FamilyOption {
    /// Its name.
    pub name: &'static str,
    /// Its default.
    pub default: String,
    /// The names to choose from; none for sizes and numbers.
    pub choices: Vec<&'static str>,
}

/// All families of architectures.
///
/// # Panics
/// Where the example of a family is no specification: a bug of ours.
#[must_use]
pub fn families() -> Vec<Family> {
    let families = FAMILIES.iter().map(|family| {
        let Ok(model) = Model::parse(family.example) else { panic!("'{}' is no model", family.example) };
        let written = model.network.architecture().written();
        let options = written.options.into_iter().map(|option| FamilyOption {
            name: option.name,
            default: option.default,
            choices: option.choices,
        });
        Family {
            names: family.names.iter().map(|(name, _)| *name).collect(),
            example: family.example,
            about: family.about,
            parameters: family.parameters,
            source: family.source,
            options: options.collect(),
        }
    });
    families.collect()
}
