//! Examples as they are kept in memory.

use crate::Example;

/// The numbers of examples of one kind, one after the other.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rows {
    example: Example,
    numbers: Numbers,
}

/// Numbers as they are stored.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Numbers {
    /// Grey values from 0 (black) to `white`.
    Bytes {
        /// The values.
        bytes: Vec<u8>,
        /// The value of a full pixel.
        white: f32,
    },
    /// Numbers as the network reads them.
    Floats(Vec<f32>),
}

impl Rows {
    /// # Panics
    /// Where the numbers do not make whole examples, or there are none.
    #[track_caller]
    pub(crate) fn new(example: Example, numbers: Numbers) -> Self {
        let (count, elements) = (numbers.len(), example.elements());
        assert!(count > 0 && count.is_multiple_of(elements), "{count} numbers are no {example}");
        Self { example, numbers }
    }

    pub(crate) const fn example(&self) -> Example {
        self.example
    }

    pub(crate) const fn numbers(&self) -> &Numbers {
        &self.numbers
    }

    pub(crate) fn len(&self) -> usize {
        self.numbers.len() / self.example.elements()
    }

    /// Number `at` of example `index`, from 0 to 1 for grey values.
    #[inline]
    pub(crate) fn number(&self, index: usize, at: usize) -> f64 {
        let position = index * self.example.elements() + at;
        match &self.numbers {
            Numbers::Bytes { bytes, white } => f64::from(bytes[position]) / f64::from(*white),
            Numbers::Floats(floats) => f64::from(floats[position]),
        }
    }

    /// The examples at these indices, in that order.
    pub(crate) fn select(&self, indices: &[usize]) -> Self {
        let elements = self.example.elements();
        let numbers = match &self.numbers {
            Numbers::Bytes { bytes, white } => {
                Numbers::Bytes { bytes: picked(bytes, elements, indices), white: *white }
            }
            Numbers::Floats(floats) => Numbers::Floats(picked(floats, elements, indices)),
        };
        Self { example: self.example, numbers }
    }
}

impl Numbers {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Bytes { bytes, .. } => bytes.len(),
            Self::Floats(floats) => floats.len(),
        }
    }
}

fn picked<T: Copy>(from: &[T], elements: usize, indices: &[usize]) -> Vec<T> {
    indices.iter().flat_map(|&index| &from[index * elements..][..elements]).copied().collect()
}
