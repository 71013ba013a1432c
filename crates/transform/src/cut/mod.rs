//! Cutting values into parts along an axis.

mod sources;

use std::{collections::BTreeMap, ops::Range};

use graph::{
    Builder, Def, Graph, Prim, Ty, Val,
    ops::{BroadcastInDim, Concatenate, Reshape},
};

use crate::{eliminate_common_subexpressions, eliminate_dead_code};
use sources::{Source, sources, summed};

/// Where a value is cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Along this axis.
    pub axis: usize,
    /// Into runs of so many indices, one after the other, which together are all of the axis.
    pub sizes: Vec<usize>,
}

impl Cut {
    fn ranges(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.sizes.iter().scan(0, |end, size| {
            let start = *end;
            *end += size;
            Some(start..*end)
        })
    }
}

/// The same function, where each value that is to be cut is made part by part, as far as the primitives allow: a part is made
/// of the parts of operands alone that it depends on, and a sum along an axis that is cut is a sum of sums over its parts. What
/// cannot be made in parts is made whole and sliced. Inputs and outputs stay whole. Sums may be rounded in another order.
///
/// # Panics
/// Where a value does not have the axis along which it is to be cut, or the parts are not all of it.
#[must_use]
pub fn cut(graph: &Graph, cuts: &BTreeMap<Val, Cut>) -> Graph {
    for (&val, cut) in cuts {
        let sizes: usize = cut.sizes.iter().sum();
        assert_eq!(Some(&sizes), graph.ty(val).shape.get(cut.axis), "the parts of an axis are all of it");
    }
    let mut cutter = Cutter { graph, cuts, b: Builder::new(graph.name()), made: Vec::new() };
    for val in graph.vals() {
        let made = cutter.make(val);
        cutter.made.push(made);
    }
    for output in graph.outputs() {
        let whole = cutter.whole(output.val);
        cutter.b.output(output.name.clone(), whole);
    }
    eliminate_dead_code(&eliminate_common_subexpressions(&cutter.b.finish()))
}

/// What was made of a value.
enum Made {
    Whole(Val),
    /// The parts of its cut.
    Parts(Vec<Val>),
}

struct Cutter<'a> {
    graph: &'a Graph,
    cuts: &'a BTreeMap<Val, Cut>,
    b: Builder,
    made: Vec<Made>,
}

impl Cutter<'_> {
    fn make(&mut self, val: Val) -> Made {
        let graph = self.graph;
        match graph.def(val) {
            Def::Input(position) => {
                let input = &graph.inputs()[*position];
                Made::Whole(self.b.input(input.name.clone(), input.role, graph.ty(val).clone()))
            }
            Def::Apply { op, operands } => match self.cuts.get(&val) {
                None => Made::Whole(self.apply(val, op, operands, None)),
                Some(cut) => {
                    let parts = cut.ranges().map(|range| Source { axis: cut.axis, range });
                    Made::Parts(parts.map(|part| self.apply(val, op, operands, Some(part))).collect())
                }
            },
        }
    }

    /// The part of a value that is wanted, or all of it.
    fn apply(&mut self, val: Val, op: &Prim, operands: &[Val], wanted: Option<Source>) -> Val {
        match (op, &wanted) {
            (Prim::Concatenate(Concatenate { axis }), Some(part)) if part.axis == *axis => {
                self.of_concatenation(operands, part)
            }
            (Prim::Slice(_), None) => {
                // All of an axis that was cut before it was sliced, so that parts are found again.
                let cut = self.cuts.get(&operands[0]);
                let size = cut.map(|cut| self.graph.ty(val).shape[cut.axis]);
                let all = cut.zip(size).map(|(cut, size)| Source { axis: cut.axis, range: 0..size });
                let whole = all.filter(|all| !all.range.is_empty());
                whole.and_then(|all| self.in_parts(val, op, operands, Some(&all))).unwrap_or_else(|| {
                    let whole = self.whole(operands[0]);
                    self.b.apply(op.clone(), &[whole])
                })
            }
            _ => self.in_parts(val, op, operands, wanted.as_ref()).unwrap_or_else(|| {
                let whole: Vec<Val> = operands.iter().map(|&operand| self.whole(operand)).collect();
                let whole = self.b.apply(op.clone(), &whole);
                wanted.map_or(whole, |part| self.slice(whole, &part))
            }),
        }
    }

    fn of_concatenation(&mut self, operands: &[Val], part: &Source) -> Val {
        let (mut parts, mut start) = (Vec::new(), 0);
        for &operand in operands {
            let end = start + self.graph.ty(operand).shape[part.axis];
            let range = part.range.start.max(start)..part.range.end.min(end);
            if !range.is_empty() {
                let own = Source { axis: part.axis, range: range.start - start..range.end - start };
                parts.push(self.part(operand, &[own]));
            }
            start = end;
        }
        self.b.concatenate(&parts, part.axis)
    }

    /// What is wanted, made of parts of the operands; `None` where the primitive has no such parts.
    fn in_parts(&mut self, val: Val, op: &Prim, operands: &[Val], wanted: Option<&Source>) -> Option<Val> {
        let types: Vec<_> = operands.iter().map(|&operand| self.graph.ty(operand)).collect();
        let from = match wanted {
            Some(part) => sources(op, &types, self.graph.ty(val), part)?,
            None => vec![Vec::new(); operands.len()],
        };
        let is_cut = |&(operand, axis): &(usize, usize)| {
            self.cuts.get(&operands[operand]).is_some_and(|cut| cut.axis == axis)
        };
        let sum = summed(op).into_iter().find_map(|axes| {
            let &(operand, _) = axes.iter().find(|axis| is_cut(axis))?;
            Some((axes, &self.cuts[&operands[operand]]))
        });
        let Some((axes, cut)) = sum else { return self.term(val, op, operands, wanted, &from) };
        let mut total: Option<Val> = None;
        for range in cut.ranges() {
            let mut from = from.clone();
            for &(operand, axis) in &axes {
                from[operand].push(Source { axis, range: range.clone() });
            }
            let term = self.term(val, op, operands, wanted, &from)?;
            total = Some(total.map_or(term, |sum| self.b.add(sum, term)));
        }
        total
    }

    /// The application to parts of the operands.
    fn term(
        &mut self,
        val: Val,
        op: &Prim,
        operands: &[Val],
        wanted: Option<&Source>,
        from: &[Vec<Source>],
    ) -> Option<Val> {
        let mut shape = self.graph.ty(val).shape.to_vec();
        if let Some(part) = wanted {
            shape[part.axis] = part.range.len();
        }
        let parts: Vec<Val> =
            operands.iter().zip(from).map(|(&operand, from)| self.part(operand, from)).collect();
        let op = match wanted {
            Some(part) => fitted(op, self.graph.ty(val), part),
            None => op.clone(),
        };
        let made = self.b.try_apply(op, &parts).ok()?;
        (self.b.shape(made)[..] == shape).then_some(made)
    }

    /// A part of a value: runs of one axis or of several.
    fn part(&mut self, val: Val, from: &[Source]) -> Val {
        let whole_of = |source: &&Source| source.range.len() < self.graph.ty(val).shape[source.axis];
        let from: Vec<Source> = from.iter().filter(whole_of).cloned().collect();
        let along = |source: &Source| {
            let is_cut = matches!(self.made[val.position()], Made::Parts(_));
            is_cut && self.cuts[&val].axis == source.axis
        };
        let (cut, others): (Vec<Source>, Vec<Source>) = from.into_iter().partition(along);
        let part = match &cut[..] {
            [one] => self.of_parts(val, one),
            _ => self.whole(val),
        };
        others.iter().fold(part, |part, source| self.slice(part, source))
    }

    /// A run of the axis along which a value was cut.
    fn of_parts(&mut self, val: Val, source: &Source) -> Val {
        let (Some(cut), Made::Parts(parts)) = (self.cuts.get(&val), &self.made[val.position()]) else {
            return self.whole(val);
        };
        let parts = parts.clone();
        let mut found = Vec::new();
        for (own, part) in cut.ranges().zip(parts) {
            let range = own.start.max(source.range.start)..own.end.min(source.range.end);
            if !range.is_empty() {
                let range = range.start - own.start..range.end - own.start;
                found.push(self.slice(part, &Source { axis: cut.axis, range }));
            }
        }
        self.b.concatenate(&found, cut.axis)
    }

    fn whole(&mut self, val: Val) -> Val {
        match &self.made[val.position()] {
            Made::Whole(whole) => *whole,
            Made::Parts(parts) => {
                let parts = parts.clone();
                self.b.concatenate(&parts, self.cuts[&val].axis)
            }
        }
    }

    fn slice(&mut self, val: Val, source: &Source) -> Val {
        if source.range == (0..self.b.shape(val)[source.axis]) {
            return val;
        }
        self.b.slice_axis(val, source.axis, source.range.clone())
    }
}

/// The primitive that makes a part of a result of this type.
fn fitted(op: &Prim, result: &Ty, part: &Source) -> Prim {
    let mut shape = result.shape.to_vec();
    shape[part.axis] = part.range.len();
    match op {
        Prim::BroadcastInDim(op) => BroadcastInDim { shape: shape.into(), axes: op.axes.clone() }.into(),
        Prim::Reshape(_) => Reshape { shape: shape.into() }.into(),
        Prim::Slice(op) => {
            let mut slice = op.clone();
            (slice.start[part.axis], slice.limit[part.axis], slice.stride[part.axis]) =
                (0, part.range.len(), 1);
            slice.into()
        }
        Prim::Pad(op) => {
            let mut pad = op.clone();
            (pad.low[part.axis], pad.high[part.axis], pad.interior[part.axis]) = (0, 0, 0);
            pad.into()
        }
        Prim::Convolution(op) if part.axis == op.out.feature => {
            let mut convolution = op.clone();
            let of_group = result.shape[part.axis] / op.feature_groups;
            convolution.feature_groups = (part.range.len() / of_group).max(1);
            (*convolution).into()
        }
        _ => op.clone(),
    }
}
