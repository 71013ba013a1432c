//! The parts of a data set.

use crate::{DataError, Dataset, text::Text};

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

    /// A text with all its parts put together again, as one; `None` where the parts are no text.
    ///
    /// # Errors
    /// Where the whole has no tokens of the vocabulary: it is cut anew, as tokens may reach from part to part.
    pub fn whole(&self) -> Result<Option<Dataset>, DataError> {
        let parts = [Some(&self.train), self.validation.as_ref(), Some(&self.test)];
        let texts: Option<Vec<&Text>> = parts.into_iter().flatten().map(Dataset::text).collect();
        let Some(texts) = texts else { return Ok(None) };
        let source: String = texts.iter().map(|text| text.source()).collect();
        let vocabulary = texts[0].vocabulary();
        let whole = Text::new(source, vocabulary.clone());
        let whole = whole.map_err(|found| found.of("text (whole)", vocabulary))?;
        Ok(whole.shortened().map(|text| Dataset::of_text("text (whole)", text)))
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
