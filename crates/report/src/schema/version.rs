//! The `schema` member, checked before anything else is read.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::Error;

/// Reads a document after making sure that it is of the schema `expected`.
pub(super) fn read<T: DeserializeOwned>(expected: &'static str, json: &str) -> Result<T, Error> {
    let json_error = |source| Error::Json { schema: expected, source };
    let document: Value = serde_json::from_str(json).map_err(json_error)?;
    match document.get("schema") {
        Some(Value::String(found)) if found == expected => serde_json::from_str(json).map_err(json_error),
        found => {
            let found = found.map_or_else(|| "none".to_owned(), Value::to_string);
            Err(Error::UnknownSchema { expected, found })
        }
    }
}
