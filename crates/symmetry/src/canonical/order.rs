//! The order of slots in a canonical form.

use graph::Role;
use models::Params;

use crate::{Generator, Group, ParameterAxis};

/// From where the slots of each generator are read.
pub(super) fn order(group: &Group, params: &Params) -> Vec<Vec<u32>> {
    let is_parameter = |name: &str| {
        group.subjects().iter().any(|subject| subject.name == name && subject.role == Role::Parameter)
    };
    let of = |generator: &Generator| {
        let mut order: Vec<u32> = (0..generator.slots() as u32).collect();
        if generator.is_exchangeable {
            let mut squares = vec![Vec::new(); generator.slots()];
            for action in generator.actions.iter().filter(|action| is_parameter(&action.parameter)) {
                collect(params, action, &mut squares);
            }
            let sums: Vec<f64> = squares.into_iter().map(sum).collect();
            let sum = |slot: u32| sums[slot as usize];
            for copy in order.chunks_mut(generator.size) {
                copy.sort_by(|&one, &other| sum(other).total_cmp(&sum(one)));
            }
        }
        order
    };
    group.generators().iter().map(of).collect()
}

/// Adds the squares of what belongs to each slot along one axis.
fn collect(params: &Params, action: &ParameterAxis, squares: &mut [Vec<f64>]) {
    let Some(tensor) = params.get(&action.parameter) else { return };
    let (values, shape) = (tensor.to_f64_vec(), tensor.shape());
    let (size, inner) = (shape[action.axis], shape[action.axis + 1..].iter().product::<usize>());
    for (slot, squares) in squares.iter_mut().enumerate() {
        for &index in action.slots.slot(slot) {
            let lines = values.chunks(size * inner).map(|outer| &outer[index * inner..][..inner]);
            squares.extend(lines.flatten().map(|value| value * value));
        }
    }
}

/// The sum, the same to the bit in whatever order the numbers are.
fn sum(mut squares: Vec<f64>) -> f64 {
    squares.sort_unstable_by(f64::total_cmp);
    squares.iter().sum()
}
