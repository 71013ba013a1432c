//! A graph as what its users know: parts with parameters, and the operations in which they meet.

use std::collections::{BTreeMap, BTreeSet};

use isoloss::graph::{Def, Graph, Input, Role, Val};

use report::RowKind;

/// A part, a join, an input or an output.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) kind: RowKind,
}

/// The rows in the order of computation, with what goes from one into another.
pub(super) struct Flow {
    pub(super) rows: Vec<Row>,
    pub(super) edges: BTreeSet<(usize, usize)>,
    /// The row of each part.
    parts: BTreeMap<String, usize>,
    /// The row of each join, by what it does and what it joins.
    joins: BTreeMap<(&'static str, BTreeSet<usize>), usize>,
}

/// Where a value is from.
#[derive(Clone, Default)]
struct Origin {
    /// The rows from which data comes.
    rows: BTreeSet<usize>,
    /// The parts whose parameters are all that it depends on.
    parts: BTreeSet<String>,
}

/// The part that a parameter or a state belongs to: the name up to the last dot.
pub(super) fn part_of(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(part, _)| part)
}

impl Flow {
    pub(super) fn of(graph: &Graph) -> Self {
        let mut flow =
            Self { rows: Vec::new(), edges: BTreeSet::new(), parts: BTreeMap::new(), joins: BTreeMap::new() };
        let mut origins: Vec<Origin> = Vec::with_capacity(graph.len());
        for val in graph.vals() {
            let origin = match graph.def(val) {
                Def::Input(position) => flow.input(&graph.inputs()[*position]),
                Def::Apply { op, operands } => {
                    let operands: Vec<&Origin> =
                        operands.iter().map(|val| &origins[val.position()]).collect();
                    flow.applied(op.name(), &operands)
                }
            };
            origins.push(origin);
        }
        for output in graph.outputs() {
            flow.output(&output.name, &origins[Val::position(output.val)]);
        }
        flow
    }

    fn row(&mut self, name: &str, kind: RowKind) -> usize {
        self.rows.push(Row { name: name.to_owned(), kind });
        self.rows.len() - 1
    }

    fn input(&mut self, input: &Input) -> Origin {
        match input.role {
            Role::Data => {
                let row = self.row(&input.name, RowKind::Input);
                Origin { rows: BTreeSet::from([row]), parts: BTreeSet::new() }
            }
            Role::Parameter | Role::State => {
                let part = part_of(&input.name).to_owned();
                Origin { rows: BTreeSet::new(), parts: BTreeSet::from([part]) }
            }
        }
    }

    fn output(&mut self, name: &str, origin: &Origin) {
        let row = self.row(name, RowKind::Output);
        self.lead(&origin.rows, row);
    }

    fn lead(&mut self, from: &BTreeSet<usize>, to: usize) {
        self.edges.extend(from.iter().filter(|from| **from != to).map(|&from| (from, to)));
    }

    /// What an operation makes: more of a part whose parameters it takes, a join of data from different rows, or just more
    /// of the same.
    fn applied(&mut self, name: &'static str, operands: &[&Origin]) -> Origin {
        let rows: BTreeSet<usize> = operands.iter().flat_map(|operand| &operand.rows).copied().collect();
        let parts: BTreeSet<String> = operands.iter().flat_map(|operand| &operand.parts).cloned().collect();
        if rows.is_empty() {
            return Origin { rows, parts };
        }
        if !parts.is_empty() {
            let into = parts.into_iter().map(|part| self.part(part)).collect::<BTreeSet<usize>>();
            into.iter().for_each(|&row| self.lead(&rows, row));
            return Origin { rows: into, parts: BTreeSet::new() };
        }
        let mut sources = operands.iter().map(|operand| &operand.rows).filter(|rows| !rows.is_empty());
        let first = sources.next();
        if sources.all(|other| Some(other) == first) {
            return Origin { rows, parts };
        }
        let row = self.join(name, &rows);
        Origin { rows: BTreeSet::from([row]), parts: BTreeSet::new() }
    }

    fn part(&mut self, part: String) -> usize {
        match self.parts.get(&part) {
            Some(&row) => row,
            None => {
                let row = self.row(&part, RowKind::Part);
                self.parts.insert(part, row);
                row
            }
        }
    }

    fn join(&mut self, name: &'static str, of: &BTreeSet<usize>) -> usize {
        if let Some(&row) = self.joins.get(&(name, of.clone())) {
            return row;
        }
        let row = self.row(name, RowKind::Join);
        self.lead(of, row);
        self.joins.insert((name, of.clone()), row);
        row
    }
}
