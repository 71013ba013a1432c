//! Variations within a recipe.

use serde::Deserialize;
use toml::Table;

/// A variation of the settings within a recipe: another width, another architecture.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arm {
    /// The name, also of its folder.
    pub name: String,
    /// What is replaced in the settings.
    pub training: Table,
}

impl Arm {
    /// The only arm of a recipe that names none.
    pub(super) fn only() -> Self {
        Self { name: "networks".to_owned(), training: Table::new() }
    }
}
