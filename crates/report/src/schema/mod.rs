//! The document: what a command found out, in a form that programs read and the views show.
//!
//! **JSON.** A document names its schema ([`SCHEMA`]); a reader refuses any other. Members that a reader does not know
//! are ignored, absent optional members take their default, so fields may be added without a new version.
//! **Numbers** that JSON lacks are written as the strings `"NaN"`, `"inf"` and `"-inf"` and read back as numbers;
//! figures show them as gaps.

mod check;
mod diagram;
mod entries;
mod figure;
mod flame;
mod number;
mod recipes;
mod report;
mod table;
mod verdict;
mod version;

pub use diagram::{Diagram, DiagramAxis, DiagramRow, DiagramTensor, RowKind};
pub use entries::{Entries, Seed, Value};
pub use figure::{Axis, Band, Color, Direction, Figure, Highlight, Reference, Scale, Series, Style};
pub use flame::{Flame, Frame};
pub use recipes::{INDEX_SCHEMA, RecipeEntry, RecipeIndex, RecipeVerdict};
pub use report::{Block, KeyValues, Notes, Report, SCHEMA, Section};
pub use table::{Align, Cell, Column, Mark, Table};
pub use verdict::{Control, Measured, Outcome, Verdict, Verdicts};
