use serde::{Deserialize, Serialize};

use super::{Diagram, Entries, Figure, Flame, Seed, Table, Verdict, Verdicts, check, version};
use crate::error::{Error, Fault};
use crate::json;

/// The schema that [`Report`] writes and reads.
pub const SCHEMA: &str = "isoloss.report/1";

/// The result of one command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    schema: String,
    /// Which command made it: "demo", "barrier", "train", "inspect", "reproduce", ...
    pub kind: String,
    /// The headline.
    pub title: String,
    /// Paragraphs that say what came out.
    #[serde(default)]
    pub summary: Vec<String>,
    /// When it was made, as the caller writes it.
    #[serde(default)]
    pub created: String,
    /// What was asked for, in order.
    #[serde(default)]
    pub settings: Entries,
    /// The random seeds used.
    #[serde(default)]
    pub seeds: Vec<Seed>,
    /// What computed it: version of isoloss, compiler, target, processor features, ...
    #[serde(default)]
    pub versions: Entries,
    /// The body.
    #[serde(default)]
    pub sections: Vec<Section>,
}

impl Report {
    /// A report of the current schema with a kind ("demo", "barrier", ...) and a title, and nothing else yet.
    pub fn new(kind: impl Into<String>, title: impl Into<String>) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            kind: kind.into(),
            title: title.into(),
            summary: Vec::new(),
            created: String::new(),
            settings: Entries::new(),
            seeds: Vec::new(),
            versions: Entries::new(),
            sections: Vec::new(),
        }
    }

    /// Adds a paragraph to the summary.
    #[must_use]
    pub fn with_summary(mut self, paragraph: impl Into<String>) -> Self {
        self.summary.push(paragraph.into());
        self
    }

    /// Sets the time of making.
    #[must_use]
    pub fn with_created(mut self, created: impl Into<String>) -> Self {
        self.created = created.into();
        self
    }

    /// Sets what was asked for.
    #[must_use]
    pub fn with_settings(mut self, settings: Entries) -> Self {
        self.settings = settings;
        self
    }

    /// Adds a random seed.
    #[must_use]
    pub fn with_seed(mut self, name: impl Into<String>, value: u64) -> Self {
        self.seeds.push(Seed { name: name.into(), value });
        self
    }

    /// Sets what computed it.
    #[must_use]
    pub fn with_versions(mut self, versions: Entries) -> Self {
        self.versions = versions;
        self
    }

    /// Adds a section.
    #[must_use]
    pub fn with_section(mut self, section: Section) -> Self {
        self.sections.push(section);
        self
    }

    /// The document as indented JSON that ends in a line break; arrays of plain values stand on one line.
    pub fn to_json(&self) -> String {
        json::pretty(self)
    }

    /// Reads what [`Report::to_json`] wrote.
    ///
    /// # Errors
    /// [`Error::UnknownSchema`] for another schema, [`Error::Json`] for text that is not such a document,
    /// [`Error::Inconsistent`] for one that contradicts itself.
    pub fn from_json(json: &str) -> Result<Self, Error> {
        let report: Self = version::read(SCHEMA, json)?;
        report.check()?;
        Ok(report)
    }

    /// Checks that ids are unique file names, that coordinates pair up and that rows fit their columns.
    ///
    /// # Errors
    /// [`Error::Inconsistent`] with every fault.
    pub fn check(&self) -> Result<(), Error> {
        let faults: Vec<Fault> = check::faults(self);
        if faults.is_empty() { Ok(()) } else { Err(Error::Inconsistent(faults)) }
    }

    /// All blocks in order.
    pub fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.sections.iter().flat_map(|section| &section.blocks)
    }

    /// All figures in order.
    pub fn figures(&self) -> impl Iterator<Item = &Figure> {
        self.blocks().filter_map(|block| if let Block::Figure(figure) = block { Some(figure) } else { None })
    }

    /// All verdicts in order.
    pub fn verdicts(&self) -> impl Iterator<Item = &Verdict> {
        self.blocks()
            .filter_map(
                |block| if let Block::Verdicts(verdicts) = block { Some(&verdicts.verdicts) } else { None },
            )
            .flatten()
    }
}

/// A part of a report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Section {
    /// The heading.
    pub title: String,
    /// Paragraphs before the blocks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub text: Vec<String>,
    /// What the section shows.
    #[serde(default)]
    pub blocks: Vec<Block>,
}

impl Section {
    /// A section without content.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), text: Vec::new(), blocks: Vec::new() }
    }

    /// Adds a paragraph.
    #[must_use]
    pub fn with_text(mut self, paragraph: impl Into<String>) -> Self {
        self.text.push(paragraph.into());
        self
    }

    /// Adds a block.
    #[must_use]
    pub fn with_block(mut self, block: impl Into<Block>) -> Self {
        self.blocks.push(block.into());
        self
    }
}

/// One thing to look at. In JSON the member `type` says which.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Block {
    /// A line chart.
    Figure(Figure),
    /// A flame chart.
    Flame(Flame),
    /// A network.
    Diagram(Diagram),
    /// Rows and columns.
    Table(Table),
    /// Claims and what became of them.
    Verdicts(Verdicts),
    /// Remarks.
    Notes(Notes),
    /// Names with values.
    KeyValues(KeyValues),
}

/// Remarks, one paragraph each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notes {
    /// The paragraphs.
    pub paragraphs: Vec<String>,
}

impl Notes {
    /// Remarks, one paragraph each.
    pub fn new<T: Into<String>>(paragraphs: impl IntoIterator<Item = T>) -> Self {
        Self { paragraphs: paragraphs.into_iter().map(Into::into).collect() }
    }
}

/// Names with values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeyValues {
    /// The heading; may be empty.
    #[serde(default)]
    pub title: String,
    /// The names and values.
    pub entries: Entries,
}

impl KeyValues {
    /// Names with values under a heading, which may be empty.
    pub fn new(title: impl Into<String>, entries: Entries) -> Self {
        Self { title: title.into(), entries }
    }
}

impl From<Figure> for Block {
    fn from(figure: Figure) -> Self {
        Self::Figure(figure)
    }
}

impl From<Flame> for Block {
    fn from(flame: Flame) -> Self {
        Self::Flame(flame)
    }
}

impl From<Diagram> for Block {
    fn from(diagram: Diagram) -> Self {
        Self::Diagram(diagram)
    }
}

impl From<Table> for Block {
    fn from(table: Table) -> Self {
        Self::Table(table)
    }
}

impl From<Verdicts> for Block {
    fn from(verdicts: Verdicts) -> Self {
        Self::Verdicts(verdicts)
    }
}

impl From<Notes> for Block {
    fn from(notes: Notes) -> Self {
        Self::Notes(notes)
    }
}

impl From<KeyValues> for Block {
    fn from(key_values: KeyValues) -> Self {
        Self::KeyValues(key_values)
    }
}
