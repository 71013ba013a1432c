//! A numbering of the indices of all axes of a graph.

use graph::{Graph, Input, Role, Val};

/// An axis of a value, with the numbers of its indices.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) val: Val,
    pub(crate) axis: usize,
    pub(crate) size: usize,
    /// The number of index 0; the others follow.
    pub(crate) start: usize,
}

impl Line {
    pub(crate) fn elements(&self) -> std::ops::Range<usize> {
        self.start..self.start + self.size
    }
}

/// The axes of all values that an output depends on.
pub(crate) struct Lines<'a> {
    pub(crate) graph: &'a Graph,
    live: Vec<bool>,
    lines: Vec<Line>,
    /// How many lines there are before each value's.
    first: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(graph: &'a Graph) -> Self {
        let live = live(graph);
        let (mut lines, mut first, mut start) = (Vec::new(), Vec::new(), 0);
        for val in graph.vals() {
            first.push(lines.len());
            let shape = &graph.ty(val).shape;
            for (axis, &size) in shape.iter().enumerate().filter(|_| live[val.position()]) {
                lines.push(Line { val, axis, size, start });
                start += size;
            }
        }
        Self { graph, live, lines, first }
    }

    /// The number of indices.
    pub(crate) fn elements(&self) -> usize {
        self.lines.last().map_or(0, |line| line.start + line.size)
    }

    /// The values that an output depends on, operands before what uses them.
    pub(crate) fn vals(&self) -> impl Iterator<Item = Val> + '_ {
        self.graph.vals().filter(|val| self.live[val.position()])
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter()
    }

    /// Whether an output depends on a value.
    pub(crate) fn is_live(&self, val: Val) -> bool {
        self.live[val.position()]
    }

    /// The numbers of the lines of a value, axis by axis; none of a value that is not live.
    pub(crate) fn of(&self, val: Val) -> std::ops::Range<usize> {
        let first = self.first[val.position()];
        let rank = if self.is_live(val) { self.graph.ty(val).shape.rank() } else { 0 };
        first..first + rank
    }

    /// The line of a number.
    pub(crate) fn get(&self, number: usize) -> &Line {
        &self.lines[number]
    }

    /// An axis of a live value.
    pub(crate) fn line(&self, val: Val, axis: usize) -> &Line {
        &self.lines[self.first[val.position()] + axis]
    }

    /// The axes of live parameters and states, in the order of the inputs.
    pub(crate) fn movable(&self) -> impl Iterator<Item = (&'a Input, &Line)> {
        let inputs = self.graph.inputs().iter().filter(|input| input.role != Role::Data);
        inputs.filter(|input| self.live[input.val.position()]).flat_map(move |input| {
            let axes = 0..self.graph.ty(input.val).shape.rank();
            axes.map(move |axis| (input, self.line(input.val, axis)))
        })
    }
}

/// For each value, whether an output depends on it.
fn live(graph: &Graph) -> Vec<bool> {
    let mut live = vec![false; graph.len()];
    for output in graph.outputs() {
        live[output.val.position()] = true;
    }
    for val in graph.vals().rev() {
        if live[val.position()] {
            graph.operands(val).iter().for_each(|operand| live[operand.position()] = true);
        }
    }
    live
}
