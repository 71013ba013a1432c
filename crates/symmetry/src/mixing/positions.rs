//! How a value depends on one before it along a set, position by position.

use std::collections::{BTreeMap, BTreeSet};

use graph::{Builder, Def, Graph, Reference, Val};
use tensor::{DType, Key, Tensor};

use super::{Touching, commutant::Commutant, search::Search};

/// The positions that are looked at: the first, and others drawn from all. Ours: a few tell rotations by different angles apart, and
/// the certificate tries all.
const POSITIONS: usize = 12;

/// A dependence on positions that was met, and what commutes with it.
pub(super) struct Solved {
    pub(super) graphs: [Graph; 2],
    pub(super) commutant: Option<Commutant>,
}

/// The values along a set that a contraction joins, each as it follows from one that depends on no position.
pub(super) struct Side {
    pub(super) base: Val,
    pub(super) base_axis: usize,
    pub(super) axis: usize,
    pub(super) val: Val,
    /// From the base to the value.
    pub(super) graph: Graph,
}

/// For each class a small matrix from the ranks of the base to those of the value, at one position.
pub(super) type Blocks = Vec<Vec<Vec<f64>>>;

impl Side {
    pub(super) fn new(touching: &Touching<'_>, search: &Search<'_>, val: Val, axis: usize) -> Option<Self> {
        let graph = touching.view.lines.graph;
        let base = base(graph, search, val)?;
        let mut axes = search.axes_of(base);
        let (base_axis, further) = (axes.next()?, axes.next());
        further.is_none().then_some(())?;
        Some(Self { base, base_axis, axis, val, graph: between(graph, base, val)? })
    }

    /// The blocks at some positions, the same for values of one shape.
    pub(super) fn blocks(&self, touching: &Touching<'_>, search: &Search<'_>) -> Option<Vec<Blocks>> {
        let ranks = members(touching, search, self.base, self.base_axis)[0].len();
        let outputs: Option<Vec<Tensor>> = (0..ranks)
            .map(|rank| {
                let probe = self.probe(touching, search, rank);
                Reference::evaluate(&self.graph, &[&probe]).ok()?.into_iter().next()
            })
            .collect();
        let outputs: Vec<Vec<f64>> = outputs?.iter().map(Tensor::to_f64_vec).collect();
        let shape = &touching.view.lines.graph.ty(self.val).shape;
        let own = members(touching, search, self.val, self.axis);
        let (size, inner) = (shape[self.axis], shape[self.axis + 1..].iter().product::<usize>());
        let positions = shape.elements() / size.max(1);
        (positions > 0).then_some(())?;
        let at = |position: usize| -> Blocks {
            let base = position / inner * size * inner + position % inner;
            let row = |&index: &usize| outputs.iter().map(|output| output[base + index * inner]).collect();
            own.iter().map(|members| members.iter().map(row).collect()).collect()
        };
        let drawn = (1..POSITIONS as u64).map(|number| Key::new(0).below(number, positions as u64) as usize);
        Some(std::iter::once(0).chain(drawn).map(at).collect())
    }

    /// Ones at the members of a rank of all classes, zeros elsewhere, at every position.
    fn probe(&self, touching: &Touching<'_>, search: &Search<'_>, rank: usize) -> Tensor {
        let shape = touching.view.lines.graph.ty(self.base).shape.clone();
        let members = members(touching, search, self.base, self.base_axis);
        let ones: BTreeSet<usize> = members.iter().filter_map(|members| members.get(rank).copied()).collect();
        let (size, inner) = (shape[self.base_axis], shape[self.base_axis + 1..].iter().product::<usize>());
        Tensor::from_fn(shape, |at| f64::from(u8::from(ones.contains(&(at / inner % size)))))
    }
}

/// For each class of a set the indices of its members along an axis, by rank.
pub(super) fn members(
    touching: &Touching<'_>,
    search: &Search<'_>,
    val: Val,
    axis: usize,
) -> Vec<Vec<usize>> {
    let view = touching.view;
    let mut by_class: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, element) in view.lines.line(val, axis).elements().enumerate() {
        if view.orbits.orbit(element).set == search.set {
            by_class.entry(view.orbits.class(element)).or_default().push(index);
        }
    }
    by_class.into_values().collect()
}

/// The last value from which all of `val` follows, and which no product with a constant comes before.
fn base(graph: &Graph, search: &Search<'_>, val: Val) -> Option<Val> {
    let before = |val: Val| -> Vec<Val> {
        let operands = graph.operands(val).iter().copied();
        operands.filter(|&operand| search.axes_of(operand).next().is_some()).collect()
    };
    let mut is_mixed: BTreeMap<Val, bool> = BTreeMap::new();
    let mut open = vec![val];
    while let Some(&next) = open.last() {
        let unknown: Vec<Val> = before(next).into_iter().filter(|own| !is_mixed.contains_key(own)).collect();
        if unknown.is_empty() {
            let mixed = search.mixed.contains(&next) || before(next).iter().any(|own| is_mixed[own]);
            is_mixed.insert(next, mixed);
            open.pop();
        }
        open.extend(unknown);
    }
    let mut frontier = BTreeSet::from([val]);
    while let Some(last) = frontier.pop_last() {
        if frontier.is_empty() && !is_mixed[&last] {
            return Some(last);
        }
        let before = before(last);
        (!before.is_empty()).then_some(())?;
        frontier.extend(before);
    }
    None
}

/// The graph from a value to another, which must follow from it and constants alone.
fn between(graph: &Graph, base: Val, val: Val) -> Option<Graph> {
    let mut b = Builder::new("positions");
    let mut made: BTreeMap<Val, Val> = BTreeMap::new();
    let input = b.data("base", graph.ty(base).clone());
    made.insert(base, input);
    let mut open = vec![val];
    while let Some(&next) = open.last() {
        if made.contains_key(&next) {
            open.pop();
            continue;
        }
        let Def::Apply { op, operands } = graph.def(next) else { return None };
        let unknown: Vec<Val> = operands.iter().copied().filter(|own| !made.contains_key(own)).collect();
        if unknown.is_empty() {
            let operands: Vec<Val> = operands.iter().map(|operand| made[operand]).collect();
            let value = b.apply(op.clone(), &operands);
            made.insert(next, value);
        }
        open.extend(unknown);
    }
    b.output("value", made[&val]);
    let graph = b.finish();
    (graph.ty(input).dtype == DType::F64).then_some(graph)
}
