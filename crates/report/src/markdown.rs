//! Reports as Markdown (GitHub's dialect) for documents in a repository.

use crate::format::{NumberFormat, format_number};
use crate::schema::{
    Align, Block, Control, Entries, Flame, Frame, Measured, Outcome, RecipeIndex, Report, Section, Table,
    Verdict,
};

/// A whole report; figures are linked as `figures/<id>.svg`. Ends in a line break.
pub fn report(report: &Report) -> String {
    let mut parts = vec![format!("# {}", inert(&report.title))];
    parts.extend(report.summary.iter().map(|paragraph| inert(paragraph)));
    parts.extend(report.sections.iter().map(section));
    let seeds = report.seeds.iter().map(|seed| item(&seed.name, &seed.value.to_string()));
    let made = [
        ("Settings", entries(&report.settings)),
        ("Seeds", seeds.collect::<Vec<_>>().join("\n")),
        ("Versions", entries(&report.versions)),
    ];
    parts.extend(
        made.into_iter()
            .filter(|(_, list)| !list.is_empty())
            .map(|(title, list)| format!("## {title}\n\n{list}")),
    );
    if !report.created.is_empty() {
        parts.push(format!("Made {}", inert(&report.created)));
    }
    parts.join("\n\n") + "\n"
}

/// A table with its title and caption, without a line break at the end. Highlighted cells are bold.
pub fn table(table: &Table) -> String {
    let head: Vec<String> = table.columns.iter().map(|column| inert(&column.label)).collect();
    let rule: Vec<&str> = table.columns.iter().map(|column| side(column.align)).collect();
    let mut lines = vec![row(&head), format!("|{}|", rule.join("|"))];
    lines.extend((0..table.rows.len()).map(|index| row(&cells(table, index))));
    let mut parts = vec![lines.join("\n")];
    if !table.title.is_empty() {
        parts.insert(0, format!("**{}**", inert(&table.title)));
    }
    parts.extend(
        [&table.caption].into_iter().filter(|caption| !caption.is_empty()).map(|caption| inert(caption)),
    );
    parts.join("\n\n")
}

/// Verdicts as a list, without a line break at the end.
pub fn verdicts(verdicts: &[Verdict]) -> String {
    verdicts.iter().map(verdict).collect::<Vec<_>>().join("\n")
}

/// A list of recipes as a table. Ends in a line break.
pub fn index(index: &RecipeIndex) -> String {
    let mut lines = vec![
        "| recipe | paper | claim | scale | date | verdicts |".to_owned(),
        "|:--|:--|:--|:--|:--|:--|".to_owned(),
    ];
    for recipe in &index.recipes {
        let verdicts =
            recipe.verdicts.iter().map(|verdict| format!("{}: {}", verdict.claim, verdict.outcome.word()));
        let verdicts = verdicts.collect::<Vec<_>>().join("; ");
        let fields = [&recipe.name, &recipe.paper, &recipe.claim, &recipe.scale, &recipe.date, &verdicts];
        lines.push(row(&fields.map(|field| inert(field))));
    }
    lines.join("\n") + "\n"
}

fn section(section: &Section) -> String {
    let mut parts = vec![format!("## {}", inert(&section.title))];
    parts.extend(section.text.iter().map(|paragraph| inert(paragraph)));
    parts.extend(section.blocks.iter().map(block));
    parts.join("\n\n")
}

fn block(block: &Block) -> String {
    match block {
        Block::Figure(data) => picture(&data.id, &data.title, &data.caption),
        Block::Diagram(data) => picture(&data.id, &data.title, &data.caption),
        Block::Flame(data) => flame(data),
        Block::Table(data) => table(data),
        Block::Verdicts(data) => verdicts(&data.verdicts),
        Block::Notes(notes) => {
            notes.paragraphs.iter().map(|text| inert(text)).collect::<Vec<_>>().join("\n\n")
        }
        Block::KeyValues(values) if values.title.is_empty() => entries(&values.entries),
        Block::KeyValues(values) => format!("**{}**\n\n{}", inert(&values.title), entries(&values.entries)),
    }
}

fn picture(id: &str, title: &str, caption: &str) -> String {
    let picture = format!("![{}](figures/{id}.svg)", inert(title));
    if caption.is_empty() { picture } else { format!("{picture}\n\n{}", inert(caption)) }
}

/// The whole and its parts, but not theirs.
fn flame(flame: &Flame) -> String {
    let line = |part: &Frame| {
        item(&part.name, &format!("{} {}", format_number(part.value, NumberFormat::Auto), flame.unit))
    };
    let parts = flame.root.parts.iter().map(|part| format!("  {}", line(part)));
    let list: Vec<String> = std::iter::once(line(&flame.root)).chain(parts).collect();
    let caption = [&flame.caption].into_iter().filter(|caption| !caption.is_empty());
    let head = format!("**{}**", inert(&flame.title));
    [head, list.join("\n")]
        .into_iter()
        .chain(caption.map(|text| inert(text)))
        .collect::<Vec<_>>()
        .join("\n\n")
}

fn entries(entries: &Entries) -> String {
    entries.iter().map(|(key, value)| item(key, &value.to_string())).collect::<Vec<_>>().join("\n")
}

fn item(key: &str, value: &str) -> String {
    format!("- {}: {}", inert(key), inert(value))
}

fn side(align: Align) -> &'static str {
    match align {
        Align::Left => ":--",
        Align::Right => "--:",
        Align::Center => ":-:",
    }
}

fn cells(table: &Table, row: usize) -> Vec<String> {
    let cells = table.rows[row].iter().zip(&table.columns).enumerate();
    cells
        .map(|(index, (cell, column))| {
            let text = inert(&cell.shown(column.format));
            if table.is_highlighted(row, index) && !text.is_empty() { format!("**{text}**") } else { text }
        })
        .collect()
}

fn row(cells: &[String]) -> String {
    format!("| {} |", cells.join(" | "))
}

fn verdict(verdict: &Verdict) -> String {
    let mut lines = vec![format!("- **{}**: {}", verdict.outcome.word(), inert(&verdict.claim))];
    lines.extend(verdict.measured.iter().map(measured));
    if !verdict.bound.is_empty() {
        lines.push(format!("bound: {}", inert(&verdict.bound)));
    }
    lines.extend(verdict.control.iter().map(|own| control(own, verdict.outcome)));
    lines.extend([&verdict.note].into_iter().filter(|note| !note.is_empty()).map(|note| inert(note)));
    lines.join("\n  - ")
}

fn measured(measured: &Measured) -> String {
    format!("{}: {}", inert(&measured.name), inert(&measured.shown()))
}

fn control(control: &Control, outcome: Outcome) -> String {
    let numbers: Vec<String> = control.measured.iter().map(measured).collect();
    let numbers = if numbers.is_empty() { String::new() } else { format!(" ({})", numbers.join("; ")) };
    format!("control, {}: {}{numbers}", inert(&control.description), control.finding(outcome))
}

/// Text in which nothing is markup, on one line.
fn inert(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '|' | '#' | '~' => out.extend(['\\', c]),
            '&' => out.push_str("&amp;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
