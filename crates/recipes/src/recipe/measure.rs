//! What claims are about.

use std::fmt;

use serde::{Deserialize, Deserializer, de::Error};

use crate::experiment::Kind;

/// What a claim is about: one of those that its experiment takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    /// The name in recipes.
    pub name: &'static str,
    /// What is measured, in words.
    pub words: &'static str,
    /// The unit of the measured value.
    pub unit: &'static str,
    /// What stands in for the treatment in the control, which must violate the bound.
    pub control: &'static str,
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Measure {
    /// Those of all experiments.
    fn all() -> impl Iterator<Item = Self> {
        Kind::ALL.into_iter().flat_map(|kind| kind.experiment().measures()).copied()
    }
}

impl<'de> Deserialize<'de> for Measure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::all().find(|measure| measure.name == name).ok_or_else(|| {
            let known: Vec<&str> = Self::all().map(|measure| measure.name).collect();
            D::Error::custom(format!("a measure should be one of {}, found '{name}'", known.join(", ")))
        })
    }
}
