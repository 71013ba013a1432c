//! Weighted sums along an axis that are the same for all data.
//!
//! What a softmax makes adds up to one; what a layer normalisation makes adds up to zero, and so does, weighed by one over the gains,
//! what its gains make of it, up to a number that its biases make. Whatever sums such a value along that axis with weights in that
//! proportion adds something that depends on parameters alone. Nothing but the graph says where there are such sums.

use std::collections::{BTreeMap, BTreeSet};

use graph::{Def, Graph, Prim, Val, ops::DotGeneral};

use super::reshaped::kept_axis;
use crate::{
    lines::Lines,
    scaling::{Fact, Facts},
};

/// A value of parameters and constants alone that is the same along all axes but one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Vector {
    pub(super) val: Val,
    pub(super) axis: usize,
}

/// A vector that the weight of an index is divided by, or multiplied with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Weight {
    pub(super) vector: Vector,
    pub(super) is_divisor: bool,
}

/// A vector that was added to a value, times a factor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Offset {
    pub(super) vector: Vector,
    pub(super) factor: f64,
    /// How many of the weights there were by then.
    pub(super) weights: usize,
}

/// A weighted sum along an axis that is the same for all data: `base` and the weighted sums of the offsets.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ConstantSum {
    /// The weight of an index is the product of these; 1 where there are none.
    pub(super) weights: Vec<Weight>,
    pub(super) base: f64,
    pub(super) offsets: Vec<Offset>,
}

impl ConstantSum {
    fn plain(base: f64) -> Self {
        Self { base, ..Self::default() }
    }

    /// The number that the sum is, where that does not depend on parameters.
    pub(super) fn number(&self) -> Option<f64> {
        self.offsets.is_empty().then_some(self.base)
    }

    fn times(mut self, factor: f64) -> Self {
        self.base *= factor;
        self.offsets.iter_mut().for_each(|offset| offset.factor *= factor);
        self
    }

    fn with_weight(mut self, vector: Vector, is_divisor: bool) -> Self {
        self.weights.push(Weight { vector, is_divisor });
        self
    }

    fn with_offset(mut self, vector: Vector, factor: f64) -> Self {
        self.offsets.push(Offset { vector, factor, weights: self.weights.len() });
        self
    }
}

/// All such sums of a graph.
pub(super) struct ConstantSums {
    /// By the number of the line.
    sums: BTreeMap<usize, ConstantSum>,
    /// The weights that occur, but for those that are all 1.
    weights: Vec<Vec<Weight>>,
    /// By parameter and axis, the numbers of the weights of what is read there.
    readers: BTreeMap<(Val, usize), BTreeSet<usize>>,
}

impl ConstantSums {
    /// `uniform` says of each line whether the value is the same along it, `is_data` of each value whether it depends on data.
    pub(super) fn new(lines: &Lines<'_>, facts: &Facts, uniform: &[bool], is_data: &[bool]) -> Self {
        let mut finder = Finder { lines, facts, uniform, is_data, zeros: Vec::new(), sums: BTreeMap::new() };
        finder.zeros = finder.zeros();
        for val in lines.vals() {
            for (axis, sum) in finder.made(val) {
                finder.sums.insert(lines.of(val).start + axis, sum);
            }
        }
        let mut found = Self { sums: finder.sums, weights: Vec::new(), readers: BTreeMap::new() };
        found.read(lines);
        found
    }

    /// The sum along the axis of a line.
    pub(super) fn of(&self, line: usize) -> Option<&ConstantSum> {
        self.sums.get(&line)
    }

    /// The number of some weights; `None` where they are all 1, or no parameter is read by them.
    pub(super) fn number(&self, weights: &[Weight]) -> Option<usize> {
        self.weights.iter().position(|own| own == weights)
    }

    /// The weights of a number.
    pub(super) fn weights(&self, number: usize) -> &[Weight] {
        &self.weights[number]
    }

    /// In which proportions a change of a parameter along an axis is read by constant sums.
    pub(super) fn of_input(&self, input: Val, axis: usize) -> impl Iterator<Item = usize> + '_ {
        self.readers.get(&(input, axis)).into_iter().flatten().copied()
    }

    fn read(&mut self, lines: &Lines<'_>) {
        for val in lines.vals() {
            let Def::Apply { op: Prim::DotGeneral(op), operands } = lines.graph.def(val) else { continue };
            let Some(contracted) = only_contracted(op) else { continue };
            for (own, other) in [(0, 1), (1, 0)] {
                let Some(sum) = self.sums.get(&(lines.of(operands[own]).start + contracted[own])) else {
                    continue;
                };
                if sum.weights.is_empty() {
                    continue;
                }
                let Some(place) = input_axis(lines.graph, operands[other], contracted[other]) else {
                    continue;
                };
                let weights = sum.weights.clone();
                let number = self.number(&weights).unwrap_or_else(|| {
                    self.weights.push(weights);
                    self.weights.len() - 1
                });
                self.readers.entry(place).or_default().insert(number);
            }
        }
    }
}

/// The axes of both operands that a product sums along, if that is one each.
pub(super) fn only_contracted(op: &DotGeneral) -> Option<[usize; 2]> {
    match (&op.lhs_contract[..], &op.rhs_contract[..]) {
        ([lhs], [rhs]) => Some([*lhs, *rhs]),
        _ => None,
    }
}

/// The axis of the input that an axis of a value is, where the value is that input in another arrangement.
fn input_axis(graph: &Graph, mut val: Val, mut axis: usize) -> Option<(Val, usize)> {
    while let Def::Apply { op, operands } = graph.def(val) {
        let operand = *operands.first()?;
        axis = match op {
            Prim::Convert(_) | Prim::StopGradient(_) => axis,
            Prim::Transpose(op) => op.permutation[axis],
            Prim::BroadcastInDim(op) => op.axes.iter().position(|&own| own == axis)?,
            Prim::Reshape(op) => kept_axis(&op.shape, &graph.ty(operand).shape, axis)?,
            Prim::Slice(_) => axis,
            _ => return None,
        };
        val = operand;
    }
    Some((val, axis))
}

struct Finder<'a> {
    lines: &'a Lines<'a>,
    facts: &'a Facts,
    uniform: &'a [bool],
    is_data: &'a [bool],
    /// Whether a value is zero everywhere, as the difference of a mean and what it is as a constant.
    zeros: Vec<bool>,
    sums: BTreeMap<usize, ConstantSum>,
}

impl Finder<'_> {
    fn zeros(&self) -> Vec<bool> {
        let graph = self.lines.graph;
        let mut zeros = vec![false; graph.len()];
        for val in self.lines.vals() {
            let is_zero = |operand: &Val| zeros[operand.position()];
            let is = match graph.def(val) {
                _ if self.facts.is_zero(val) => true,
                Def::Input(_) => false,
                Def::Apply { op, operands } => match op {
                    Prim::Subtract(_) if self.plain(operands[0]) == self.plain(operands[1]) => true,
                    Prim::Multiply(_) => operands.iter().any(is_zero),
                    Prim::Add(_) | Prim::Subtract(_) => operands.iter().all(is_zero),
                    Prim::BroadcastInDim(_)
                    | Prim::Reshape(_)
                    | Prim::Transpose(_)
                    | Prim::Negate(_)
                    | Prim::StopGradient(_)
                    | Prim::Convert(_)
                    | Prim::Slice(_)
                    | Prim::ReduceSum(_) => is_zero(&operands[0]),
                    _ => false,
                },
            };
            zeros[val.position()] = is;
        }
        zeros
    }

    /// The value that one is but for its derivative.
    fn plain(&self, mut val: Val) -> Val {
        while let Def::Apply { op: Prim::StopGradient(_), operands } = self.lines.graph.def(val) {
            val = operands[0];
        }
        val
    }

    fn rank(&self, val: Val) -> usize {
        self.lines.graph.ty(val).shape.rank()
    }

    fn is_even(&self, val: Val, axis: usize) -> bool {
        self.lines.graph.ty(val).shape[axis] == 1 || self.uniform[self.lines.of(val).start + axis]
    }

    /// A value as a vector along an axis, if it is one.
    fn vector(&self, val: Val, axis: usize) -> Option<Vector> {
        let is_one = (0..self.rank(val)).all(|other| other == axis || self.is_even(val, other));
        (is_one && !self.is_data[val.position()]).then_some(Vector { val, axis })
    }

    /// The sums of the value that an application makes, by axis.
    fn made(&self, val: Val) -> Vec<(usize, ConstantSum)> {
        let Def::Apply { op, operands } = self.lines.graph.def(val) else { return Vec::new() };
        let axes = 0..self.rank(val);
        let along = |axis: usize| match op {
            Prim::Subtract(_) if self.is_mean(operands[0], operands[1], axis) => {
                Some(ConstantSum::plain(0.0))
            }
            Prim::Divide(_) if self.is_sum(operands[0], operands[1], axis) => Some(ConstantSum::plain(1.0)),
            Prim::Multiply(_) if self.is_reciprocal_sum(operands, axis) => Some(ConstantSum::plain(1.0)),
            _ => self.passed(val, op, operands, axis),
        };
        axes.filter_map(|axis| along(axis).map(|sum| (axis, sum))).collect()
    }

    /// Whether a value is another's sum along an axis, repeated along it.
    fn is_sum(&self, of: Val, sum: Val, axis: usize) -> bool {
        self.repeated(of, sum, axis).is_some_and(|root| self.sums_up(of, root, axis))
    }

    fn sums_up(&self, of: Val, sum: Val, axis: usize) -> bool {
        match self.lines.graph.def(sum) {
            Def::Apply { op: Prim::ReduceSum(op), operands } => {
                op.axes == [axis] && self.plain(operands[0]) == self.plain(of)
            }
            _ => false,
        }
    }

    fn is_mean(&self, of: Val, mean: Val, axis: usize) -> bool {
        let count = self.lines.graph.ty(of).shape[axis] as f64;
        let Some(root) = self.repeated(of, mean, axis) else { return false };
        let Def::Apply { op, operands } = self.lines.graph.def(root) else { return false };
        let is_number = |val: Val, number: f64| match self.facts.of(val) {
            Fact::Uniform(own) => (own - number).abs() <= 1e-12 * number,
            _ => false,
        };
        let sums_up = |val: Val| self.sums_up(of, self.plain(val), axis);
        match op {
            Prim::Divide(_) => is_number(operands[1], count) && sums_up(operands[0]),
            Prim::Multiply(_) => [(0, 1), (1, 0)]
                .iter()
                .any(|&(one, other)| is_number(operands[one], count.recip()) && sums_up(operands[other])),
            _ => false,
        }
    }

    fn is_reciprocal_sum(&self, operands: &[Val], axis: usize) -> bool {
        [(0, 1), (1, 0)].iter().any(|&(of, reciprocal)| {
            let Some(root) = self.repeated(operands[of], operands[reciprocal], axis) else { return false };
            let Def::Apply { op: Prim::Divide(_), operands: parts } = self.lines.graph.def(root) else {
                return false;
            };
            self.facts.of(parts[0]) == Fact::Uniform(1.0)
                && self.sums_up(operands[of], self.plain(parts[1]), axis)
        })
    }

    /// The value of which another is a copy along one axis of `like`, and which has the other axes of that in their order.
    fn repeated(&self, like: Val, copy: Val, axis: usize) -> Option<Val> {
        let graph = self.lines.graph;
        let wide = |val: Val| -> Vec<usize> {
            let shape = &graph.ty(val).shape;
            (0..shape.rank()).filter(|&axis| shape[axis] > 1).collect()
        };
        // For each axis of the copy that has several indices, in order, the axis of the result that it goes to.
        let (mut val, mut places) = (self.plain(copy), wide(copy));
        while let Def::Apply { op, operands } = graph.def(val) {
            let from = wide(operands.first().copied()?);
            match op {
                Prim::StopGradient(_) => {}
                Prim::BroadcastInDim(op) => {
                    let own = wide(val);
                    let place = |source: &usize| {
                        places[own.iter().position(|own| own == &op.axes[*source]).unwrap_or(0)]
                    };
                    places = from.iter().map(place).collect();
                }
                Prim::Reshape(_) => {
                    let sizes = |val: Val, axes: &[usize]| {
                        axes.iter().map(|&axis| graph.ty(val).shape[axis]).collect::<Vec<_>>()
                    };
                    if sizes(operands[0], &from) != sizes(val, &wide(val)) {
                        return None;
                    }
                }
                _ => break,
            }
            val = operands[0];
        }
        let others: Vec<usize> = wide(like).into_iter().filter(|&own| own != axis).collect();
        (places == others && graph.ty(like).shape[axis] > 1).then_some(val)
    }

    /// The sum of a result along an axis, where it follows from that of an operand.
    fn passed(&self, val: Val, op: &Prim, operands: &[Val], axis: usize) -> Option<ConstantSum> {
        let of = |val: Val, axis: usize| self.sums.get(&(self.lines.of(val).start + axis)).cloned();
        let first = *operands.first()?;
        let shape = |val: Val| &self.lines.graph.ty(val).shape;
        match op {
            Prim::Convert(_) | Prim::StopGradient(_) => of(first, axis),
            Prim::Transpose(op) => of(first, op.permutation[axis]),
            Prim::BroadcastInDim(op) => of(first, op.axes.iter().position(|&own| own == axis)?),
            Prim::Reshape(_) => of(first, kept_axis(shape(val), shape(first), axis)?),
            Prim::Slice(_) if shape(val)[axis] == shape(first)[axis] => of(first, axis),
            Prim::ReduceSum(op) => {
                let source = (0..self.rank(first)).filter(|own| !op.axes.contains(own)).nth(axis)?;
                let count: usize = op.axes.iter().map(|&own| shape(first)[own]).product();
                Some(of(first, source)?.times(count as f64))
            }
            Prim::Multiply(_) => [(0, 1), (1, 0)]
                .iter()
                .find_map(|&(own, other)| self.scaled(of(operands[own], axis)?, operands[other], axis, true)),
            Prim::Divide(_) => self.scaled(of(first, axis)?, operands[1], axis, false),
            Prim::Add(_) => [(0, 1), (1, 0)]
                .iter()
                .find_map(|&(own, other)| self.moved(of(operands[own], axis)?, operands[other], axis, 1.0)),
            Prim::Subtract(_) => self.moved(of(first, axis)?, operands[1], axis, -1.0),
            _ => None,
        }
    }

    /// The sum of a product, or a quotient, of a value that has one and a factor.
    fn scaled(&self, sum: ConstantSum, factor: Val, axis: usize, is_product: bool) -> Option<ConstantSum> {
        match self.facts.of(factor) {
            Fact::Uniform(number) if number != 0.0 => {
                Some(sum.times(if is_product { number } else { number.recip() }))
            }
            _ if self.is_even(factor, axis) => (sum.number() == Some(0.0)).then_some(sum),
            _ => Some(sum.with_weight(self.vector(factor, axis)?, is_product)),
        }
    }

    fn moved(&self, sum: ConstantSum, added: Val, axis: usize, factor: f64) -> Option<ConstantSum> {
        if self.zeros[added.position()] {
            return Some(sum);
        }
        Some(sum.with_offset(self.vector(added, axis)?, factor))
    }
}

#[cfg(test)]
mod tests {
    use graph::{Builder, Ty};

    use super::*;
    use crate::view::{View, uniform};

    /// The sums of the last value of a graph along its last axis.
    fn last(body: impl FnOnce(&mut Builder, Val) -> Val) -> Option<ConstantSum> {
        let mut b = Builder::new("sums");
        let x = b.data("x", Ty::f64([3, 3]));
        let y = body(&mut b, x);
        b.output("y", y);
        let graph = b.finish();
        let view = View::through_data(&graph);
        let data: Vec<Val> = graph.inputs_with(graph::Role::Data).map(|at| graph.inputs()[at].val).collect();
        let sums =
            ConstantSums::new(&view.lines, &view.facts, &uniform(&view.lines), &graph.depends_on(&data));
        sums.of(view.lines.of(y).start + 1).cloned()
    }

    #[test]
    fn a_softmax_adds_up_to_one_and_what_is_centred_to_zero() {
        assert_eq!(last(|b, x| b.softmax(x, 1)), Some(ConstantSum::plain(1.0)));
        assert_eq!(last(|b, x| b.softmax(x, 0)), None);
        assert_eq!(last(|b, x| b.layer_norm(x, None, None, 0.1)), Some(ConstantSum::plain(0.0)));
        assert_eq!(last(|b, x| b.rms_norm(x, None, 0.1)), None);
        let divided = |b: &mut Builder, x: Val| {
            let sum = b.reduce_sum(x, &[1]);
            let sum = b.broadcast(sum, &[3, 3].into(), &[0]);
            b.divide(x, sum)
        };
        assert_eq!(last(divided), Some(ConstantSum::plain(1.0)));
        // The sum of the rows, along the columns.
        let crossed = |b: &mut Builder, x: Val| {
            let sum = b.reduce_sum(x, &[1]);
            let sum = b.broadcast(sum, &[3, 3].into(), &[1]);
            b.divide(x, sum)
        };
        assert_eq!(last(crossed), None);
    }

    #[test]
    fn gains_are_weights_and_biases_are_summed_by_them() {
        let sum = last(|b, x| {
            let [gain, bias] = ["gain", "bias"].map(|name| b.parameter(name, Ty::f64([3])));
            b.layer_norm(x, Some(gain), Some(bias), 0.1)
        })
        .expect("a sum");
        assert!(sum.weights.len() == 1 && sum.weights[0].is_divisor && sum.base == 0.0);
        assert!(sum.offsets.len() == 1 && sum.offsets[0].weights == 1 && sum.number().is_none());
    }
}
