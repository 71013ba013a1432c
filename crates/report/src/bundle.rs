use crate::error::Error;
use crate::html::{Links, html, index_html};
use crate::schema::{Block, RecipeIndex, Report};
use crate::{csv, diagram_svg, png, svg};

/// The files of a report with their paths relative to its folder, slashes between parts: `report.json`,
/// `report.html`, for each figure `figures/<id>.svg`, `.png` and `.csv`, and for each diagram `figures/<id>.svg`. The caller
/// writes them.
///
/// # Errors
/// [`Error::Inconsistent`] for a report that [`Report::check`] refuses, [`Error::Png`] if a figure cannot be drawn.
pub fn bundle(report: &Report) -> Result<Vec<(String, Vec<u8>)>, Error> {
    report.check()?;
    let mut files = vec![
        ("report.json".to_owned(), report.to_json().into_bytes()),
        ("report.html".to_owned(), html(report, Links::Siblings).into_bytes()),
    ];
    for figure in report.figures() {
        let path = |kind: &str| format!("figures/{}.{kind}", figure.id);
        files.push((path("svg"), svg(figure).into_bytes()));
        files.push((path("png"), png(figure)?));
        files.push((path("csv"), csv(figure).into_bytes()));
    }
    for block in report.blocks() {
        if let Block::Diagram(diagram) = block {
            files.push((format!("figures/{}.svg", diagram.id), diagram_svg(diagram).into_bytes()));
        }
    }
    Ok(files)
}

/// The files of a list of recipes with their relative paths: `index.json` and `index.html`.
pub fn index_bundle(index: &RecipeIndex) -> Vec<(String, Vec<u8>)> {
    vec![
        ("index.json".to_owned(), index.to_json().into_bytes()),
        ("index.html".to_owned(), index_html(index).into_bytes()),
    ]
}
