//! How a value changes, as a function of its indices.

use std::collections::BTreeMap;

use num_rational::Ratio;
use tensor::Shape;

use crate::scaling::{Sum, add};

/// What a change is along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Along {
    /// The same at every index.
    Every,
    /// At this index only.
    Index(usize),
    /// In proportion to the weights of that number; see [`super::sums`].
    Weighed(usize),
    /// Some function of the indices, of which this is the axis of that number.
    Unknown(usize),
}

/// A change of a value up to a factor: 1 where all indices are as said and 0 elsewhere, or a function that a token stands for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Form {
    /// The number of the function, from 1 on; 0 where there is none.
    pub(super) token: usize,
    pub(super) along: Vec<Along>,
}

impl Form {
    /// A form without a function. Along an axis of size 1 every index is the only one.
    pub(super) fn plain(along: Vec<Along>, shape: &Shape) -> Self {
        Self { token: 0, along }.normal(shape)
    }

    /// The form in which only a form without functions is written so.
    pub(super) fn normal(mut self, shape: &Shape) -> Self {
        for (along, _) in self.along.iter_mut().zip(shape.iter()).filter(|(_, size)| **size == 1) {
            *along = Along::Every;
        }
        self
    }

    /// The same with what is along each axis of another value.
    pub(super) fn with(&self, along: Vec<Along>) -> Self {
        Self { token: self.token, along }
    }

    pub(super) fn is_even_along(&self, axes: &[usize]) -> bool {
        axes.iter().all(|&axis| self.along[axis] == Along::Every)
    }
}

/// A change of a value: for each form, the factors of the unknown amounts that it has.
pub(super) type Change = BTreeMap<Form, Sum<Ratio<i64>>>;

/// Adds `factor · sum` times a form to a change.
pub(super) fn add_form(change: &mut Change, form: &Form, sum: &Sum<Ratio<i64>>, factor: Ratio<i64>) {
    let total = change.entry(form.clone()).or_default();
    sum.iter().for_each(|(&unknown, own)| add(total, unknown, own * factor));
    if total.is_empty() {
        change.remove(form);
    }
}

/// The sum of two changes, the second times a factor.
pub(super) fn total(mut one: Change, other: &Change, factor: Ratio<i64>) -> Change {
    other.iter().for_each(|(form, sum)| add_form(&mut one, form, sum, factor));
    one
}

/// A change with every form as `map` says, which may make nothing of it.
pub(super) fn mapped(change: &Change, mut map: impl FnMut(&Form) -> Option<(Form, Ratio<i64>)>) -> Change {
    let mut mapped = Change::new();
    for (form, sum) in change {
        if let Some((form, factor)) = map(form) {
            add_form(&mut mapped, &form, sum, factor);
        }
    }
    mapped
}
