//! How changes of parameters spread to all values.
//!
//! Every value has a change, a sum of [`Form`]s with linear combinations of the unknown amounts for factors. Primitives that are linear
//! in what changes pass it on, exactly where they only move or add indices, and else as a function of which is known only along
//! what it is constant and at which index alone it is not zero. What is not linear asks that nothing changes, and so do outputs.

use std::collections::BTreeMap;

use graph::{Axis, AxisMap, Def, Prim, Run, Slot, Val};
use num_rational::Ratio;
use tensor::Shape;

use super::{
    absorbed::Arrived,
    form::{Along, Change, Form, add_form, mapped, total},
    known::Known,
    reshaped::reshaped,
};
use crate::{
    scaling::{Fact, Sum, System, old_state},
    view::View,
};

/// A walk over a graph, from inputs to outputs.
pub(super) struct Walk<'a> {
    pub(super) known: &'a Known<'a>,
    view: &'a View<'a>,
    /// By value, as far as amounts were not known to be zero then.
    pub(super) changes: Vec<Change>,
    /// By the sum where a bias is added, what has arrived there.
    pub(super) arrived: BTreeMap<Val, Arrived>,
    /// By primitive, the operand that changes with its shape, and the other operands: the first application of the kind.
    first: BTreeMap<(String, usize, Vec<Val>), Val>,
    /// The functions that were met: what they are made of.
    tokens: BTreeMap<(Val, usize, Form), usize>,
    /// Whether each function depends on parameters alone.
    pub(super) pure: Vec<bool>,
    /// Amounts that are zero.
    is_zero: Vec<bool>,
    /// What else is known of amounts.
    pub(super) system: System<Ratio<i64>>,
}

const ONE: Ratio<i64> = Ratio::<i64>::ONE;

impl<'a> Walk<'a> {
    /// The walk, with the equations of so many amounts, where inputs change as given.
    pub(super) fn run(known: &'a Known<'a>, inputs: BTreeMap<Val, Change>, amounts: usize) -> Self {
        let view = known.view;
        let graph = view.lines.graph;
        let mut walk = Self {
            known,
            view,
            changes: vec![Change::new(); graph.len()],
            arrived: BTreeMap::new(),
            first: BTreeMap::new(),
            tokens: BTreeMap::new(),
            pure: Vec::new(),
            is_zero: vec![false; amounts],
            system: System::default(),
        };
        for (val, change) in inputs {
            walk.changes[val.position()] = change;
        }
        for val in view.lines.vals() {
            if let Def::Apply { op, operands } = graph.def(val) {
                walk.changes[val.position()] = walk.applied(val, op, operands);
            }
        }
        walk.observe();
        let zeros = walk.is_zero.iter().enumerate().filter(|(_, is_zero)| **is_zero);
        for (amount, _) in zeros {
            walk.system.push(Sum::from([(amount, ONE)]));
        }
        walk
    }

    /// Outputs do not change, and new states as the old ones do.
    fn observe(&mut self) {
        let graph = self.view.lines.graph;
        for output in graph.outputs() {
            let mut change = self.change(output.val);
            if let Some(old) = old_state(graph, &output.name, output.val) {
                change = total(change, &self.change(old), -ONE);
            }
            self.demand(&change);
        }
    }

    /// The change of a value, as far as it is not known to be zero.
    fn change(&self, val: Val) -> Change {
        let mut change = self.changes[val.position()].clone();
        change.values_mut().for_each(|sum| *sum = self.known(std::mem::take(sum)));
        change.retain(|_, sum| !sum.is_empty());
        change
    }

    /// A sum in terms of amounts that nothing is known of.
    fn known(&self, mut sum: Sum<Ratio<i64>>) -> Sum<Ratio<i64>> {
        sum.retain(|&amount, _| !self.is_zero[amount]);
        let mut sum = self.system.reduced(sum);
        sum.retain(|&amount, _| !self.is_zero[amount]);
        sum
    }

    /// Nothing is to change.
    fn demand(&mut self, change: &Change) {
        for sum in change.values() {
            let sum = self.known(sum.clone());
            let Some((_, first)) = sum.first_key_value() else { continue };
            let equation: Sum<Ratio<i64>> =
                sum.iter().map(|(&amount, factor)| (amount, factor / first)).collect();
            if sum.len() > 1 && is_simple_sum(&equation, LARGEST_IN_EQUATIONS) {
                self.system.push(equation);
            } else {
                sum.keys().for_each(|&amount| self.is_zero[amount] = true);
            }
        }
    }

    fn applied(&mut self, val: Val, op: &Prim, operands: &[Val]) -> Change {
        let changes: Vec<Change> = operands.iter().map(|&operand| self.change(operand)).collect();
        if changes.iter().all(Change::is_empty) {
            return Change::new();
        }
        match self.passed(val, op, operands, &changes) {
            Some(change) if is_simple(&change, LARGEST) => change,
            _ => {
                changes.iter().for_each(|change| self.demand(change));
                Change::new()
            }
        }
    }

    /// The change of a result; `None` where it is not linear in what changes.
    fn passed(&mut self, val: Val, op: &Prim, operands: &[Val], changes: &[Change]) -> Option<Change> {
        let shape = |val: Val| &self.view.lines.graph.ty(val).shape;
        let own = shape(operands[0]).clone();
        match (op, changes) {
            (Prim::Add(_), [_, _]) => Some(self.added(val, changes)),
            (Prim::Subtract(_), [one, other]) => Some(total(one.clone(), other, -ONE)),
            (Prim::Negate(_), [one]) => Some(total(Change::new(), one, -ONE)),
            (Prim::Convert(_) | Prim::StopGradient(_), [one]) => Some(one.clone()),
            (Prim::Maximum(_) | Prim::Minimum(_), [one, other]) => {
                self.demand(&total(one.clone(), other, -ONE));
                Some(one.clone())
            }
            (Prim::Compare(_), [one, other]) => {
                self.demand(&total(one.clone(), other, -ONE));
                Some(Change::new())
            }
            (Prim::Transpose(_) | Prim::BroadcastInDim(_) | Prim::Reshape(_), [one]) => {
                Some(mapped(one, |form| Some((self.arranged(val, op, &own, form), ONE))))
            }
            (Prim::Slice(op), [one]) => Some(mapped(one, |form| self.sliced(val, op, &own, form))),
            (Prim::ReduceSum(op), [one]) => {
                Some(mapped(one, |form| Some(self.summed(val, &op.axes, &own, form))))
            }
            (Prim::ReduceMax(op), [one]) => {
                let (even, odd): (Change, Change) =
                    one.clone().into_iter().partition(|(form, _)| form.is_even_along(&op.axes));
                self.demand(&odd);
                Some(mapped(&even, |form| Some((without_axes(form, &op.axes), ONE))))
            }
            (Prim::Concatenate(op), _) => Some(self.concatenated(val, op.axis, operands, changes)),
            (Prim::Select(_), [condition, one, other]) => {
                condition.is_empty().then(|| self.selected(val, op, operands, [one, other]))
            }
            (Prim::Divide(_), [one, other]) => {
                self.demand(other);
                Some(self.times(val, op, operands, 0, one))
            }
            // Where both change the product of the changes is left out: amounts are small.
            (Prim::Multiply(_), [one, other]) => {
                let first = self.times(val, op, operands, 0, one);
                Some(total(first, &self.times(val, op, operands, 1, other), ONE))
            }
            (Prim::DotGeneral(dot), [one, other]) => {
                let first = self.multiplied(val, op, dot, operands, 0, one);
                Some(total(first, &self.multiplied(val, op, dot, operands, 1, other), ONE))
            }
            (Prim::Convolution(_), [one, other]) => {
                let first = self.through(val, op, operands, 0, one);
                Some(total(first, &self.through(val, op, operands, 1, other), ONE))
            }
            (Prim::Gather(gather), [one, _]) => {
                let (read, all): (Change, Change) =
                    one.clone().into_iter().partition(|(form, _)| !form.is_even_along(&[gather.axis]));
                let passed = self.through(val, op, operands, 0, &read);
                Some(total(passed, &self.read_evenly(val, gather.axis, &own, &all), ONE))
            }
            (Prim::Pad(_) | Prim::Reverse(_) | Prim::WindowSum(_), [one, rest @ ..]) => {
                let is_alone = rest.iter().all(Change::is_empty);
                is_alone.then(|| self.through(val, op, operands, 0, one))
            }
            _ => None,
        }
    }

    /// A form whose axes are put in another order, repeated, or split and put together.
    fn arranged(&mut self, val: Val, op: &Prim, shape: &Shape, form: &Form) -> Form {
        match op {
            Prim::Transpose(op) => form.with(op.permutation.iter().map(|&axis| form.along[axis]).collect()),
            Prim::BroadcastInDim(op) => {
                let mut along = vec![Along::Every; op.shape.rank()];
                op.axes.iter().zip(&form.along).for_each(|(&axis, &own)| along[axis] = own);
                form.with(along)
            }
            _ => {
                let (along, is_known) = reshaped(&form.along, shape, self.shape(val));
                if is_known { form.with(along) } else { self.function(val, 0, form, along) }
            }
        }
    }

    /// A product with, or a quotient by, what does not change.
    fn times(&mut self, val: Val, op: &Prim, operands: &[Val], position: usize, change: &Change) -> Change {
        let factor = match self.view.facts.of(operands[1 - position]) {
            Fact::Uniform(0.0) => return Change::new(),
            Fact::Uniform(number) => fraction(number),
            _ => None,
        };
        let is_quotient = matches!(op, Prim::Divide(_));
        match factor {
            Some(factor) if is_quotient => total(Change::new(), change, factor.recip()),
            Some(factor) => total(Change::new(), change, factor),
            None => self.through(val, op, operands, position, change),
        }
    }

    /// What hides a value by minus infinity leaves a change that is the same for what is hidden as it is.
    fn selected(&mut self, val: Val, op: &Prim, operands: &[Val], [one, other]: [&Change; 2]) -> Change {
        let is_hidden = |val: Val| matches!(self.view.facts.of(val), Fact::Uniform(number) if number == f64::NEG_INFINITY);
        match () {
            () if one == other || is_hidden(operands[2]) => one.clone(),
            () if is_hidden(operands[1]) => other.clone(),
            () => {
                let first = self.through(val, op, operands, 1, one);
                total(first, &self.through(val, op, operands, 2, other), ONE)
            }
        }
    }

    fn sliced(
        &mut self,
        val: Val,
        op: &graph::ops::Slice,
        shape: &Shape,
        form: &Form,
    ) -> Option<(Form, Ratio<i64>)> {
        let (mut along, mut is_known) = (form.along.clone(), true);
        for (axis, own) in along.iter_mut().enumerate() {
            let (start, limit, stride) = (op.start[axis], op.limit[axis], op.stride[axis]);
            match own {
                Along::Every => {}
                Along::Index(index) => {
                    let is_in = (start..limit).contains(index) && (*index - start).is_multiple_of(stride);
                    is_in.then(|| *index = (*index - start) / stride)?;
                }
                Along::Unknown(_) | Along::Weighed(_) if (start, limit, stride) == (0, shape[axis], 1) => {}
                Along::Unknown(_) | Along::Weighed(_) => (*own, is_known) = (Along::Unknown(0), false),
            }
        }
        let known = form.with(along.clone()).normal(self.shape(val));
        Some((if is_known { known } else { self.function(val, 0, form, along) }, ONE))
    }

    fn summed(&mut self, val: Val, axes: &[usize], shape: &Shape, form: &Form) -> (Form, Ratio<i64>) {
        let is_known =
            axes.iter().all(|&axis| !matches!(form.along[axis], Along::Unknown(_) | Along::Weighed(_)));
        let even = axes.iter().filter(|&&axis| form.along[axis] == Along::Every);
        let count: usize = even.map(|&axis| shape[axis]).product();
        let rest = without_axes(form, axes);
        let rest = if is_known { rest } else { self.function(val, 0, form, rest.along) };
        (rest, Ratio::from_integer(count as i64))
    }

    fn concatenated(&mut self, val: Val, axis: usize, operands: &[Val], changes: &[Change]) -> Change {
        let (mut all, mut offset) = (Change::new(), 0);
        for (position, (&operand, change)) in operands.iter().zip(changes).enumerate() {
            let size = self.shape(operand)[axis];
            for (form, sum) in change {
                let mut along = form.along.clone();
                let form = match along[axis] {
                    Along::Index(index) => {
                        along[axis] = Along::Index(index + offset);
                        form.with(along)
                    }
                    Along::Every if size == 1 => {
                        along[axis] = Along::Index(offset);
                        form.with(along)
                    }
                    _ => {
                        along[axis] = Along::Unknown(0);
                        self.function(val, position, form, along)
                    }
                };
                add_form(&mut all, &form.normal(self.shape(val)), sum, ONE);
            }
            offset += size;
        }
        all
    }

    /// What is read at indices from what is the same at all of them.
    fn read_evenly(&self, val: Val, axis: usize, shape: &Shape, change: &Change) -> Change {
        let behind = shape.rank() - axis - 1;
        mapped(change, |form| {
            let mut along = vec![Along::Every; self.shape(val).rank()];
            along[..axis].copy_from_slice(&form.along[..axis]);
            let from = along.len() - behind;
            along[from..].copy_from_slice(&form.along[axis + 1..]);
            Some((form.with(along), ONE))
        })
    }

    /// A result that is linear in an operand, given the others.
    pub(super) fn through(
        &mut self,
        val: Val,
        op: &Prim,
        operands: &[Val],
        position: usize,
        change: &Change,
    ) -> Change {
        let graph = self.view.lines.graph;
        let types: Vec<_> = operands.iter().map(|&operand| graph.ty(operand)).collect();
        let map = op.axes(&types, graph.ty(val));
        let sources: Vec<Source> = (0..self.shape(val).rank())
            .map(|axis| self.source(val, operands, position, &map, axis))
            .collect();
        mapped(change, |form| {
            let along = |source: &Source| match *source {
                Source::Nothing => Along::Every,
                Source::Alike(axis) => form.along[axis],
                Source::Differs(axis) => match form.along[axis] {
                    Along::Index(index) => Along::Index(index),
                    Along::Every | Along::Weighed(_) | Along::Unknown(_) => Along::Unknown(0),
                },
                Source::Other => Along::Unknown(0),
            };
            Some((self.function(val, position, form, sources.iter().map(along).collect()), ONE))
        })
    }

    /// From what a result takes its indices along an axis.
    fn source(&self, val: Val, operands: &[Val], position: usize, map: &AxisMap, axis: usize) -> Source {
        let own = Axis::result(axis);
        let size = self.shape(val)[axis];
        let ties = map.ties.iter().filter_map(|tie| match (tie.0.axis == own, tie.1.axis == own) {
            (true, _) => Some([tie.0, tie.1]),
            (_, true) => Some([tie.1, tie.0]),
            _ => None,
        });
        let (mut changing, mut differs) = (None, false);
        for [result, other] in ties {
            let Slot::Operand(operand) = other.axis.slot else { return Source::Other };
            let line = self.view.lines.of(operands[operand]).start + other.axis.axis;
            let is_whole = |run: Run, size: usize| run == Run::whole(run.axis, size);
            let other_size = self.shape(operands[operand])[other.axis.axis];
            if operand == position && is_whole(result, size) && is_whole(other, other_size) {
                changing = Some(other.axis.axis);
            } else if operand == position {
                return Source::Other;
            } else {
                differs |= !self.known.uniform[line];
            }
        }
        if map.fixed.iter().any(|run| run.axis == own) {
            return Source::Other;
        }
        match (changing, differs) {
            (Some(axis), false) => Source::Alike(axis),
            (Some(axis), true) => Source::Differs(axis),
            (None, false) => Source::Nothing,
            (None, true) => Source::Other,
        }
    }

    /// A form with the function that an application makes of an operand's form; the axes of `along` that are unknown are its own.
    fn function(&mut self, val: Val, position: usize, form: &Form, along: Vec<Along>) -> Form {
        let others = self.view.lines.graph.operands(val).iter().enumerate();
        let is_pure = self.is_pure(form)
            && others.filter(|(own, _)| *own != position).all(|(_, &other)| self.known.is_pure(other));
        self.function_of(val, position, form, along, is_pure)
    }

    /// The same where it is known whether the function depends on parameters alone.
    pub(super) fn function_of(
        &mut self,
        val: Val,
        position: usize,
        form: &Form,
        mut along: Vec<Along>,
        is_pure: bool,
    ) -> Form {
        let next = self.tokens.len() + 1;
        let first = self.first_like(val, position);
        let token = *self.tokens.entry((first, position, form.clone())).or_insert(next);
        if token == next {
            self.pure.push(is_pure);
        }
        let unknown = along.iter_mut().filter(|own| matches!(own, Along::Unknown(_)));
        unknown.enumerate().for_each(|(number, own)| *own = Along::Unknown(number));
        Form { token, along }.normal(self.shape(val))
    }

    /// The first application that does to an operand what that which defines `val` does.
    fn first_like(&mut self, val: Val, position: usize) -> Val {
        let Def::Apply { op, operands } = self.view.lines.graph.def(val) else { return val };
        let others = operands.iter().enumerate().filter(|(own, _)| *own != position).map(|(_, val)| *val);
        let kind = (format!("{op:?} of {}", self.shape(operands[position])), position, others.collect());
        *self.first.entry(kind).or_insert(val)
    }

    fn shape(&self, val: Val) -> &'a Shape {
        self.known.shape(val)
    }
}

/// From what a result takes its indices along an axis.
enum Source {
    /// From nothing: it is the same along it.
    Nothing,
    /// From an axis of the operand that changes.
    Alike(usize),
    /// From that and from others that differ along it.
    Differs(usize),
    /// In another way.
    Other,
}

fn without_axes(form: &Form, axes: &[usize]) -> Form {
    let kept = form.along.iter().enumerate().filter(|(axis, _)| !axes.contains(axis));
    form.with(kept.map(|(_, along)| *along).collect())
}

/// A number as a fraction of small integers, if it is one but for rounding: others are this far from fractions of integers below
/// 2^20 by chance once in a thousand times.
fn fraction(number: f64) -> Option<Ratio<i64>> {
    let fraction = Ratio::<i64>::approximate_float(number)?;
    let value = *fraction.numer() as f64 / *fraction.denom() as f64;
    let is_near = (value - number).abs() <= 2.0 * f64::EPSILON * number.abs();
    (number != 0.0 && is_near && is_simple_factor(&fraction, 1 << 20)).then_some(fraction)
}

/// The largest numerator and denominator that are computed with, so that products and sums do not overflow. What has larger ones is
/// taken for something that must not change.
const LARGEST: i64 = 1 << 30;

/// The largest in an equation with several amounts. Ours: elimination multiplies them many times. The amounts of others are taken to be
/// zero.
const LARGEST_IN_EQUATIONS: i64 = 1 << 10;

fn is_simple(change: &Change, largest: i64) -> bool {
    change.values().all(|sum| is_simple_sum(sum, largest))
}

fn is_simple_sum(sum: &Sum<Ratio<i64>>, largest: i64) -> bool {
    sum.values().all(|factor| is_simple_factor(factor, largest))
}

const fn is_simple_factor(factor: &Ratio<i64>, largest: i64) -> bool {
    factor.numer().abs() <= largest && *factor.denom() <= largest
}
