use serde::{Deserialize, Serialize};

use super::{Outcome, version};
use crate::error::Error;
use crate::json;

/// The schema that [`RecipeIndex`] writes and reads.
pub const INDEX_SCHEMA: &str = "isoloss.recipes/1";

/// All recipes with their last verdicts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipeIndex {
    schema: String,
    /// When it was made, as the caller writes it.
    #[serde(default)]
    pub created: String,
    /// The recipes in the order in which they are listed.
    pub recipes: Vec<RecipeEntry>,
}

/// A recipe and what its last run said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipeEntry {
    /// The recipe's name.
    pub name: String,
    /// The paper it reproduces, in words.
    pub paper: String,
    /// The paper's claim.
    pub claim: String,
    /// The scale of the last run; empty if it never ran.
    #[serde(default)]
    pub scale: String,
    /// The date of the last run; empty if it never ran.
    #[serde(default)]
    pub date: String,
    /// The last run's verdicts; empty if it never ran.
    #[serde(default)]
    pub verdicts: Vec<RecipeVerdict>,
    /// Where the last run's report is, relative to the index; empty if there is none. Pages link only to relative
    /// places: anything with a scheme, a host or a leading slash is not made a link.
    #[serde(default)]
    pub link: String,
}

/// One verdict of a recipe's last run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipeVerdict {
    /// The part of the claim it is about.
    pub claim: String,
    /// What became of it.
    pub outcome: Outcome,
}

impl RecipeIndex {
    /// An index of the current schema.
    pub fn new(created: impl Into<String>, recipes: impl IntoIterator<Item = RecipeEntry>) -> Self {
        Self {
            schema: INDEX_SCHEMA.to_owned(),
            created: created.into(),
            recipes: recipes.into_iter().collect(),
        }
    }

    /// The document as indented JSON that ends in a line break.
    pub fn to_json(&self) -> String {
        json::pretty(self)
    }

    /// Reads what [`RecipeIndex::to_json`] wrote.
    ///
    /// # Errors
    /// [`Error::UnknownSchema`] for another schema, [`Error::Json`] for text that is not such a document.
    pub fn from_json(json: &str) -> Result<Self, Error> {
        version::read(INDEX_SCHEMA, json)
    }
}
