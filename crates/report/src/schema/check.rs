//! Contradictions that the types allow.

use std::collections::BTreeSet;

use super::{Block, Diagram, Figure, Flame, Report, Series, Table};
use crate::error::Fault;

/// Every fault, in document order.
pub(super) fn faults(report: &Report) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut ids = BTreeSet::new();
    for block in report.blocks() {
        match block {
            Block::Figure(figure) => {
                if !ids.insert(figure.id.to_ascii_lowercase()) {
                    faults.push(Fault::RepeatedFigure { id: figure.id.clone() });
                }
                figure_faults(figure, &mut faults);
            }
            Block::Diagram(diagram) => {
                if !ids.insert(diagram.id.to_ascii_lowercase()) {
                    faults.push(Fault::RepeatedFigure { id: diagram.id.clone() });
                }
                diagram_faults(diagram, &mut faults);
            }
            Block::Flame(flame) => flame_faults(flame, &mut faults),
            Block::Table(table) => table_faults(table, &mut faults),
            Block::Verdicts(_) | Block::Notes(_) | Block::KeyValues(_) => {}
        }
    }
    faults
}

fn figure_faults(figure: &Figure, faults: &mut Vec<Fault>) {
    if !is_file_stem(&figure.id) {
        faults.push(Fault::FigureId { id: figure.id.clone() });
    }
    for series in &figure.series {
        for (part, found) in lengths(series) {
            let expected = series.x.len();
            if found != expected {
                let (figure, series) = (figure.id.clone(), series.name.clone());
                faults.push(Fault::SeriesLength { figure, series, part, expected, found });
            }
        }
    }
}

fn diagram_faults(diagram: &Diagram, faults: &mut Vec<Fault>) {
    if !is_file_stem(&diagram.id) {
        faults.push(Fault::FigureId { id: diagram.id.clone() });
    }
    let ends = diagram.edges.iter().flat_map(|&(from, to)| [from, to]);
    let ends = ends.map(|end| ("row", end, diagram.rows.len()));
    let classes = diagram.shown_classes().into_iter().map(|class| ("class", class, diagram.classes.len()));
    for (what, found, count) in ends.chain(classes).filter(|(_, found, count)| found >= count) {
        faults.push(Fault::OutsideDiagram { diagram: diagram.id.clone(), what, found, count });
    }
}

fn lengths(series: &Series) -> impl Iterator<Item = (&'static str, usize)> {
    let band =
        series.band.iter().flat_map(|band| [("band.low", band.low.len()), ("band.high", band.high.len())]);
    [("y", series.y.len())].into_iter().chain(band)
}

fn is_file_stem(id: &str) -> bool {
    id.len() <= 64
        && id.starts_with(|c: char| c.is_ascii_alphanumeric())
        && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

fn flame_faults(flame: &Flame, faults: &mut Vec<Fault>) {
    for frame in flame.root.all() {
        if let Some(found) = [Some(frame.value), frame.floor].into_iter().flatten().find(|&x| !is_amount(x)) {
            let (flame, frame) = (flame.title.clone(), frame.name.clone());
            faults.push(Fault::FrameValue { flame, frame, found: found.to_string() });
        }
    }
}

fn is_amount(x: f64) -> bool {
    x.is_finite() && x >= 0.0
}

fn table_faults(table: &Table, faults: &mut Vec<Fault>) {
    let (rows, columns) = (table.rows.len(), table.columns.len());
    for (row, cells) in table.rows.iter().enumerate() {
        if cells.len() != columns {
            let (table, found) = (table.title.clone(), cells.len());
            faults.push(Fault::RowLength { table, row, expected: columns, found });
        }
    }
    for mark in &table.highlights {
        if mark.row >= rows || mark.column.is_some_and(|column| column >= columns) {
            let (row, column) = (mark.row, mark.column);
            faults.push(Fault::MarkOutside { table: table.title.clone(), row, column, rows, columns });
        }
    }
}
