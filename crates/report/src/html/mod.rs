//! Pages that open without a network: styles, script, typeface, figures and the document itself are inside.

mod blocks;
mod flame;
mod index;
mod shell;
mod table;
mod verdicts;

pub use index::index_html;

use maud::{Markup, html as markup};

use crate::base64::base64;
use crate::json;
use crate::schema::{Block, Entries, Figure, Report, Value, Verdict};
use shell::{Page, shell};

/// Where a page's download links lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// To the files beside the page that [`bundle`](crate::bundle()) names.
    Siblings,
    /// To copies inside the page, which makes it larger but lets it travel alone.
    Embedded,
}

/// A report as a page. It loads nothing from elsewhere, follows the reader's light or dark setting, and shows
/// everything without scripts; with them, figures tell their values under the pointer and on the arrow keys.
/// The document is inside, in the element `report-data`. With [`Links::Embedded`] a PNG that cannot be drawn has no
/// link.
pub fn html(report: &Report, links: Links) -> String {
    let data = json::for_script(report);
    let body = markup! {
        (header(report))
        main {
            @for section in &report.sections {
                section {
                    h2 { (section.title) }
                    @for paragraph in &section.text { p.lead { (paragraph) } }
                    @for block in &section.blocks { (block_markup(block, links)) }
                }
            }
            (provenance(report))
        }
        footer {
            a href=(document_link(report, links)) download="report.json" { "report.json" }
            span { "holds every number on this page." }
        }
    };
    shell(&Page { title: &report.title, body, data: Some(&data) })
}

fn header(report: &Report) -> Markup {
    let verdicts: Vec<&Verdict> = report.verdicts().collect();
    markup! {
        header {
            p.kind { span { "Isoloss" } span { (report.kind) } @if !report.created.is_empty() { span { (report.created) } } }
            h1 { (report.title) }
            @if !verdicts.is_empty() { (verdicts::tally(verdicts.iter().map(|verdict| verdict.outcome))) }
            @for paragraph in &report.summary { p.summary { (paragraph) } }
        }
    }
}

fn block_markup(block: &Block, links: Links) -> Markup {
    match block {
        Block::Figure(figure) => blocks::figure(figure, links),
        Block::Diagram(diagram) => blocks::diagram(diagram, links),
        Block::Flame(flame) => flame::flame(flame),
        Block::Table(table) => table::table(table),
        Block::Verdicts(verdicts) => verdicts::cards(&verdicts.verdicts),
        Block::Notes(notes) => {
            markup! { div.notes { @for paragraph in &notes.paragraphs { p { (paragraph) } } } }
        }
        Block::KeyValues(values) => markup! {
            div.values { @if !values.title.is_empty() { h3 { (values.title) } } (blocks::pairs(values.entries.iter())) }
        },
    }
}

fn provenance(report: &Report) -> Markup {
    let Report { settings, seeds, versions, .. } = report;
    if settings.is_empty() && seeds.is_empty() && versions.is_empty() {
        return markup! {};
    }
    let seeds: Vec<(&str, Value)> =
        seeds.iter().map(|seed| (seed.name.as_str(), Value::from(seed.value))).collect();
    markup! {
        section.provenance {
            h2 { "How this was made" }
            div.columns {
                (entries("Settings", settings))
                div.stack {
                @if !seeds.is_empty() {
                    div { h3 { "Seeds" } (blocks::pairs(seeds.iter().map(|(name, value)| (*name, value)))) }
                }
                (entries("Versions", versions))
                }
            }
        }
    }
}

fn entries(title: &str, entries: &Entries) -> Markup {
    markup! { @if !entries.is_empty() { div { h3 { (title) } (blocks::pairs(entries.iter())) } } }
}

fn document_link(report: &Report, links: Links) -> String {
    match links {
        Links::Siblings => "report.json".to_owned(),
        Links::Embedded => data_uri("application/json", report.to_json().as_bytes()),
    }
}

/// The places of a figure's files with their names.
fn figure_links(figure: &Figure, links: Links) -> Vec<(&'static str, String)> {
    let kinds = ["svg", "png", "csv"];
    match links {
        Links::Siblings => kinds.map(|kind| (kind, format!("figures/{}.{kind}", figure.id))).to_vec(),
        Links::Embedded => {
            let vector = data_uri("image/svg+xml", crate::svg(figure).as_bytes());
            let table = data_uri("text/csv", crate::csv(figure).as_bytes());
            let pixels = crate::png(figure).ok().map(|png| ("png", data_uri("image/png", &png)));
            [("svg", vector)].into_iter().chain(pixels).chain([("csv", table)]).collect()
        }
    }
}

fn data_uri(kind: &str, bytes: &[u8]) -> String {
    format!("data:{kind};base64,{}", base64(bytes))
}
