//! Which indices outputs depend on.

use graph::{Axis, Run, Slot, Val};

use crate::{lines::Lines, view::applications};

/// For each index, whether an output depends on anything there. A slice leaves out what it does not take, and so does what
/// comes before it, where nothing else asks for it.
pub(crate) fn read(lines: &Lines<'_>) -> Vec<bool> {
    let mut read = vec![false; lines.elements()];
    for output in lines.graph.outputs() {
        lines.of(output.val).for_each(|number| read[lines.get(number).elements()].fill(true));
    }
    let applications: Vec<_> = applications(lines).collect();
    for (val, _, operands, map) in applications.into_iter().rev() {
        for (position, &operand) in operands.iter().enumerate() {
            for axis in 0..lines.of(operand).len() {
                let own = Axis::operand(position, axis);
                let ties = map.ties.iter().flat_map(|tie| [(tie.0, tie.1), (tie.1, tie.0)]);
                let to_result = ties.filter(|(from, to)| from.axis == own && to.axis.slot == Slot::Result);
                let to_result: Vec<(Run, Run)> = to_result.collect();
                let is_fixed = map.fixed.iter().any(|run| run.axis == own);
                mark(lines, (val, operand), axis, (!is_fixed).then_some(&to_result), &mut read);
            }
        }
    }
    read
}

/// Marks what an application reads along an axis of an operand: what goes to indices of the result that are read, or everything
/// where the axis does not go there.
fn mark(
    lines: &Lines<'_>,
    (val, operand): (Val, Val),
    axis: usize,
    to_result: Option<&Vec<(Run, Run)>>,
    read: &mut [bool],
) {
    let line = lines.line(operand, axis);
    let Some(to_result) = to_result.filter(|runs| !runs.is_empty()) else {
        read[line.elements()].fill(true);
        return;
    };
    for (from, to) in to_result {
        let result = lines.line(val, to.axis.axis).start;
        for (own, index) in from.indices().zip(to.indices()) {
            read[line.start + own] |= read[result + index];
        }
    }
}

#[cfg(test)]
mod tests {
    use graph::{Builder, Ty};

    use super::*;

    #[test]
    fn what_is_cut_off_is_read_only_where_something_else_asks_for_it() {
        let mut b = Builder::new("slices");
        let [u, v] = ["u", "v"].map(|name| b.parameter(name, Ty::f64([4, 2])));
        let sum = b.add(u, v);
        let part = b.slice(sum, &[1, 0], &[3, 2], &[1, 1]);
        b.output("part", part);
        let total = b.reduce_sum(v, &[0]);
        b.output("total", total);
        let graph = b.finish();
        let (lines, read) = (Lines::new(&graph), read(&Lines::new(&graph)));
        let along = |val: Val, axis| read[lines.line(val, axis).elements()].to_vec();
        assert_eq!(along(u, 0), [false, true, true, false]);
        assert_eq!(along(u, 1), [true; 2]);
        assert_eq!(along(v, 0), [true; 4]);
        assert_eq!(along(sum, 0), [false, true, true, false]);
    }
}
