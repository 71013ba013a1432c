//! What every page has: head, styles, script.

use maud::{DOCTYPE, Markup, PreEscaped, html as markup};

use super::data_uri;
use crate::figure::INKS;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");
const REGULAR: &[u8] = include_bytes!("../../fonts/Inter-Regular.woff2");
const SEMI_BOLD: &[u8] = include_bytes!("../../fonts/Inter-SemiBold.woff2");

/// The parts of a page.
pub(super) struct Page<'a> {
    pub(super) title: &'a str,
    pub(super) body: Markup,
    /// JSON escaped for a script element; a page with it has interactive figures.
    pub(super) data: Option<&'a str>,
}

pub(super) fn shell(page: &Page<'_>) -> String {
    let document = markup! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (page.title) " · Isoloss" }
                // An icon inside the page keeps browsers from asking a server for one.
                link rel="icon" href="data:,";
                style { (PreEscaped(typeface())) (PreEscaped(theme())) (PreEscaped(STYLE)) }
            }
            body {
                (page.body)
                @if let Some(data) = page.data {
                    script type="application/json" id="report-data" { (PreEscaped(data)) }
                    script { (PreEscaped(SCRIPT)) }
                }
            }
        }
    };
    document.into_string()
}

fn typeface() -> String {
    let face = |weight: u32, bytes: &[u8]| {
        let source = data_uri("font/woff2", bytes);
        format!(
            "@font-face{{font-family:Inter;font-weight:{weight};font-style:normal;src:url({source}) format(\"woff2\")}}\n"
        )
    };
    face(400, REGULAR) + &face(600, SEMI_BOLD)
}

/// The palette as CSS variables, for light and dark pages; paper is always light.
fn theme() -> String {
    let light: String = INKS.iter().map(|ink| format!("--{}:{};", ink.name(), ink.light())).collect();
    let dark: String = INKS.iter().map(|ink| format!("--{}:{};", ink.name(), ink.dark())).collect();
    format!(":root{{{light}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n")
}
