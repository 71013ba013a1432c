use std::fmt::Write;

use crate::format::exact_number;
use crate::schema::{Figure, Series};

/// A figure's data as CSV (RFC 4180, but with plain line feeds) in long form: one row for each point, the columns
/// `series,x,y,low,high`. Numbers have all their digits; "NaN", "inf" and "-inf" stand for what is not finite, and
/// `low` and `high` are empty for series without a band.
///
/// A series name that begins with `=`, `+`, `-` or `@` is preceded by an apostrophe, so that spreadsheets do not
/// compute it.
pub fn csv(figure: &Figure) -> String {
    let mut out = "series,x,y,low,high\n".to_owned();
    for series in &figure.series {
        rows(series, &mut out);
    }
    out
}

fn rows(series: &Series, out: &mut String) {
    let name = quoted(&series.name);
    let edge = |edge: Option<&f64>| edge.map_or_else(String::new, |x| exact_number(*x));
    for (i, (x, y)) in series.points().enumerate() {
        let (low, high) =
            series.band.as_ref().map_or((None, None), |band| (band.low.get(i), band.high.get(i)));
        let (low, high) = (edge(low), edge(high));
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{name},{},{},{low},{high}", exact_number(x), exact_number(y));
    }
}

fn quoted(field: &str) -> String {
    let inert = if field.starts_with(['=', '+', '-', '@']) { format!("'{field}") } else { field.to_owned() };
    if inert.contains([',', '"', '\n', '\r']) { format!("\"{}\"", inert.replace('"', "\"\"")) } else { inert }
}
