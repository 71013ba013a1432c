//! Figures and names with values.

use maud::{Markup, PreEscaped, html as markup};

use super::{Links, data_uri, figure_links};
use crate::figure::{Look, diagram_for, diagram_svg, svg_for};
use crate::format::typographic;
use crate::schema::{Diagram, Figure, Value};

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

pub(super) fn diagram(diagram: &Diagram, links: Links) -> Markup {
    let place = match links {
        Links::Siblings => format!("figures/{}.svg", diagram.id),
        Links::Embedded => data_uri("image/svg+xml", diagram_svg(diagram).as_bytes()),
    };
    markup! {
        figure {
            h3 { (diagram.title) }
            div.plot { (PreEscaped(diagram_for(diagram, Look::Wide))) }
            figcaption {
                @if !diagram.caption.is_empty() { p { (diagram.caption) } }
                p.files { a href=(place) download=(format!("{}.svg", diagram.id)) { "SVG" } }
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
