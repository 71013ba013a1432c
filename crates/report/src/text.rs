//! Reports as plain text for terminals: no colours, columns that line up.
//!
//! Alignment counts characters, so scripts with wide characters may look uneven.

use crate::format::{NumberFormat, format_number};
use crate::schema::{
    Align, Block, Control, Diagram, Entries, Flame, Frame, Measured, Outcome, Report, Section, Table, Verdict,
};

/// A whole report; figures are named with their captions. Ends in a line break.
pub fn report(report: &Report) -> String {
    let mut parts = vec![heading(&report.title, '=')];
    parts.extend(report.summary.iter().cloned());
    parts.extend(report.sections.iter().map(section));
    let seeds: Vec<(&str, String)> =
        report.seeds.iter().map(|seed| (seed.name.as_str(), seed.value.to_string())).collect();
    for (title, lines) in [
        ("Settings", entries(&report.settings)),
        ("Seeds", pairs(&seeds)),
        ("Versions", entries(&report.versions)),
    ] {
        if !lines.is_empty() {
            parts.push(format!("{}\n{lines}", heading(title, '-')));
        }
    }
    if !report.created.is_empty() {
        parts.push(format!("Made {}", report.created));
    }
    parts.join("\n\n") + "\n"
}

/// A table with its title and caption, without a line break at the end. `*` stands after highlighted cells, and after
/// the first cell of highlighted rows.
pub fn table(table: &Table) -> String {
    let head: Vec<String> = table.columns.iter().map(|column| column.label.clone()).collect();
    let rows: Vec<Vec<String>> = table.rows.iter().enumerate().map(|(i, _)| shown_row(table, i)).collect();
    let size = |column: usize| {
        let cells = rows.iter().chain([&head]).filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let sizes: Vec<usize> = (0..head.len()).map(size).collect();
    let rule = sizes.iter().map(|size| "-".repeat(*size)).collect::<Vec<_>>().join("  ");
    let mut lines: Vec<String> =
        [&table.title].into_iter().filter(|title| !title.is_empty()).cloned().collect();
    lines.push(aligned(&head, table, &sizes));
    lines.push(rule);
    lines.extend(rows.iter().map(|row| aligned(row, table, &sizes)));
    lines.extend([&table.caption].into_iter().filter(|caption| !caption.is_empty()).cloned());
    lines.join("\n")
}

/// Verdicts, each with its numbers, bound, control and remark, without a line break at the end.
pub fn verdicts(verdicts: &[Verdict]) -> String {
    verdicts.iter().map(verdict).collect::<Vec<_>>().join("\n")
}

fn section(section: &Section) -> String {
    let mut parts = vec![heading(&section.title, '-')];
    parts.extend(section.text.iter().cloned());
    parts.extend(section.blocks.iter().map(block));
    parts.join("\n\n")
}

fn block(block: &Block) -> String {
    match block {
        Block::Figure(figure) if figure.caption.is_empty() => {
            format!("[figure {}] {}", figure.id, figure.title)
        }
        Block::Figure(figure) => format!("[figure {}] {}\n{}", figure.id, figure.title, figure.caption),
        Block::Diagram(data) => diagram(data),
        Block::Flame(data) => flame(data),
        Block::Table(data) => table(data),
        Block::Verdicts(data) => verdicts(&data.verdicts),
        Block::Notes(notes) => notes.paragraphs.join("\n"),
        Block::KeyValues(values) if values.title.is_empty() => entries(&values.entries),
        Block::KeyValues(values) => format!("{}\n{}", values.title, entries(&values.entries)),
    }
}

/// The heading and the caption; the rows are those of the parameters.
fn diagram(diagram: &Diagram) -> String {
    let title = format!("[figure {}] {}", diagram.id, diagram.title);
    if diagram.caption.is_empty() { title } else { format!("{title}\n{}", diagram.caption) }
}

/// The whole and its parts, but not theirs: those fill a page.
fn flame(flame: &Flame) -> String {
    let parts = flame.root.parts.iter().map(|part| (format!("  {}", part.name), part));
    let rows: Vec<(String, &Frame)> =
        std::iter::once((flame.root.name.clone(), &flame.root)).chain(parts).collect();
    let size = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let line = |(name, part): &(String, &Frame)| {
        format!("{name:size$}  {} {}", format_number(part.value, NumberFormat::Auto), flame.unit)
    };
    let lines = [&flame.title].into_iter().cloned().chain(rows.iter().map(line));
    let caption = [&flame.caption].into_iter().filter(|caption| !caption.is_empty()).cloned();
    lines.chain(caption).collect::<Vec<_>>().join("\n")
}

fn heading(title: &str, line: char) -> String {
    format!("{title}\n{}", line.to_string().repeat(title.chars().count()))
}

fn entries(entries: &Entries) -> String {
    let shown: Vec<(&str, String)> = entries.iter().map(|(key, value)| (key, value.to_string())).collect();
    pairs(&shown)
}

fn pairs(pairs: &[(&str, String)]) -> String {
    let size = pairs.iter().map(|(key, _)| key.chars().count()).max().unwrap_or(0);
    pairs.iter().map(|(key, value)| format!("{key:size$}  {value}")).collect::<Vec<_>>().join("\n")
}

fn shown_row(table: &Table, row: usize) -> Vec<String> {
    let own_mark = |row: usize, column: usize| {
        table.highlights.iter().any(|mark| mark.row == row && mark.column.unwrap_or(0) == column)
    };
    let cells = table.rows[row].iter().zip(&table.columns).enumerate();
    cells
        .map(|(column, (cell, format))| {
            let marked = (0..table.rows.len()).any(|row| own_mark(row, column));
            let mark = if own_mark(row, column) { "*" } else { " " };
            format!("{}{}", cell.shown(format.format), if marked { mark } else { "" })
        })
        .collect()
}

fn aligned(cells: &[String], table: &Table, sizes: &[usize]) -> String {
    let cells =
        cells.iter().zip(&table.columns).zip(sizes).map(|((cell, column), size)| match column.align {
            Align::Left => format!("{cell:<size$}"),
            Align::Right => format!("{cell:>size$}"),
            Align::Center => format!("{cell:^size$}"),
        });
    cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

fn verdict(verdict: &Verdict) -> String {
    let mut lines = vec![format!("[{}] {}", verdict.outcome.word(), verdict.claim)];
    lines.extend(verdict.measured.iter().map(measured));
    if !verdict.bound.is_empty() {
        lines.push(format!("bound: {}", verdict.bound));
    }
    lines.extend(verdict.control.iter().map(|own| control(own, verdict.outcome)));
    lines.extend([&verdict.note].into_iter().filter(|note| !note.is_empty()).cloned());
    lines.join("\n  ")
}

fn measured(measured: &Measured) -> String {
    format!("{}: {}", measured.name, measured.shown())
}

fn control(control: &Control, outcome: Outcome) -> String {
    let numbers: Vec<String> = control.measured.iter().map(measured).collect();
    let numbers = if numbers.is_empty() { String::new() } else { format!(" ({})", numbers.join("; ")) };
    format!("control, {}: {}{numbers}", control.description, control.finding(outcome))
}
