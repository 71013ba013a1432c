//! What the axis maps of a graph say of its indices.

use graph::{Axis, AxisMap, Def, Graph, Prim, Role, Run, Slot, Tie, Val};

use crate::{
    classes::{Classes, Partition},
    lines::Lines,
    orbits::{Orbits, Tied},
    reading::read,
    scaling::{Fact, Facts, old_state},
};

/// A graph's indices, and which of them move together.
pub(crate) struct View<'a> {
    pub(crate) lines: Lines<'a>,
    pub(crate) orbits: Orbits,
    pub(crate) facts: Facts,
    /// For each index, whether an output depends on it.
    pub(crate) read: Vec<bool>,
}

impl<'a> View<'a> {
    pub(crate) fn new(graph: &'a Graph) -> Self {
        Self::with(graph, Fixing::All)
    }

    /// The view in which what is tied to one feature of the data is of one class, though it may not move.
    pub(crate) fn through_data(graph: &'a Graph) -> Self {
        Self::with(graph, Fixing::ThroughData)
    }

    fn with(graph: &'a Graph, fixing: Fixing) -> Self {
        let (lines, facts) = (Lines::new(graph), Facts::new(graph));
        let (mut tied, read) = (Vec::new(), read(&lines));
        let mut partition = Ground { lines: &lines, facts: &facts }.partition(fixing, &mut tied);
        partition.fix_without(&read);
        let orbits = Orbits::new(&lines, partition, &tied);
        Self { lines, orbits, facts, read }
    }

    /// The classes as they would be if indices were not fixed for being inside of blocks, nor by constants.
    pub(crate) fn inside_blocks(&self) -> Partition {
        let ground = Ground { lines: &self.lines, facts: &self.facts };
        ground.partition(Fixing::NotInside, &mut Vec::new())
    }
}

/// Which indices are fixed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fixing {
    All,
    /// All, by way of the data that they are tied to.
    ThroughData,
    /// Not those that are fixed only as parts of blocks, and not those of constants.
    NotInside,
}

/// What a tie is good for, seen from one of its sides.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    /// Its indices move.
    Moves,
    /// It is the same however its indices move, and may have many uses.
    Uniform,
    /// It does not depend on parameters, and so neither moves nor makes one of all that it meets.
    Still(Fact),
}

struct Ground<'a> {
    lines: &'a Lines<'a>,
    facts: &'a Facts,
}

impl Ground<'_> {
    fn partition(&self, fixing: Fixing, tied: &mut Vec<Tied>) -> Partition {
        let mut classes = Classes::new(self.lines.elements());
        self.unite(fixing, &mut classes, tied);
        unite_states(self.lines, &mut classes, tied);
        fix_observed(self.lines, &mut classes);
        classes.into_partition()
    }

    /// Applies the axis maps of all applications; notes every pair of indices that was united.
    fn unite(&self, fixing: Fixing, classes: &mut Classes, tied: &mut Vec<Tied>) {
        let uniform = uniform(self.lines);
        let mut tie = 0;
        for (val, op, operands, map) in applications(self.lines) {
            let side = |run: Run| {
                let owner = owner(val, operands, run);
                match self.facts.of(owner) {
                    _ if uniform[self.lines.of(owner).start + run.axis.axis] => Side::Uniform,
                    Fact::Variable => Side::Moves,
                    Fact::Data if fixing == Fixing::ThroughData => Side::Moves,
                    fact => Side::Still(fact),
                }
            };
            let elements = |run: Run| elements(self.lines, val, operands, run);
            for Tie(left, right) in map.ties {
                debug_assert_eq!(left.count, right.count, "{} ties runs of different lengths", op.name());
                match (side(left), side(right)) {
                    (Side::Moves, Side::Moves) => {
                        for (left, right) in elements(left).zip(elements(right)) {
                            classes.unite(left, right);
                            tied.push(Tied { tie, left, right });
                        }
                    }
                    (Side::Moves, Side::Still(fact)) if fixing != Fixing::NotInside || fact == Fact::Data => {
                        elements(left).for_each(|element| classes.fix(element));
                    }
                    (Side::Still(fact), Side::Moves) if fixing != Fixing::NotInside || fact == Fact::Data => {
                        elements(right).for_each(|element| classes.fix(element));
                    }
                    _ => {}
                }
                tie += 1;
            }
            let is_inside = |run: &Run| map.inner.iter().any(|inner| inner.run == *run);
            for run in map.fixed.iter().filter(|run| fixing != Fixing::NotInside || !is_inside(run)) {
                elements(*run).for_each(|element| classes.fix(element));
            }
        }
    }
}

/// For each line, whether its value is the same along it.
pub(crate) fn uniform(lines: &Lines<'_>) -> Vec<bool> {
    let mut uniform = vec![false; lines.iter().count()];
    for (val, _, operands, map) in applications(lines) {
        for number in lines.of(val) {
            let line = lines.get(number);
            let is_own = |run: &Run| run.axis == Axis::result(line.axis);
            let is_like = |own: &Run, other: &Run| {
                let other_line = lines.of(owner(val, operands, *other)).start + other.axis.axis;
                own.count == line.size && uniform[other_line]
            };
            let alike = map.ties.iter().all(|Tie(left, right)| match (is_own(left), is_own(right)) {
                (true, _) => is_like(left, right),
                (_, true) => is_like(right, left),
                _ => true,
            });
            uniform[number] = alike && !map.fixed.iter().any(is_own);
        }
    }
    uniform
}

/// The applications that an output depends on, with what they assert.
pub(crate) fn applications<'a>(
    lines: &'a Lines<'a>,
) -> impl Iterator<Item = (Val, &'a Prim, &'a [Val], AxisMap)> + 'a {
    lines.vals().filter_map(move |val| {
        let Def::Apply { op, operands } = lines.graph.def(val) else { return None };
        let types: Vec<_> = operands.iter().map(|&operand| lines.graph.ty(operand)).collect();
        Some((val, op, &operands[..], op.axes(&types, lines.graph.ty(val))))
    })
}

/// The numbers of the indices of a run of the application that defines `val`.
pub(crate) fn elements(
    lines: &Lines<'_>,
    val: Val,
    operands: &[Val],
    run: Run,
) -> impl Iterator<Item = usize> + use<> {
    let start = lines.line(owner(val, operands, run), run.axis.axis).start;
    run.indices().map(move |index| start + index)
}

/// The value of whose axis a run is.
const fn owner(val: Val, operands: &[Val], run: Run) -> Val {
    match run.axis.slot {
        Slot::Operand(position) => operands[position],
        Slot::Result => val,
    }
}

/// A new state moves as the old one does.
fn unite_states(lines: &Lines<'_>, classes: &mut Classes, tied: &mut Vec<Tied>) {
    let mut tie = tied.last().map_or(0, |last| last.tie + 1);
    for output in lines.graph.outputs() {
        let Some(old) = old_state(lines.graph, &output.name, output.val) else { continue };
        for (left, right) in lines.of(old).zip(lines.of(output.val)) {
            for (left, right) in lines.get(left).elements().zip(lines.get(right).elements()) {
                classes.unite(left, right);
                tied.push(Tied { tie, left, right });
            }
            tie += 1;
        }
    }
}

/// Fixes what is seen from outside: outputs and data.
fn fix_observed(lines: &Lines<'_>, classes: &mut Classes) {
    let graph = lines.graph;
    let outputs = graph.outputs().iter();
    let outputs = outputs
        .filter(|output| old_state(graph, &output.name, output.val).is_none())
        .map(|output| output.val);
    let data = graph.inputs().iter().filter(|input| input.role == Role::Data).map(|input| input.val);
    let observed: Vec<Val> = outputs.chain(data).collect();
    for line in lines.iter().filter(|line| observed.contains(&line.val)) {
        line.elements().for_each(|element| classes.fix(element));
    }
}
