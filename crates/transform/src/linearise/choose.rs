//! Which known values the linear half stores, and which it computes again: a minimum cut.
//!
//! Each known value is left alone, stored or recomputed. Storing costs the reading of its bytes and a charge for
//! holding them; recomputing costs its work and asks for its operands. Two nodes for each value, "in" and "out",
//! with edges source → in (recomputing), in → out (storing), out of an operand → in (asking), make the cheapest
//! choice a minimum cut between the source and what the linear half reads.

use std::collections::BTreeMap;

use graph::{Def, Graph, Val};

use super::{
    cost::{self, BYTE, STEP},
    min_cut::{Network, UNCUTTABLE},
};

/// What becomes of a known value in the linear half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is not needed.
    Unused,
    /// It is an argument: an original input or a residual.
    Stored,
    /// It is computed again.
    Recomputed,
}

/// What the linear half reads of the known one.
#[derive(Clone, Debug)]
pub(super) struct Demand {
    /// The known values that the linear half reads, in order of definition.
    pub(super) vals: Vec<Val>,
    /// For each value, whether a reader wants it in memory, directly or through views.
    pub(super) in_memory: Vec<bool>,
    /// For each value, whether it takes no memory of its own to keep: inputs and outputs.
    pub(super) kept_anyway: Vec<bool>,
}

/// A choice for every value, and the bytes of the residuals.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    pub(super) fates: Vec<Fate>,
    pub(super) bytes: usize,
    /// The bytes of the residuals if memory were unlimited.
    pub(super) wanted_bytes: usize,
}

/// The charge for holding a byte for the whole time at a point, where memory is plentiful: an eighth of the time
/// of reading it. Ours: it decides between equals and little more.
const HOLDING: u128 = BYTE / 8;

/// How often the charge is refined once it fits the budget.
const REFINEMENTS: usize = 6;

/// The cheapest choice with residuals of at most `budget_bytes`.
pub(super) fn choose(graph: &Graph, demand: &Demand, budget_bytes: usize) -> Choice {
    let first = at_charge(graph, demand, HOLDING);
    let wanted_bytes = first.bytes;
    if first.bytes <= budget_bytes {
        return first;
    }
    let (mut low, mut high) = (HOLDING, 2 * HOLDING);
    let mut fitting = at_charge(graph, demand, high);
    while fitting.bytes > budget_bytes {
        (low, high) = (high, 4 * high);
        fitting = at_charge(graph, demand, high);
    }
    for _ in 0..REFINEMENTS {
        let middle = u128::midpoint(low, high);
        let choice = at_charge(graph, demand, middle);
        if choice.bytes <= budget_bytes {
            (high, fitting) = (middle, choice);
        } else {
            low = middle;
        }
    }
    Choice { wanted_bytes, ..fitting }
}

/// The values whose fate is open, with their costs at a charge for each held byte.
struct Open<'a> {
    graph: &'a Graph,
    demand: &'a Demand,
    vals: &'a [Val],
    charge: u128,
    /// The position of each open value among the network's pairs of nodes.
    pairs: BTreeMap<Val, usize>,
}

const SOURCE: usize = 0;
const SINK: usize = 1;

impl<'a> Open<'a> {
    fn new(graph: &'a Graph, demand: &'a Demand, vals: &'a [Val], charge: u128) -> Self {
        let mut open = Self { graph, demand, vals, charge, pairs: BTreeMap::new() };
        open.explore();
        open
    }

    /// The cheapest choice.
    fn fates(&self) -> Vec<(Val, Fate)> {
        let on_source = self.network().cut(SOURCE, SINK);
        let fate = |pair: usize| match (on_source[2 + 2 * pair], on_source[3 + 2 * pair]) {
            (_, true) => Fate::Unused,
            (true, false) => Fate::Stored,
            (false, false) => Fate::Recomputed,
        };
        self.pairs.iter().map(|(&val, &pair)| (val, fate(pair))).collect()
    }

    fn cost(&self, val: Val, fate: Fate) -> u128 {
        match fate {
            Fate::Unused => 0,
            Fate::Stored => self.storing(val),
            Fate::Recomputed => self.recomputing(val).unwrap_or(0),
        }
    }

    fn storing(&self, val: Val) -> u128 {
        let bytes = self.graph.ty(val).size_bytes() as u128;
        let kept_anyway = self.demand.kept_anyway[val.position()];
        STEP + BYTE * bytes + if kept_anyway { 0 } else { self.charge * bytes }
    }

    /// The cost of recomputing a value, or `None` where storing it is never dearer.
    fn recomputing(&self, val: Val) -> Option<u128> {
        let cost = cost::recompute(self.graph, val, self.demand.in_memory[val.position()])?;
        (cost < self.storing(val)).then_some(cost)
    }

    /// Finds what may have to be stored or recomputed, from what is read to where storing ends the search.
    fn explore(&mut self) {
        let mut stack = self.vals.to_vec();
        while let Some(val) = stack.pop() {
            let next = self.pairs.len();
            if self.pairs.contains_key(&val) {
                continue;
            }
            self.pairs.insert(val, next);
            if self.recomputing(val).is_some() {
                stack.extend_from_slice(self.graph.operands(val));
            }
        }
    }

    fn network(&self) -> Network {
        let [into, out] = [2, 3].map(|first| move |pair: usize| first + 2 * pair);
        let mut network = Network::new(2 + 2 * self.pairs.len());
        for (&val, &pair) in &self.pairs {
            network.connect(into(pair), out(pair), self.storing(val), UNCUTTABLE);
            let recomputing = self.recomputing(val);
            network.connect(SOURCE, into(pair), recomputing.unwrap_or(UNCUTTABLE), 0);
            if recomputing.is_some() {
                for operand in self.graph.operands(val) {
                    network.connect(out(self.pairs[operand]), into(pair), UNCUTTABLE, 0);
                }
            }
        }
        for val in self.vals {
            network.connect(out(self.pairs[val]), SINK, UNCUTTABLE, 0);
        }
        network
    }
}

/// The least cost of having the values `vals` in the linear half, with unlimited memory; where they are wanted and what
/// is kept anyway is as in `demand`.
pub(super) fn cost(graph: &Graph, demand: &Demand, vals: &[Val]) -> u128 {
    let open = Open::new(graph, demand, vals, HOLDING);
    let fates = open.fates();
    fates.into_iter().map(|(val, fate)| open.cost(val, fate)).sum()
}

fn at_charge(graph: &Graph, demand: &Demand, charge: u128) -> Choice {
    let open = Open::new(graph, demand, &demand.vals, charge);
    let mut fates = vec![Fate::Unused; graph.len()];
    let mut bytes = 0;
    for (val, fate) in open.fates() {
        fates[val.position()] = fate;
        let is_residual = fate == Fate::Stored && !demand.kept_anyway[val.position()];
        bytes += if is_residual { graph.ty(val).size_bytes() } else { 0 };
    }
    Choice { fates, bytes, wanted_bytes: bytes }
}

impl Demand {
    /// Nothing yet; nothing but inputs is there anyway.
    pub(super) fn none(graph: &Graph) -> Self {
        let is_input = |val| matches!(graph.def(val), Def::Input(_));
        let kept_anyway = graph.vals().map(is_input).collect();
        Self { vals: Vec::new(), in_memory: vec![false; graph.len()], kept_anyway }
    }

    /// What the `live` values of `graph` that are not `known`, and the `wanted` ones, read of the known ones, where
    /// the values in `returned` are outputs of the primal half.
    pub(super) fn new(
        graph: &Graph,
        known: &[bool],
        live: &[bool],
        wanted: &[Val],
        returned: &[Val],
    ) -> Self {
        let mut read = vec![false; graph.len()];
        let mut in_memory = vec![false; graph.len()];
        for &val in wanted {
            (read[val.position()], in_memory[val.position()]) = (true, true);
        }
        for val in graph.vals().rev() {
            let Def::Apply { op, operands } = graph.def(val) else { continue };
            let is_reader = live[val.position()] && !known[val.position()];
            let wants_memory = if known[val.position()] {
                cost::is_view(op) && in_memory[val.position()]
            } else {
                is_reader && cost::reads_memory(op)
            };
            for operand in operands {
                read[operand.position()] |= is_reader;
                in_memory[operand.position()] |= wants_memory;
            }
        }
        let vals = graph.vals().filter(|val| read[val.position()] && known[val.position()]).collect();
        let mut kept_anyway: Vec<bool> =
            graph.vals().map(|val| matches!(graph.def(val), Def::Input(_))).collect();
        for val in returned {
            kept_anyway[val.position()] = true;
        }
        Self { vals, in_memory, kept_anyway }
    }
}
