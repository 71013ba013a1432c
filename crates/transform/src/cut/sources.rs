//! Of which parts of its operands a part of a result is made.

use std::{collections::BTreeMap, ops::Range};

use graph::{Axis, AxisMap, Prim, Run, Slot, Tie, Ty, ops::Convolution};

/// A run of consecutive indices of an axis of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) axis: usize,
    pub(super) range: Range<usize>,
}

/// For each operand the runs that a part of the result is made of (all of what is not named); `None` where there are no such.
pub(super) fn sources(op: &Prim, operands: &[&Ty], result: &Ty, part: &Source) -> Option<Vec<Vec<Source>>> {
    match op {
        Prim::Reshape(op) => {
            let (axis, range) = op.source(&operands[0].shape, part.axis, &part.range)?;
            Some(vec![vec![Source { axis, range }]])
        }
        Prim::Convolution(op) if op.feature_groups > 1 && part.axis == op.out.feature => {
            of_groups(op, operands, part)
        }
        Prim::BroadcastInDim(op) if !op.axes.contains(&part.axis) => Some(vec![Vec::new()]),
        _ => along_ties(&op.axes(operands, result), operands.len(), part),
    }
}

/// What whole groups of output features are made of.
fn of_groups(op: &Convolution, operands: &[&Ty], part: &Source) -> Option<Vec<Vec<Source>>> {
    let outputs = operands[1].shape[op.rhs.output] / op.feature_groups;
    let inputs = operands[1].shape[op.rhs.input];
    let [start, end] = [part.range.start, part.range.end];
    (start.is_multiple_of(outputs) && end.is_multiple_of(outputs)).then(|| {
        let image = Source { axis: op.lhs.feature, range: start / outputs * inputs..end / outputs * inputs };
        vec![vec![image], vec![Source { axis: op.rhs.output, range: part.range.clone() }]]
    })
}

/// What moves with the part, where all that is tied to its axis does so in one run.
fn along_ties(map: &AxisMap, operands: usize, part: &Source) -> Option<Vec<Vec<Source>>> {
    let mut known = BTreeMap::from([(Axis::result(part.axis), part.range.clone())]);
    let pairs = || map.ties.iter().flat_map(|&Tie(one, other)| [(one, other), (other, one)]);
    while let Some((axis, range)) = pairs().find_map(|(one, other)| {
        let range = carried(known.get(&one.axis)?, one, other)?;
        (!known.contains_key(&other.axis)).then_some((other.axis, range))
    }) {
        known.insert(axis, range);
    }
    let is_followed = |run: &Run| known.contains_key(&run.axis);
    let is_fixed = map.fixed.iter().any(is_followed);
    let is_lost = pairs().any(|(one, other)| is_followed(&one) && !is_followed(&other));
    if is_fixed || is_lost || known.len() < 2 {
        return None;
    }
    let of = |operand: usize| {
        let own = known.iter().filter(move |(axis, _)| axis.slot == Slot::Operand(operand));
        own.map(|(axis, range)| Source { axis: axis.axis, range: range.clone() }).collect()
    };
    Some((0..operands).map(of).collect())
}

/// The indices of `other` that are tied to a range of the axis of `one`, where both count up one by one.
fn carried(range: &Range<usize>, one: Run, other: Run) -> Option<Range<usize>> {
    let is_inside = one.start <= range.start && range.end <= one.start + one.count;
    let start = other.start + range.start.checked_sub(one.start)?;
    (one.step == 1 && other.step == 1 && is_inside).then(|| start..start + range.len())
}

/// The axes over which a primitive sums, as operands with their axes; those in one list are summed together.
pub(super) fn summed(op: &Prim) -> Vec<Vec<(usize, usize)>> {
    match op {
        Prim::ReduceSum(op) => op.axes.iter().map(|&axis| vec![(0, axis)]).collect(),
        Prim::DotGeneral(op) => {
            let pairs = op.lhs_contract.iter().zip(&op.rhs_contract);
            pairs.map(|(&lhs, &rhs)| vec![(0, lhs), (1, rhs)]).collect()
        }
        Prim::Convolution(op) if op.groups() == 1 => vec![vec![(0, op.lhs.feature), (1, op.rhs.input)]],
        _ => Vec::new(),
    }
}
