//! Versioned results and their views: HTML pages, SVG and PNG figures, CSV.
//!
//! A command fills in a [`Report`]; everything else here is a pure function of it. [`bundle()`] gives the files of a
//! report folder, which the caller writes: `report.json` (the result itself), `report.html` (a view of it that opens
//! offline) and `figures/<id>.svg`, `.png` and `.csv`. [`text`] and [`markdown`] show the same in a terminal and in
//! documents. A list of recipes with their last verdicts is a [`RecipeIndex`].
//!
//! ```
//! use isoloss_report::{Axis, Figure, Report, Section, Series, bundle};
//!
//! let figure = Figure::new("loss", "Loss along the segment", Axis::linear("λ"), Axis::linear("loss").with_unit("nats"))
//!     .with_series(Series::new("naive", vec![0.0, 0.5, 1.0], vec![0.1, 2.0, 0.1]));
//! let report = Report::new("barrier", "Two networks").with_section(Section::new("Barrier").with_block(figure));
//! let files = bundle(&report)?;
//! assert_eq!(files[0].0, "report.json");
//! # Ok::<(), isoloss_report::Error>(())
//! ```

mod base64;
mod bundle;
mod csv;
mod error;
mod figure;
mod format;
mod html;
mod json;
pub mod markdown;
mod png;
mod schema;
pub mod text;

pub use bundle::{bundle, index_bundle};
pub use csv::csv;
pub use error::{Error, Fault};
pub use figure::{diagram_svg, svg};
pub use format::{NumberFormat, format_number};
pub use html::{Links, html, index_html};
pub use png::png;
pub use schema::{
    Align, Axis, Band, Block, Cell, Color, Column, Control, Diagram, DiagramAxis, DiagramRow, DiagramTensor,
    Direction, Entries, Figure, Flame, Frame, Highlight, INDEX_SCHEMA, KeyValues, Mark, Measured, Notes,
    Outcome, RecipeEntry, RecipeIndex, RecipeVerdict, Reference, Report, RowKind, SCHEMA, Scale, Section,
    Seed, Series, Style, Table, Value, Verdict, Verdicts,
};
