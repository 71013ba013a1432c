//! What the members of one loop run over.

use crate::node::{Along, Kind, Node, Nodes};

/// Most columns of a row that a loop keeps in its tile, so that results for each row can be used while the row is
/// still there. Ours: a few registers of that many `f32` fit the second cache level.
pub(crate) const MAX_ROW: usize = 4096;

/// What a loop runs over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// So many elements, in no particular arrangement.
    Flat(usize),
    /// Rows and columns.
    Matrix(usize, usize),
}

impl Extent {
    /// What a map or a reduction runs over on its own.
    pub(crate) fn of(nodes: &Nodes, node: &Node) -> Self {
        match node.kind {
            Kind::Fold { rows, columns, .. } => Self::Matrix(rows, columns),
            _ => Self::Flat(nodes.extent(node)),
        }
    }

    /// What can run over both in one loop; values of the first are read by the second.
    pub(crate) fn join(self, reader: Self) -> Option<Self> {
        match (self, reader) {
            (Self::Flat(n), Self::Flat(m)) if n == m => Some(self),
            (Self::Flat(n), Self::Flat(m)) => {
                (n > 0 && m.is_multiple_of(n)).then_some(Self::Matrix(n, m.checked_div(n)?))
            }
            (Self::Matrix(rows, columns), Self::Flat(n)) | (Self::Flat(n), Self::Matrix(rows, columns)) => {
                (n == rows * columns || n == rows).then_some(Self::Matrix(rows, columns))
            }
            (one, other) => (one == other).then_some(one),
        }
    }

    /// Rows and columns; one row where that is open.
    pub(crate) const fn matrix(self) -> (usize, usize) {
        match self {
            Self::Flat(n) => (1, n),
            Self::Matrix(rows, columns) => (rows, columns),
        }
    }
}

/// Whether a value of a loop has an element for each element of the matrix or for each row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Full,
    Row,
}

impl Level {
    /// At which level a node of a loop over so many rows and columns computes.
    pub(crate) fn computed(nodes: &Nodes, node: &Node, (rows, columns): (usize, usize)) -> Self {
        if nodes.extent(node) == rows * columns { Self::Full } else { Self::Row }
    }

    /// At which level a node's result is there while the loop runs, if it is.
    pub(crate) fn result(nodes: &Nodes, node: &Node, matrix: (usize, usize)) -> Option<Self> {
        let level = match node.kind {
            Kind::Map(_) | Kind::Join(_) => Self::computed(nodes, node, matrix),
            Kind::Fold { along: Along::Columns, .. } => Self::Row,
            _ => return None,
        };
        (level == Self::Full || matrix.1 <= MAX_ROW).then_some(level)
    }
}
