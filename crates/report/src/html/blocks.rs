//! Figures and names with values.

use maud::{Markup, PreEscaped, html as markup};

use super::{Links, figure_links};
use crate::figure::{Look, svg_for};
use crate::format::typographic;
use crate::schema::{Figure, Value};

pub(super) fn figure(figure: &Figure, links: Links) -> Markup {
    markup! {
        figure {
            h3 { (figure.title) }
            div.plot data-figure=(figure.id) {
                (PreEscaped(svg_for(figure, Look::Wide)))
                (PreEscaped(svg_for(figure, Look::Narrow)))
            }
            figcaption {
                @if !figure.caption.is_empty() { p { (figure.caption) } }
                p.files {
                    @for (kind, place) in figure_links(figure, links) {
                        a href=(place) download=(format!("{}.{kind}", figure.id))
                            aria-label=(format!("{} as {}", figure.title, kind.to_uppercase())) { (kind.to_uppercase()) }
                    }
                }
            }
        }
    }
}

/// Names with values.
pub(super) fn pairs<'a>(pairs: impl Iterator<Item = (&'a str, &'a Value)>) -> Markup {
    markup! {
        dl { @for (name, value) in pairs { div { dt { (name) } dd { (shown(value)) } } } }
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Number(_) | Value::Integer(_) => typographic(&value.to_string()),
        other => other.to_string(),
    }
}
