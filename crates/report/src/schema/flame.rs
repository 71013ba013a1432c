use serde::{Deserialize, Serialize};

use super::number;

/// A quantity, such as time, divided into parts, and those again: wide is much.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Flame {
    /// The heading.
    pub title: String,
    /// What is to be seen; may be empty.
    #[serde(default)]
    pub caption: String,
    /// The unit of all values.
    pub unit: String,
    /// The whole.
    pub root: Frame,
}

/// A part of a [`Flame`] and its own parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// What it is.
    pub name: String,
    /// How much of the quantity it takes, its parts included; not negative.
    #[serde(with = "number::one")]
    pub value: f64,
    /// The least that it could take, if that is known; not negative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<f64>,
    /// Its parts, which together take at most as much.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Frame>,
}

impl Flame {
    /// A flame chart without caption.
    pub fn new(title: impl Into<String>, unit: impl Into<String>, root: Frame) -> Self {
        Self { title: title.into(), caption: String::new(), unit: unit.into(), root }
    }

    /// Sets the caption.
    #[must_use]
    pub fn with_caption(mut self, caption: impl Into<String>) -> Self {
        self.caption = caption.into();
        self
    }
}

impl Frame {
    /// A part without parts of its own and without a floor.
    pub fn new(name: impl Into<String>, value: f64) -> Self {
        Self { name: name.into(), value, floor: None, parts: Vec::new() }
    }

    /// What these parts are together: their sum, and the sum of their floors where all have one.
    pub fn of(name: impl Into<String>, parts: Vec<Self>) -> Self {
        let value = parts.iter().map(|part| part.value).sum();
        let floor = parts.iter().map(|part| part.floor).sum();
        Self { name: name.into(), value, floor, parts }
    }

    /// Sets the floor.
    #[must_use]
    pub fn with_floor(self, floor: f64) -> Self {
        Self { floor: Some(floor), ..self }
    }

    /// The frame, and all frames below it.
    pub(crate) fn all(&self) -> Vec<&Self> {
        std::iter::once(self).chain(self.parts.iter().flat_map(Self::all)).collect()
    }
}
