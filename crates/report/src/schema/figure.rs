use serde::{Deserialize, Serialize};

use super::number;

/// How an axis maps numbers to places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Equal steps are equal distances.
    #[default]
    Linear,
    /// Equal ratios are equal distances; numbers that are not positive are gaps.
    Log,
}

/// An axis of a figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Axis {
    /// What it measures.
    pub label: String,
    /// The unit, shown in parentheses.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unit: String,
    /// How numbers become places.
    #[serde(default)]
    pub scale: Scale,
    /// The lower end; absent: from the data.
    #[serde(default, with = "number::optional", skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// The upper end; absent: from the data.
    #[serde(default, with = "number::optional", skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
}

impl Axis {
    /// A linear axis whose ends follow the data.
    pub fn linear(label: impl Into<String>) -> Self {
        Self { label: label.into(), unit: String::new(), scale: Scale::Linear, min: None, max: None }
    }

    /// A logarithmic axis whose ends follow the data.
    pub fn log(label: impl Into<String>) -> Self {
        Self { scale: Scale::Log, ..Self::linear(label) }
    }

    /// Sets the unit.
    #[must_use]
    pub fn with_unit(mut self, unit: impl Into<String>) -> Self {
        self.unit = unit.into();
        self
    }

    /// Fixes both ends; what lies outside is cut off.
    #[must_use]
    pub fn with_range(mut self, min: f64, max: f64) -> Self {
        (self.min, self.max) = (Some(min), Some(max));
        self
    }

    /// Label and unit.
    pub(crate) fn full_label(&self) -> String {
        if self.unit.is_empty() { self.label.clone() } else { format!("{} ({})", self.label, self.unit) }
    }
}

/// A colour that people with colour-blindness can tell from the others: Okabe and Ito's palette ("Color Universal
/// Design", 2008) without its yellow, which is too light for lines on white. Dark pages use lighter versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Color {
    /// Blue, marked by circles.
    Blue,
    /// Vermillion, marked by squares.
    Vermillion,
    /// Bluish green, marked by triangles.
    Green,
    /// Reddish purple, marked by diamonds.
    Purple,
    /// Orange, marked by downward triangles.
    Orange,
    /// Sky blue, marked by crosses.
    Sky,
    /// The colour of text, marked by rings.
    Ink,
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// Without interruption.
    Solid,
    /// Dashes.
    Dashed,
    /// Dots.
    Dotted,
    /// Dashes and dots in turn.
    DashDot,
}

/// The spread of a series over seeds, with one value for each x.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Band {
    /// The lower edge.
    #[serde(with = "number::many")]
    pub low: Vec<f64>,
    /// The upper edge.
    #[serde(with = "number::many")]
    pub high: Vec<f64>,
}

/// A line in a figure. Points that are not finite are gaps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// The name in the legend.
    pub name: String,
    /// The horizontal coordinates.
    #[serde(with = "number::many")]
    pub x: Vec<f64>,
    /// The vertical coordinates, one for each x.
    #[serde(with = "number::many")]
    pub y: Vec<f64>,
    /// The spread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub band: Option<Band>,
    /// The colour; absent: by position in the figure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<Color>,
    /// The line; absent: by position in the figure, so that lines differ without colour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub style: Option<Style>,
    /// Whether the points are marked.
    #[serde(default)]
    pub markers: bool,
}

impl Series {
    /// A line through points; `y` has one value for each `x`.
    pub fn new(name: impl Into<String>, x: Vec<f64>, y: Vec<f64>) -> Self {
        Self { name: name.into(), x, y, band: None, color: None, style: None, markers: false }
    }

    /// Sets the spread, with one value for each `x`.
    #[must_use]
    pub fn with_band(mut self, low: Vec<f64>, high: Vec<f64>) -> Self {
        self.band = Some(Band { low, high });
        self
    }

    /// Sets the colour.
    #[must_use]
    pub fn with_color(mut self, color: Color) -> Self {
        self.color = Some(color);
        self
    }

    /// Sets how the line is drawn.
    #[must_use]
    pub fn with_style(mut self, style: Style) -> Self {
        self.style = Some(style);
        self
    }

    /// Marks the points.
    #[must_use]
    pub fn with_markers(mut self) -> Self {
        self.markers = true;
        self
    }

    /// The points, as far as both coordinates exist.
    pub(crate) fn points(&self) -> impl Iterator<Item = (f64, f64)> {
        self.x.iter().copied().zip(self.y.iter().copied())
    }
}

/// Which way a reference line runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Across, at a value of y.
    Horizontal,
    /// Upright, at a value of x.
    Vertical,
}

/// A line at a fixed value, such as a bound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// Which way it runs.
    pub direction: Direction,
    /// Where it lies.
    #[serde(with = "number::one")]
    pub value: f64,
    /// What it means; may be empty.
    #[serde(default)]
    pub label: String,
}

/// A point that deserves attention.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Highlight {
    /// Its horizontal coordinate.
    #[serde(with = "number::one")]
    pub x: f64,
    /// Its vertical coordinate.
    #[serde(with = "number::one")]
    pub y: f64,
    /// What it means; may be empty.
    #[serde(default)]
    pub label: String,
}

/// A line chart. Numbers beyond 10³⁰⁰ in magnitude are gaps like infinite ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// The name of its files: at most 64 letters, digits, '-' and '_', starting with a letter or digit, unique in a report.
    pub id: String,
    /// The heading.
    pub title: String,
    /// What the reader should know.
    #[serde(default)]
    pub caption: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// The lines.
    pub series: Vec<Series>,
    /// The reference lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<Reference>,
    /// The highlighted points.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub highlights: Vec<Highlight>,
}

impl Figure {
    /// A figure without lines.
    pub fn new(id: impl Into<String>, title: impl Into<String>, x: Axis, y: Axis) -> Self {
        let (series, references, highlights) = (Vec::new(), Vec::new(), Vec::new());
        Self {
            id: id.into(),
            title: title.into(),
            caption: String::new(),
            x,
            y,
            series,
            references,
            highlights,
        }
    }

    /// Sets the caption.
    #[must_use]
    pub fn with_caption(mut self, caption: impl Into<String>) -> Self {
        self.caption = caption.into();
        self
    }

    /// Adds a line.
    #[must_use]
    pub fn with_series(mut self, series: Series) -> Self {
        self.series.push(series);
        self
    }

    /// Adds a reference line.
    #[must_use]
    pub fn with_reference(mut self, direction: Direction, value: f64, label: impl Into<String>) -> Self {
        self.references.push(Reference { direction, value, label: label.into() });
        self
    }

    /// Highlights a point.
    #[must_use]
    pub fn with_highlight(mut self, x: f64, y: f64, label: impl Into<String>) -> Self {
        self.highlights.push(Highlight { x, y, label: label.into() });
        self
    }
}
