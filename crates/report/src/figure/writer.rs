//! SVG text.

use std::fmt::Write;

use super::Look;
use super::palette::Ink;

/// Collects SVG elements, one a line.
pub(super) struct Writer {
    out: String,
    look: Look,
}

impl Writer {
    pub(super) fn new(look: Look) -> Self {
        Self { out: String::new(), look }
    }

    /// Begins an element; it is written by [`Tag::leaf`], [`Tag::open`] or [`Tag::text`].
    pub(super) fn tag(&mut self, name: &'static str) -> Tag<'_> {
        self.out.push('<');
        self.out.push_str(name);
        Tag { writer: self, name, styles: String::new() }
    }

    /// Ends an element that [`Tag::open`] began.
    pub(super) fn close(&mut self, name: &'static str) {
        self.out.push_str(&format!("</{name}>\n"));
    }

    pub(super) fn finish(self) -> String {
        self.out
    }
}

/// An element in the making.
#[must_use]
pub(super) struct Tag<'w> {
    writer: &'w mut Writer,
    name: &'static str,
    styles: String,
}

impl Tag<'_> {
    pub(super) fn attr(self, name: &str, value: &str) -> Self {
        // Writing to a string cannot fail; the same holds below.
        let _ = write!(self.writer.out, " {name}=\"{}\"", escaped(value));
        self
    }

    pub(super) fn num(self, name: &str, value: f64) -> Self {
        let value = number(value);
        self.attr(name, &value)
    }

    pub(super) fn fill(self, ink: Ink) -> Self {
        self.paint("fill", ink)
    }

    pub(super) fn stroke(self, ink: Ink) -> Self {
        self.paint("stroke", ink)
    }

    /// A picture on its own states its colours; one in a page takes them from the page's theme.
    fn paint(mut self, property: &str, ink: Ink) -> Self {
        if self.writer.look == Look::Paper {
            return self.attr(property, ink.light());
        }
        let _ = write!(self.styles, "{property}:var(--{});", ink.name());
        self
    }

    fn styled(mut self) -> Self {
        let styles = std::mem::take(&mut self.styles);
        if styles.is_empty() { self } else { self.attr("style", styles.trim_end_matches(';')) }
    }

    pub(super) fn leaf(self) {
        self.styled().writer.out.push_str("/>\n");
    }

    pub(super) fn open(self) {
        self.styled().writer.out.push_str(">\n");
    }

    pub(super) fn text(self, content: &str) {
        let tag = self.styled();
        let _ = writeln!(tag.writer.out, ">{}</{}>", escaped(content), tag.name);
    }
}

/// A coordinate with at most two decimals.
pub(super) fn number(x: f64) -> String {
    let text = format!("{x:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Text for an element or a quoted attribute. Characters that XML forbids become U+FFFD.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\r' | '\t' => out.push(' '),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{escaped, number};

    #[test]
    fn coordinates_are_short() {
        assert_eq!([1.0, 0.1, 2.345, -0.001, 100.0].map(number), ["1", "0.1", "2.35", "0", "100"]);
    }

    #[test]
    fn markup_and_control_characters_are_inert() {
        assert_eq!(escaped("<a href=\"x\">&\u{1}\n"), "&lt;a href=&quot;x&quot;&gt;&amp;\u{fffd} ");
    }
}
