//! Attributes: the static parameters of a primitive, as the text form shows them.

use std::sync::Arc;

use tensor::{DType, Shape, Tensor};

use crate::AttributeError;

/// The value of one attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Attr {
    /// An integer, as `3`.
    Int(i64),
    /// A list of integers, as `[0, 2]`.
    Ints(Vec<i64>),
    /// A word, as `gt`.
    Word(String),
    /// A whole tensor, as `f32[2] (1.0, 2.5)`.
    Tensor(Arc<Tensor>),
}

impl Attr {
    /// A list of sizes or axes.
    #[must_use]
    pub fn sizes(sizes: &[usize]) -> Self {
        Self::Ints(sizes.iter().map(|&size| size as i64).collect())
    }

    /// A list of truth values as 0 and 1.
    #[must_use]
    pub fn flags(flags: &[bool]) -> Self {
        Self::Ints(flags.iter().map(|&flag| flag.into()).collect())
    }

    /// The name of an element type.
    #[must_use]
    pub fn dtype(dtype: DType) -> Self {
        Self::Word(dtype.name().to_owned())
    }
}

/// Takes the attributes of one primitive apart, each once; what is left over at the end is an error.
#[derive(Debug)]
pub struct AttributeReader {
    op: &'static str,
    attributes: Vec<(String, Attr)>,
}

impl AttributeReader {
    /// A reader of `attributes` for the primitive called `op`.
    #[must_use]
    pub const fn new(op: &'static str, attributes: Vec<(String, Attr)>) -> Self {
        Self { op, attributes }
    }

    fn take(&mut self, name: &'static str) -> Result<Attr, AttributeError> {
        let position = self.attributes.iter().position(|(key, _)| key == name);
        let position = position.ok_or(AttributeError::Missing { op: self.op, name })?;
        Ok(self.attributes.remove(position).1)
    }

    pub(crate) fn malformed(&self, name: &'static str, expected: &'static str) -> AttributeError {
        AttributeError::Malformed { op: self.op, name, expected }
    }

    /// A non-negative integer.
    ///
    /// # Errors
    /// Where it is missing or something else.
    pub fn size(&mut self, name: &'static str) -> Result<usize, AttributeError> {
        match self.take(name)? {
            Attr::Int(value) if value >= 0 => Ok(value as usize),
            _ => Err(self.malformed(name, "a non-negative integer")),
        }
    }

    /// A list of non-negative integers.
    ///
    /// # Errors
    /// Where it is missing or something else.
    pub fn sizes(&mut self, name: &'static str) -> Result<Vec<usize>, AttributeError> {
        match self.take(name)? {
            Attr::Ints(values) if values.iter().all(|&value| value >= 0) => {
                Ok(values.into_iter().map(|value| value as usize).collect())
            }
            _ => Err(self.malformed(name, "a list of non-negative integers")),
        }
    }

    /// A list of integers of any sign.
    ///
    /// # Errors
    /// Where it is missing or something else.
    pub fn integers(&mut self, name: &'static str) -> Result<Vec<i64>, AttributeError> {
        match self.take(name)? {
            Attr::Ints(values) => Ok(values),
            _ => Err(self.malformed(name, "a list of integers")),
        }
    }

    /// A truth value, as 0 or 1.
    ///
    /// # Errors
    /// Where it is missing or something else.
    pub fn flag(&mut self, name: &'static str) -> Result<bool, AttributeError> {
        match self.take(name)? {
            Attr::Int(value @ (0 | 1)) => Ok(value == 1),
            _ => Err(self.malformed(name, "0 or 1")),
        }
    }

    /// A list of truth values, as 0 and 1.
    ///
    /// # Errors
    /// Where it is missing or something else.
    pub fn flags(&mut self, name: &'static str) -> Result<Vec<bool>, AttributeError> {
        match self.take(name)? {
            Attr::Ints(values) if values.iter().all(|value| matches!(value, 0 | 1)) => {
                Ok(values.into_iter().map(|value| value == 1).collect())
            }
            _ => Err(self.malformed(name, "a list of 0 and 1")),
        }
    }

    /// A shape.
    ///
    /// # Errors
    /// Where it is missing or something else.
    pub fn shape(&mut self, name: &'static str) -> Result<Shape, AttributeError> {
        let shape = Shape::from(self.sizes(name)?);
        match shape.checked_elements() {
            Some(_) => Ok(shape),
            None => Err(self.malformed(name, "a shape whose number of elements fits the address space")),
        }
    }

    /// A word that `parse` knows.
    ///
    /// # Errors
    /// Where it is missing or something else; `expected` names the known words.
    pub fn word<T>(
        &mut self,
        name: &'static str,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, AttributeError> {
        match self.take(name)? {
            Attr::Word(word) => parse(&word).ok_or_else(|| self.malformed(name, expected)),
            _ => Err(self.malformed(name, expected)),
        }
    }

    /// An element type.
    ///
    /// # Errors
    /// Where it is missing or something else.
    pub fn dtype(&mut self, name: &'static str) -> Result<DType, AttributeError> {
        self.word(name, "f32, f64, i32 or bool", DType::from_name)
    }

    /// A tensor.
    ///
    /// # Errors
    /// Where it is missing or something else.
    pub fn tensor(&mut self, name: &'static str) -> Result<Arc<Tensor>, AttributeError> {
        match self.take(name)? {
            Attr::Tensor(tensor) => Ok(tensor),
            _ => Err(self.malformed(name, "a tensor")),
        }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// Where an attribute was not read: the primitive does not have it.
    pub fn finish(self) -> Result<(), AttributeError> {
        match self.attributes.into_iter().next() {
            None => Ok(()),
            Some((name, _)) => Err(AttributeError::Unknown { op: self.op, name }),
        }
    }
}
