//! The parts of a data set.

use crate::Dataset;

/// A data set's parts.
#[derive(Clone, Debug, PartialEq)]
pub struct Splits {
    /// The specification that they were loaded from, as `mnist:data/mnist`.
    pub spec: String,
    /// The examples to train on.
    pub train: Dataset,
    /// The examples to compare networks by while they are trained, held out of those to train on, where there are such.
    pub validation: Option<Dataset>,
    /// The examples held out.
    pub test: Dataset,
}

impl Splits {
    /// Two parts, none for validation.
    pub fn new(spec: impl Into<String>, train: Dataset, test: Dataset) -> Self {
        Self { spec: spec.into(), train, validation: None, test }
    }

    /// The parts changed alike.
    ///
    /// # Errors
    /// Those of `change`.
    pub fn try_map<E>(&self, change: impl Fn(&Dataset) -> Result<Dataset, E>) -> Result<Self, E> {
        let validation = self.validation.as_ref().map(&change).transpose()?;
        Ok(Self {
            spec: self.spec.clone(),
            train: change(&self.train)?,
            validation,
            test: change(&self.test)?,
        })
    }
}
