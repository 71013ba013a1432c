use serde::{Deserialize, Serialize};

/// A network, row by row in the order of computation, with what joins the rows, and what each axis of its tensors belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagram {
    /// Names the file of the drawing; letters, digits, `-` and `_`.
    pub id: String,
    /// The heading.
    pub title: String,
    /// What is to be seen; may be empty.
    #[serde(default)]
    pub caption: String,
    /// The names of the classes of axes, which are numbered from 1 where they are shown.
    #[serde(default)]
    pub classes: Vec<String>,
    /// What there is.
    pub rows: Vec<DiagramRow>,
    /// Pairs of the positions of two rows: what comes from the first goes into the second.
    pub edges: Vec<(usize, usize)>,
}

/// One thing in a [`Diagram`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiagramRow {
    /// What it is called.
    pub name: String,
    /// What it is.
    pub kind: RowKind,
    /// The tensors that belong to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tensors: Vec<DiagramTensor>,
}

/// What a row of a [`Diagram`] stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowKind {
    /// What is given.
    Input,
    /// A part with tensors of its own.
    Part,
    /// An operation in which parts meet.
    Join,
    /// Further rows like those before, not shown.
    Repeated,
    /// What is asked for.
    Output,
}

/// A tensor of a [`DiagramRow`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiagramTensor {
    /// What it is called.
    pub name: String,
    /// Its axes in order.
    pub axes: Vec<DiagramAxis>,
}

/// An axis of a [`DiagramTensor`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiagramAxis {
    /// The number of indices.
    pub size: usize,
    /// The positions of the classes that act on it, in [`Diagram::classes`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<usize>,
}

impl Diagram {
    /// A diagram without caption.
    pub fn new(id: impl Into<String>, title: impl Into<String>, classes: Vec<String>) -> Self {
        let (rows, edges) = (Vec::new(), Vec::new());
        Self { id: id.into(), title: title.into(), caption: String::new(), classes, rows, edges }
    }

    /// Sets the caption.
    #[must_use]
    pub fn with_caption(mut self, caption: impl Into<String>) -> Self {
        self.caption = caption.into();
        self
    }

    /// The classes of all axes that are shown, each once, in order.
    pub(crate) fn shown_classes(&self) -> Vec<usize> {
        let axes = self.rows.iter().flat_map(|row| &row.tensors).flat_map(|tensor| &tensor.axes);
        let all: std::collections::BTreeSet<usize> = axes.flat_map(|axis| &axis.classes).copied().collect();
        all.into_iter().collect()
    }
}
