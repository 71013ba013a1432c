//! Flame charts: bars within bars, as wide as what they stand for.

use maud::{Markup, html as markup};

use crate::format::{NumberFormat, format_number, typographic};
use crate::schema::{Flame, Frame};

/// Parts narrower than this fraction of the whole have no label. Ours: about two characters.
const LEAST_LABEL: f64 = 0.03;

/// The dark part of a bar is its floor.
pub(super) fn flame(flame: &Flame) -> Markup {
    markup! {
        figure.flame {
            h3 { (flame.title) }
            div.frames { (frame(flame, &flame.root, 1.0)) }
            @if !flame.caption.is_empty() { figcaption { p { (flame.caption) } } }
        }
    }
}

/// A bar of this fraction of the whole, above its parts.
fn frame(flame: &Flame, part: &Frame, fraction: f64) -> Markup {
    let share = |of: f64| if part.value > 0.0 { (of / part.value).clamp(0.0, 1.0) } else { 0.0 };
    let floor = part.floor.map_or(0.0, share);
    markup! {
        div.bar title=(told(flame, part)) style=(format!("--floor:{:.1}%", 100.0 * floor)) {
            @if fraction >= LEAST_LABEL { (part.name) }
        }
        @if !part.parts.is_empty() {
            div.parts {
                @for below in &part.parts {
                    div style=(format!("width:{:.3}%", 100.0 * share(below.value))) {
                        (frame(flame, below, fraction * share(below.value)))
                    }
                }
            }
        }
    }
}

fn told(flame: &Flame, part: &Frame) -> String {
    let number = |x: f64| typographic(&format_number(x, NumberFormat::Auto));
    let floor = part.floor.map(|floor| format!(" (floor {} {})", number(floor), flame.unit));
    format!("{}: {} {}{}", part.name, number(part.value), flame.unit, floor.unwrap_or_default())
}
