//! What is known of a graph before changes are followed through it.

use std::collections::BTreeMap;

use graph::{Role, Val};
use tensor::Shape;

use super::{
    sinks::{Sink, sinks},
    sums::{ConstantSum, ConstantSums},
};
use crate::view::{View, uniform};

/// A graph's indices, sums and biases.
pub(super) struct Known<'a> {
    pub(super) view: &'a View<'a>,
    /// For each line, whether the value is the same along it.
    pub(super) uniform: Vec<bool>,
    /// For each value, whether it depends on data.
    is_data: Vec<bool>,
    pub(super) sums: ConstantSums,
    /// By the sum where each is added.
    pub(super) sinks: BTreeMap<Val, Sink>,
}

impl<'a> Known<'a> {
    pub(super) fn new(view: &'a View<'a>) -> Self {
        let lines = &view.lines;
        let data = lines.graph.inputs_with(Role::Data).map(|position| lines.graph.inputs()[position].val);
        let is_data = lines.graph.depends_on(&data.collect::<Vec<_>>());
        let uniform = uniform(lines);
        let sums = ConstantSums::new(lines, &view.facts, &uniform, &is_data);
        Self { view, uniform, is_data, sums, sinks: sinks(lines) }
    }

    pub(super) fn shape(&self, val: Val) -> &'a Shape {
        &self.view.lines.graph.ty(val).shape
    }

    /// Whether a value is made of parameters, states and constants alone.
    pub(super) fn is_pure(&self, val: Val) -> bool {
        !self.is_data[val.position()]
    }

    /// The constant sum of a value along an axis.
    pub(super) fn sum(&self, val: Val, axis: usize) -> Option<&ConstantSum> {
        self.sums.of(self.view.lines.of(val).start + axis)
    }
}
