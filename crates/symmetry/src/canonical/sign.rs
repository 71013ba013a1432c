//! The signs of a canonical form: linear equations over the field of two elements.

use std::collections::BTreeSet;

use graph::Role;
use models::Params;

use super::terms::{Power, Unknowns, axis_powers};
use crate::{Factors, Group};

/// Finds which signs change.
pub(super) fn signs(group: &Group, params: &Params) -> Vec<Factors> {
    let unknowns = Unknowns::new(group, |generator| &generator.signs);
    let mut equations = Equations::new(unknowns.count);
    for subject in group.subjects().iter().filter(|subject| subject.role == Role::Parameter) {
        let Some(tensor) = params.get(&subject.name) else { continue };
        let axes = axis_powers(group, &unknowns, &subject.name, &subject.shape, |generator| &generator.signs);
        if equations.leave_open(&axes) {
            equations.add(&tensor.to_f64_vec(), &axes);
        }
    }
    let changes = equations.solution();
    let mut factors = group.identity().factors().to_vec();
    for (position, (generator, factors)) in group.generators().iter().zip(&mut factors).enumerate() {
        for (family, own) in factors.signs.iter_mut().enumerate() {
            own.copy_from_slice(&changes[unknowns.of(generator, position, family)]);
        }
    }
    factors
}

/// A sum of unknowns that are not determined, and a constant.
#[derive(Clone, Default)]
struct Sum {
    open: BTreeSet<u32>,
    constant: bool,
}

impl Sum {
    fn add(&mut self, other: &Self) {
        other.open.iter().for_each(|&unknown| self.toggle(unknown));
        self.constant ^= other.constant;
    }

    fn toggle(&mut self, unknown: u32) {
        if !self.open.remove(&unknown) {
            self.open.insert(unknown);
        }
    }
}

/// What each unknown is by the equations so far.
struct Equations {
    values: Vec<Sum>,
}

impl Equations {
    fn new(count: usize) -> Self {
        let open = |unknown| Sum { open: BTreeSet::from([unknown]), constant: false };
        Self { values: (0..count as u32).map(open).collect() }
    }

    /// Whether signs along these axes are not determined.
    fn leave_open(&self, axes: &[Vec<Vec<Power>>]) -> bool {
        let mut powers = axes.iter().flatten().flatten();
        powers.any(|(unknown, _)| !self.values[*unknown as usize].open.is_empty())
    }

    /// Demands of the elements of a parameter, the largest first, to be positive, as far as equations before leave a choice.
    fn add(&mut self, values: &[f64], axes: &[Vec<Vec<Power>>]) {
        let mut order: Vec<usize> = (0..values.len()).filter(|&at| values[at] != 0.0).collect();
        order.sort_by(|&one, &other| values[other].abs().total_cmp(&values[one].abs()));
        for at in order {
            let mut sum = Sum { constant: values[at] < 0.0, ..Sum::default() };
            let mut left = at;
            for axis in axes.iter().rev() {
                let odd = axis[left % axis.len()].iter().filter(|(_, exponent)| exponent % 2 != 0);
                odd.for_each(|(unknown, _)| sum.add(&self.values[*unknown as usize]));
                left /= axis.len();
            }
            if self.determine(sum) && !self.leave_open(axes) {
                return;
            }
        }
    }

    /// Makes a sum zero by the last of its open unknowns; false where it has none.
    fn determine(&mut self, mut sum: Sum) -> bool {
        let Some(last) = sum.open.pop_last() else { return false };
        for value in &mut self.values {
            if value.open.remove(&last) {
                value.add(&sum);
            }
        }
        true
    }

    /// The unknowns, with zero for those that no element depends on.
    fn solution(&self) -> Vec<bool> {
        self.values.iter().map(|value| value.constant).collect()
    }
}
