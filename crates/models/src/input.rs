//! What a network reads.

use std::fmt;

use tensor::Image;

/// An example as a network takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A vector of numbers.
    Features(usize),
    /// An image, flattened in the order channels, rows, columns.
    Image(Image),
    /// A text: numbers of tokens.
    Tokens {
        /// Tokens of an example.
        count: usize,
        /// How many different tokens there are.
        vocabulary: usize,
    },
    /// A graph: the features of its nodes, node by node, then its symmetric adjacency matrix, row by row.
    Graph {
        /// The number of nodes.
        nodes: usize,
        /// Features of a node.
        features: usize,
    },
}

impl Input {
    /// The number of elements of an example.
    #[must_use]
    pub const fn elements(self) -> usize {
        match self {
            Self::Features(count) | Self::Tokens { count, .. } => count,
            Self::Image(image) => image.elements(),
            Self::Graph { nodes, features } => nodes * (features + nodes),
        }
    }
}

/// As in "the network takes images 3x32x32".
impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Features(count) => write!(f, "{count} features"),
            Self::Image(image) => write!(f, "images {image}"),
            Self::Tokens { count, vocabulary } => write!(f, "texts of {count} tokens out of {vocabulary}"),
            Self::Graph { nodes, features } => write!(f, "graphs of {nodes} nodes with {features} features"),
        }
    }
}
