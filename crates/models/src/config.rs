//! The fields of a `config.json`.

use std::path::PathBuf;

use serde_json::{Map, Value};

use crate::ModelError;

/// An object of a configuration file.
pub(crate) struct Config {
    path: PathBuf,
    fields: Map<String, Value>,
}

/// The activations of transformers that there are here, and their names.
const ACTIVATIONS: [(&str, &str); 8] = [
    ("relu", "relu"),
    ("gelu", "gelu"),
    ("gelu_new", "gelu_tanh"),
    ("gelu_pytorch_tanh", "gelu_tanh"),
    ("silu", "silu"),
    ("swish", "silu"),
    ("tanh", "tanh"),
    ("sigmoid", "sigmoid"),
];

impl Config {
    /// The fields of the file at `path`.
    pub(crate) const fn new(path: PathBuf, fields: Map<String, Value>) -> Self {
        Self { path, fields }
    }

    /// The number of fields.
    pub(crate) fn len(&self) -> usize {
        self.fields.len()
    }

    /// That something else was expected.
    pub(crate) fn fault(&self, expected: impl Into<String>, found: impl Into<String>) -> ModelError {
        ModelError::Config { path: self.path.clone(), expected: expected.into(), found: found.into() }
    }

    /// A field that is there and not null.
    fn field(&self, name: &str) -> Option<&Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    fn read<'a, T>(
        &'a self,
        name: &str,
        kind: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, ModelError> {
        let Some(value) = self.field(name) else { return Ok(None) };
        let fault = || self.fault(format!("{name} as {kind}"), value.to_string());
        read(value).map(Some).ok_or_else(fault)
    }

    /// A text.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, ModelError> {
        self.read(name, "text", Value::as_str)
    }

    /// A whole number from 0 up, which must be there.
    pub(crate) fn size(&self, name: &str) -> Result<usize, ModelError> {
        let kind = "a whole number";
        let size = self.read(name, kind, |value| value.as_u64().and_then(|size| size.try_into().ok()))?;
        size.ok_or_else(|| self.fault(format!("{name} as {kind}"), "none"))
    }

    /// A whole number from 0 up.
    pub(crate) fn size_or(&self, name: &str, default: usize) -> Result<usize, ModelError> {
        if self.field(name).is_some() { self.size(name) } else { Ok(default) }
    }

    /// A number.
    pub(crate) fn number(&self, name: &str, default: f64) -> Result<f64, ModelError> {
        Ok(self.read(name, "a number", Value::as_f64)?.unwrap_or(default))
    }

    /// A truth value.
    pub(crate) fn flag(&self, name: &str, default: bool) -> Result<bool, ModelError> {
        Ok(self.read(name, "true or false", Value::as_bool)?.unwrap_or(default))
    }

    /// Refuses all but one truth value.
    pub(crate) fn only(&self, name: &str, default: bool, possible: bool) -> Result<(), ModelError> {
        let found = self.flag(name, default)?;
        if found == possible {
            return Ok(());
        }
        Err(self.fault(format!("{name} {possible}"), found.to_string()))
    }

    /// The first of the `architectures`, which must be one of these.
    pub(crate) fn architecture(&self, possible: &[&str]) -> Result<&str, ModelError> {
        let listed = self.read("architectures", "a list", Value::as_array)?;
        let first = listed.and_then(|list| list.first()).and_then(Value::as_str).unwrap_or_default();
        if possible.contains(&first) {
            return Ok(first);
        }
        Err(self.fault(format!("as architectures one of {}", possible.join(", ")), format!("'{first}'")))
    }

    /// An activation, by its name in specifications.
    pub(crate) fn activation(&self, name: &str, default: &str) -> Result<&'static str, ModelError> {
        let found = self.text(name)?.unwrap_or(default);
        let known = ACTIVATIONS.iter().find(|(theirs, _)| *theirs == found);
        known.map(|(_, ours)| *ours).ok_or_else(|| {
            let known: Vec<&str> = ACTIVATIONS.iter().map(|(theirs, _)| *theirs).collect();
            self.fault(format!("as {name} one of {}", known.join(", ")), format!("'{found}'"))
        })
    }

    /// An object within.
    pub(crate) fn inner(&self, name: &str) -> Result<Option<Self>, ModelError> {
        let fields = self.read(name, "an object", Value::as_object)?;
        Ok(fields.map(|fields| Self::new(self.path.clone(), fields.clone())))
    }
}
