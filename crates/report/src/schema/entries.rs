use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::number;
use crate::format::exact_number;

/// A setting's value. In JSON the plain value; a text "NaN", "inf" or "-inf" reads back as the number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Integer(i64),
    /// Any number.
    Number(#[serde(with = "number::one")] f64),
    /// A text.
    Text(String),
    /// Several values.
    List(Vec<Value>),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(x) => f.write_str(if *x { "yes" } else { "no" }),
            Self::Integer(x) => x.fmt(f),
            Self::Number(x) => f.write_str(&exact_number(*x)),
            Self::Text(x) => x.fmt(f),
            Self::List(xs) => f.write_str(&xs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
        }
    }
}

impl From<bool> for Value {
    fn from(x: bool) -> Self {
        Self::Flag(x)
    }
}

impl From<i64> for Value {
    fn from(x: i64) -> Self {
        Self::Integer(x)
    }
}

impl From<u32> for Value {
    fn from(x: u32) -> Self {
        Self::Integer(i64::from(x))
    }
}

/// A number above `i64::MAX` becomes text with all its digits.
impl From<u64> for Value {
    fn from(x: u64) -> Self {
        i64::try_from(x).map_or_else(|_| Self::Text(x.to_string()), Self::Integer)
    }
}

/// A number above `i64::MAX` becomes text with all its digits.
impl From<usize> for Value {
    fn from(x: usize) -> Self {
        i64::try_from(x).map_or_else(|_| Self::Text(x.to_string()), Self::Integer)
    }
}

impl From<f64> for Value {
    fn from(x: f64) -> Self {
        Self::Number(x)
    }
}

impl From<&str> for Value {
    fn from(x: &str) -> Self {
        Self::Text(x.to_owned())
    }
}

impl From<String> for Value {
    fn from(x: String) -> Self {
        Self::Text(x)
    }
}

/// A named random seed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seed {
    /// What the seed is for, such as "network A".
    pub name: String,
    /// The seed.
    pub value: u64,
}

/// Keys with values, in the order in which they were added. In JSON an object with its members in that order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entries(Vec<(String, Value)>);

impl Entries {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a key, or replaces its value in place.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.insert(key, value);
        self
    }

    /// Adds a key, or replaces its value in place.
    pub fn insert(&mut self, key: impl Into<String>, value: impl Into<Value>) {
        let (key, value) = (key.into(), value.into());
        match self.0.iter_mut().find(|entry| entry.0 == key) {
            Some(entry) => entry.1 = value,
            None => self.0.push((key, value)),
        }
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|entry| entry.0 == key).map(|entry| &entry.1)
    }

    /// Keys and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Entries {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of settings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
        let mut entries = Entries::new();
        while let Some((key, value)) = map.next_entry::<String, Value>()? {
            entries.insert(key, value);
        }
        Ok(entries)
    }
}
