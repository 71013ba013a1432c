//! Changes that biases take over, and those that constant sums read.

use graph::{Prim, Val, ops::DotGeneral};
use num_rational::Ratio;

use super::{
    form::{Along, Change, Form, add_form, total},
    sums::{ConstantSum, only_contracted},
    walk::Walk,
};
use crate::scaling::Sum;

/// What arrives at a bias.
#[derive(Default)]
pub(super) struct Arrived {
    /// What the bias takes over.
    pub(super) absorbed: Change,
    /// What it lets pass.
    pub(super) rest: Change,
}

impl Walk<'_> {
    /// The change of a sum. A bias takes over what depends on parameters alone and is the same wherever the bias is repeated: whatever
    /// its amount is there, the bias loses it. So it counts for nothing, and the bias' own change for what is added besides.
    pub(super) fn added(&mut self, val: Val, changes: &[Change]) -> Change {
        let all = || total(changes[0].clone(), &changes[1], Ratio::ONE);
        let Some(sink) = self.known.sinks.get(&val) else { return all() };
        let can_go = |form: &Form| form.is_even_along(&sink.repeated) && self.is_pure(form);
        let incoming = &changes[1 - sink.position];
        // What has constant amounts is left to be told with its amounts.
        if !incoming.keys().any(|form| form.token > 0 && can_go(form)) {
            return all();
        }
        let (absorbed, rest): (Change, Change) =
            incoming.clone().into_iter().partition(|(form, _)| can_go(form));
        let passed = total(changes[sink.position].clone(), &rest, Ratio::ONE);
        self.arrived.insert(val, Arrived { absorbed, rest });
        passed
    }

    /// Whether a form is a function of parameters alone.
    pub(super) fn is_pure(&self, form: &Form) -> bool {
        form.token == 0 || self.pure[form.token - 1]
    }

    /// The constant sum by which a product reads a change of one operand, if it does.
    pub(super) fn constant_sum(
        &self,
        op: &DotGeneral,
        operands: &[Val],
        position: usize,
        form: &Form,
    ) -> Option<&ConstantSum> {
        let axes = only_contracted(op)?;
        let sum = self.known.sum(operands[1 - position], axes[1 - position])?;
        let is_read = match form.along[axes[position]] {
            Along::Every => sum.weights.is_empty(),
            Along::Weighed(number) => self.known.sums.weights(number) == sum.weights,
            Along::Index(_) | Along::Unknown(_) => false,
        };
        is_read.then_some(sum)
    }

    /// What a product makes of a change of one operand.
    pub(super) fn multiplied(
        &mut self,
        val: Val,
        op: &Prim,
        dot: &DotGeneral,
        operands: &[Val],
        position: usize,
        change: &Change,
    ) -> Change {
        let (read, others): (Change, Change) = change
            .clone()
            .into_iter()
            .partition(|(form, _)| self.constant_sum(dot, operands, position, form).is_some());
        let mut passed = self.through(val, op, operands, position, &others);
        for (form, sum) in &read {
            self.read(val, dot, operands, position, form, sum, &mut passed);
        }
        passed
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "an application, one of its operands, and a term of its change"
    )]
    fn read(
        &mut self,
        val: Val,
        op: &DotGeneral,
        operands: &[Val],
        position: usize,
        form: &Form,
        sum: &Sum<Ratio<i64>>,
        passed: &mut Change,
    ) {
        let number = self.constant_sum(op, operands, position, form).and_then(ConstantSum::number);
        let along =
            axes_of_result(op, self.known.shape(operands[0]).rank(), self.known.shape(operands[1]).rank());
        let along: Vec<Along> = along
            .into_iter()
            .map(|own| own[position].map_or(Along::Every, |axis| form.along[axis]))
            .collect();
        let form = match number {
            Some(0.0) => return,
            Some(1.0) => form.with(along).normal(self.known.shape(val)),
            _ => {
                let is_pure = self.is_pure(form);
                self.function_of(val, position, form, along, is_pure)
            }
        };
        add_form(passed, &form, sum, Ratio::ONE);
    }
}

/// For each axis of a product, the axis of each operand that it is.
pub(super) fn axes_of_result(op: &DotGeneral, lhs_rank: usize, rhs_rank: usize) -> Vec<[Option<usize>; 2]> {
    let batch = op.lhs_batch.iter().zip(&op.rhs_batch).map(|(&lhs, &rhs)| [Some(lhs), Some(rhs)]);
    let lhs = op.lhs_free(lhs_rank).into_iter().map(|axis| [Some(axis), None]);
    let rhs = op.rhs_free(rhs_rank).into_iter().map(|axis| [None, Some(axis)]);
    batch.chain(lhs).chain(rhs).collect()
}
