//! What a network predicts.

use tensor::Shape;

/// The labels of an example: numbers of classes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Labels {
    /// One for the whole of it.
    Whole,
    /// For each of this many tokens the token after it; the network does not see that one.
    NextTokens(usize),
    /// One for each place of this shape: pixels (`[rows, columns]`), nodes of a graph, or tokens of a network that sees the
    /// whole text.
    Places(Shape),
}

impl Labels {
    /// The shape of the labels of one example: empty for one label.
    #[must_use]
    pub fn shape(&self) -> Shape {
        match self {
            Self::Whole => Shape::scalar(),
            Self::NextTokens(count) => Shape::from([*count]),
            Self::Places(shape) => shape.clone(),
        }
    }
}
