//! Leaving out what repeats.

use std::collections::BTreeSet;

use report::{Diagram, DiagramRow, RowKind};

/// Diagrams of more rows are shortened. Ours: about three screens.
const MANY: usize = 60;

/// The longest block that is looked for, in rows. Ours: more than those of any network that is known here.
const LONGEST: usize = 40;

/// The least number of like blocks in a row of which all but the first are left out.
const LEAST: usize = 3;

/// In long diagrams, replaces all but the first of blocks that are alike and follow each other by one row.
pub(super) fn shortened(mut diagram: Diagram) -> Diagram {
    if diagram.rows.len() <= MANY {
        return diagram;
    }
    let patterns: Vec<String> = diagram.rows.iter().map(pattern).collect();
    let (mut rows, mut places) = (Vec::new(), Vec::with_capacity(patterns.len()));
    let mut at = 0;
    while at < patterns.len() {
        let (size, count) = block(&patterns[at..]);
        let kept = if count < LEAST { 1 } else { size };
        for row in &diagram.rows[at..at + kept] {
            places.push(rows.len());
            rows.push(row.clone());
        }
        at += kept;
        if count >= LEAST {
            let hidden = size * (count - 1);
            places.extend(std::iter::repeat_n(rows.len(), hidden));
            rows.push(repeated(&diagram.rows[at..at + hidden], count - 1));
            at += hidden;
        }
    }
    let edges: BTreeSet<(usize, usize)> =
        diagram.edges.iter().map(|&(from, to)| (places[from], places[to])).collect();
    diagram.edges = edges.into_iter().filter(|(from, to)| from != to).collect();
    diagram.rows = rows;
    diagram
}

/// The block at the start of rows that is repeated over most of them: its size, and how often it is there.
fn block(patterns: &[String]) -> (usize, usize) {
    let count =
        |size: usize| patterns.chunks_exact(size).take_while(|block| *block == &patterns[..size]).count();
    let sizes = 1..=LONGEST.min(patterns.len());
    let counted = sizes.map(|size| (size, count(size))).filter(|(_, count)| *count >= LEAST);
    // The first of those that cover the same: the smallest.
    counted.rev().max_by_key(|(size, count)| size * (count - 1)).unwrap_or((1, 1))
}

/// A row without the numbers in its name and without its classes.
fn pattern(row: &DiagramRow) -> String {
    let name: String = row.name.chars().filter(|c| !c.is_ascii_digit()).collect();
    let shapes = row.tensors.iter().map(|tensor| {
        let sizes: Vec<usize> = tensor.axes.iter().map(|axis| axis.size).collect();
        format!(" {} {sizes:?}", tensor.name)
    });
    format!("{:?} {name}{}", row.kind, shapes.collect::<String>())
}

fn repeated(rows: &[DiagramRow], count: usize) -> DiagramRow {
    let mut parts = rows.iter().filter(|row| row.kind == RowKind::Part).map(|row| row.name.as_str());
    let (first, last) = (parts.next().unwrap_or(""), parts.next_back().unwrap_or(""));
    let name = format!("the same {count} times more: {first} to {last}");
    DiagramRow { name, kind: RowKind::Repeated, tensors: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: String) -> DiagramRow {
        DiagramRow { name, kind: RowKind::Part, tensors: Vec::new() }
    }

    fn diagram(names: impl Iterator<Item = String>) -> Diagram {
        let mut diagram = Diagram::new("network", "t", Vec::new());
        diagram.rows = names.map(row).collect();
        diagram.edges = (1..diagram.rows.len()).map(|to| (to - 1, to)).collect();
        diagram
    }

    #[test]
    fn like_blocks_are_shown_once() {
        let blocks = (0..40).flat_map(|block| ["a", "b"].map(|name| format!("{block}.{name}")));
        let names = ["open".to_owned()].into_iter().chain(blocks).chain(["close".to_owned()]);
        let short = shortened(diagram(names));
        let names: Vec<&str> = short.rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names, ["open", "0.a", "0.b", "the same 39 times more: 1.a to 39.b", "close"]);
        assert_eq!(short.edges, [(0, 1), (1, 2), (2, 3), (3, 4)]);
    }

    #[test]
    fn what_is_short_or_does_not_repeat_stays() {
        let short = diagram((0..50).map(|number| number.to_string()));
        assert_eq!(shortened(short.clone()), short);
        let letters = |number: usize| "x".repeat(number + 1);
        let long = diagram((0..70).map(letters));
        assert_eq!(shortened(long.clone()), long);
    }
}
