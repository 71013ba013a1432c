//! The names of the series, below the plot.

use super::layout::{LABEL_SIZE, Layout};
use super::measure::{cut, width};
use super::palette::Ink;
use super::series::{marker, stroked};
use super::writer::Writer;
use crate::schema::Figure;

/// The height of a row.
pub(super) const LINE: f64 = 21.0;
const SAMPLE: f64 = 30.0;
const GAP: f64 = 8.0;
const BETWEEN: f64 = 22.0;

/// Entries that stand side by side.
pub(super) type Row = Vec<Entry>;

/// A series' sample and name.
pub(super) struct Entry {
    index: usize,
    left: f64,
    name: String,
}

/// The entries in rows of the given width; series without a name have none.
pub(super) fn rows(figure: &Figure, room: f64) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut left = f64::INFINITY;
    for (index, series) in figure.series.iter().enumerate().filter(|(_, series)| !series.name.is_empty()) {
        let name = cut(&series.name, LABEL_SIZE, room - SAMPLE - GAP);
        let size = SAMPLE + GAP + width(&name, LABEL_SIZE);
        if left + size > room {
            rows.push(Row::new());
            left = 0.0;
        }
        if let Some(row) = rows.last_mut() {
            row.push(Entry { index, left, name });
        }
        left += size + BETWEEN;
    }
    rows
}

pub(super) fn draw(out: &mut Writer, layout: &Layout<'_>) {
    for (row, entries) in layout.legend.iter().enumerate() {
        let middle = layout.legend_top + LINE * (row as f64 + 0.5);
        for entry in entries {
            let left = layout.margin + entry.left;
            sample(out, layout, entry.index, left, middle);
            let text = out
                .tag("text")
                .num("x", left + SAMPLE + GAP)
                .num("y", middle + 4.5)
                .num("font-size", LABEL_SIZE);
            text.fill(Ink::Text).text(&entry.name);
        }
    }
}

fn sample(out: &mut Writer, layout: &Layout<'_>, index: usize, left: f64, middle: f64) {
    let series = &layout.figure.series[index];
    let (color, style) = layout.looks[index];
    if series.band.is_some() {
        let band =
            out.tag("rect").num("x", left).num("y", middle - 6.0).num("width", SAMPLE).num("height", 12.0);
        band.fill(Ink::Series(color)).attr("fill-opacity", "0.16").leaf();
    }
    let line =
        out.tag("path").attr("d", &super::path::line(&[(left + 1.0, middle), (left + SAMPLE - 1.0, middle)]));
    stroked(line, color, style).leaf();
    if series.markers {
        marker(out, color, (left + SAMPLE / 2.0, middle));
    }
}
