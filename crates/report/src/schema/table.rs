use serde::{Deserialize, Serialize};

use super::number;
use crate::format::{NumberFormat, format_number};

/// On which side a column's cells line up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Align {
    /// On the left, for words.
    #[default]
    Left,
    /// On the right, for numbers.
    Right,
    /// In the middle.
    Center,
}

/// A column's head and how its cells are shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// The head, with the unit where there is one.
    pub label: String,
    /// On which side cells line up.
    #[serde(default)]
    pub align: Align,
    /// How numbers are shown.
    #[serde(default)]
    pub format: NumberFormat,
}

impl Column {
    /// A column of words.
    pub fn text(label: impl Into<String>) -> Self {
        Self { label: label.into(), align: Align::Left, format: NumberFormat::default() }
    }

    /// A column of numbers.
    pub fn number(label: impl Into<String>, format: NumberFormat) -> Self {
        Self { label: label.into(), align: Align::Right, format }
    }
}

/// A cell. In JSON `{"number": 0.5}`, `{"text": "naive"}` or `null`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Cell {
    /// A number.
    Number {
        /// The number, or its mean over seeds.
        #[serde(with = "number::one")]
        number: f64,
        /// Its spread over seeds.
        #[serde(default, with = "number::optional", skip_serializing_if = "Option::is_none")]
        spread: Option<f64>,
        /// How it is shown, where that differs from the column.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        format: Option<NumberFormat>,
    },
    /// Words.
    Text {
        /// The words.
        text: String,
    },
    /// Nothing.
    Empty,
}

impl Cell {
    /// A number with its spread over seeds.
    pub fn spread(number: f64, spread: f64) -> Self {
        Self::Number { number, spread: Some(spread), format: None }
    }

    /// The cell's text in a column of the given format.
    pub fn shown(&self, column: NumberFormat) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Text { text } => text.clone(),
            Self::Number { number, spread, format } => {
                let format = format.unwrap_or(column);
                let value = format_number(*number, format);
                spread.map_or_else(|| value.clone(), |s| format!("{value} ± {}", format_number(s, format)))
            }
        }
    }
}

impl From<f64> for Cell {
    fn from(number: f64) -> Self {
        Self::Number { number, spread: None, format: None }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text { text: text.to_owned() }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text { text }
    }
}

/// `None` is an empty cell.
impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(cell: Option<T>) -> Self {
        cell.map_or(Self::Empty, Into::into)
    }
}

/// A row or a cell that deserves attention, such as the best one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The row, counted from 0.
    pub row: usize,
    /// The column, counted from 0; absent for the whole row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
}

/// Rows and columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// The heading.
    pub title: String,
    /// What the reader should know about the numbers.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub caption: String,
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows, each with one cell for each column.
    pub rows: Vec<Vec<Cell>>,
    /// The highlighted rows and cells.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub highlights: Vec<Mark>,
}

impl Table {
    /// A table without rows.
    pub fn new(title: impl Into<String>, columns: impl IntoIterator<Item = Column>) -> Self {
        let columns = columns.into_iter().collect();
        Self {
            title: title.into(),
            caption: String::new(),
            columns,
            rows: Vec::new(),
            highlights: Vec::new(),
        }
    }

    /// Sets the caption.
    #[must_use]
    pub fn with_caption(mut self, caption: impl Into<String>) -> Self {
        self.caption = caption.into();
        self
    }

    /// Adds a row of one cell for each column.
    #[must_use]
    pub fn with_row(mut self, cells: impl IntoIterator<Item = Cell>) -> Self {
        self.rows.push(cells.into_iter().collect());
        self
    }

    /// Highlights a row.
    #[must_use]
    pub fn with_best_row(mut self, row: usize) -> Self {
        self.highlights.push(Mark { row, column: None });
        self
    }

    /// Highlights a cell.
    #[must_use]
    pub fn with_best_cell(mut self, row: usize, column: usize) -> Self {
        self.highlights.push(Mark { row, column: Some(column) });
        self
    }

    /// Whether the cell is highlighted, by itself or with its row.
    pub(crate) fn is_highlighted(&self, row: usize, column: usize) -> bool {
        self.highlights.iter().any(|mark| mark.row == row && mark.column.is_none_or(|c| c == column))
    }
}
