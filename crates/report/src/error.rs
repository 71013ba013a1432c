use std::fmt;

/// Why a document could not be read or shown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is not JSON, or not of the shape that its schema version demands.
    #[error("reading a {schema} document: {source}")]
    Json {
        /// The schema that was expected.
        schema: &'static str,
        /// What the parser says, with line and column where it knows them.
        source: serde_json::Error,
    },
    /// The document names another schema, or none.
    #[error(
        "reading a document: expected schema \"{expected}\", found {found}; read it with the version of isoloss that wrote it"
    )]
    UnknownSchema {
        /// The schema that this version reads.
        expected: &'static str,
        /// The document's `schema` member as JSON text, or "none".
        found: String,
    },
    /// The document contradicts itself. All faults are listed.
    #[error("the document is not consistent: {}", Listed(.0))]
    Inconsistent(Vec<Fault>),
    /// A figure's SVG could not be drawn as PNG.
    #[error("drawing a figure as PNG: {reason}")]
    Png {
        /// What the renderer says.
        reason: String,
    },
}

/// One contradiction inside a document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// An id that cannot name a file.
    #[error(
        "figure id \"{id}\": expected letters, digits, '-' and '_', starting with a letter or digit, at most 64"
    )]
    FigureId {
        /// The id.
        id: String,
    },
    /// Two figures with one id, compared without case because they name files.
    #[error("figure id \"{id}\": used more than once, expected unique ids")]
    RepeatedFigure {
        /// The id.
        id: String,
    },
    /// Coordinates that do not pair up.
    #[error(
        "figure \"{figure}\", series \"{series}\": {part} has {found} values, expected {expected} as in x"
    )]
    SeriesLength {
        /// The figure's id.
        figure: String,
        /// The series' name.
        series: String,
        /// "y", "band.low" or "band.high".
        part: &'static str,
        /// The number of x values.
        expected: usize,
        /// The number of values in `part`.
        found: usize,
    },
    /// A position that a diagram does not have.
    #[error("diagram \"{diagram}\": there is no {what} {found} of {count}, counted from 0")]
    OutsideDiagram {
        /// The diagram's id.
        diagram: String,
        /// "row" or "class".
        what: &'static str,
        /// The position.
        found: usize,
        /// How many there are.
        count: usize,
    },
    /// A part of a flame chart that takes no amount.
    #[error("flame chart \"{flame}\", \"{frame}\": found {found}, expected a finite number from 0 up")]
    FrameValue {
        /// The chart's title.
        flame: String,
        /// The part's name.
        frame: String,
        /// Its value or floor.
        found: String,
    },
    /// A table row that does not fit the columns.
    #[error("table \"{table}\", row {row}: found {found} cells, expected {expected}, one for each column")]
    RowLength {
        /// The table's title.
        table: String,
        /// The row, counted from 0.
        row: usize,
        /// The number of columns.
        expected: usize,
        /// The number of cells.
        found: usize,
    },
    /// A highlight that points outside the table.
    #[error(
        "table \"{table}\": the highlight at row {row}, column {column:?} lies outside {rows} rows and {columns} columns"
    )]
    MarkOutside {
        /// The table's title.
        table: String,
        /// The highlight's row.
        row: usize,
        /// The highlight's column, if it is for one cell.
        column: Option<usize>,
        /// The number of rows.
        rows: usize,
        /// The number of columns.
        columns: usize,
    },
}

struct Listed<'a>(&'a [Fault]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, fault) in self.0.iter().enumerate() {
            write!(f, "{}{fault}", if i == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}
