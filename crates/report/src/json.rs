//! Indented JSON in which arrays of plain values take one line, so that a curve is not a page long.

use serde::Serialize;
use serde_json::Value;

/// The document as text that ends in a line break.
///
/// # Panics
/// Never for the documents of this crate: their keys are strings and their numbers are written by `schema::number`.
pub(crate) fn pretty(document: &impl Serialize) -> String {
    let mut out = String::new();
    write(&value(document), 0, &mut out);
    out.push('\n');
    out
}

/// The document on one line, with `<`, `>` and `&` escaped so that it can stand inside an HTML script element.
pub(crate) fn for_script(document: &impl Serialize) -> String {
    value(document).to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

#[expect(
    clippy::expect_used,
    reason = "fails only for maps with keys that are not strings, which the schema lacks"
)]
fn value(document: &impl Serialize) -> Value {
    serde_json::to_value(document).expect("the schema has string keys only")
}

fn write(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            let items = members.iter().map(|(key, value)| (Some(key), value));
            write_items(items, ('{', '}'), indent, out);
        }
        Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            write_items(items.iter().map(|item| (None, item)), ('[', ']'), indent, out);
        }
        Value::Array(items) => {
            let plain: Vec<_> = items.iter().map(Value::to_string).collect();
            out.push_str(&format!("[{}]", plain.join(", ")));
        }
        plain => out.push_str(&plain.to_string()),
    }
}

fn write_items<'a>(
    items: impl Iterator<Item = (Option<&'a String>, &'a Value)>,
    brackets: (char, char),
    indent: usize,
    out: &mut String,
) {
    out.push(brackets.0);
    for (i, (key, value)) in items.enumerate() {
        out.push_str(if i == 0 { "\n" } else { ",\n" });
        out.push_str(&"  ".repeat(indent + 1));
        if let Some(key) = key {
            out.push_str(&format!("{}: ", Value::from(key.as_str())));
        }
        write(value, indent + 1, out);
    }
    out.push('\n');
    out.push_str(&"  ".repeat(indent));
    out.push(brackets.1);
}
