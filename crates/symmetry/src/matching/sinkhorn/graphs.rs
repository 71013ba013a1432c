//! Objectives of soft permutations, as graphs.

use graph::{Builder, Graph, Role, Ty, Val, ops::DotGeneral};
use models::Model;
use optim::{Optimizer, Update};
use tensor::{DType, Shape, Tensor};

use super::Distance;
use crate::{Group, Slots, matching::midpoint::loss_between};

/// Declares the inputs that all objectives begin with: a matrix for each generator of `group` (`soft/K`), the trained
/// parameters of A (`a/NAME`), those of B (`b/NAME`). Returns the parameters of A and those of B moved by the matrices.
fn softly_moved(b: &mut Builder, group: &Group, model: &Model, dtype: DType) -> [Vec<Val>; 2] {
    let sizes = group.generators().iter().map(|generator| generator.size).enumerate();
    let soft: Vec<Val> =
        sizes.map(|(k, n)| b.parameter(format!("soft/{k}"), Ty::new(dtype, [n, n]))).collect();
    let entries = model.parameters();
    let mut declare = |side: &str| -> Vec<Val> {
        let named = entries.iter().map(|(name, shape)| (format!("{side}/{name}"), shape.clone()));
        named.map(|(name, shape)| b.parameter(name, Ty::new(dtype, shape))).collect()
    };
    let [a, still] = [declare("a"), declare("b")];
    let moved = entries.iter().zip(still).map(|((name, _), value)| {
        let actions = group.actions_on(name);
        actions.fold(value, |value, (generator, action)| {
            mix(b, soft[generator], value, action.axis, &action.slots)
        })
    });
    [a, moved.collect()]
}

/// A distance between A and the moved B. Inputs: those of all objectives; output: `distance`.
pub(super) fn distance(group: &Group, model: &Model, distance: Distance, dtype: DType) -> Graph {
    let mut b = Builder::new("soft_distance");
    let [a, p] = softly_moved(&mut b, group, model, dtype);
    let terms: Vec<Val> = a.iter().zip(&p).map(|(&a, &p)| distance.emit(&mut b, a, p)).collect();
    let count = match distance {
        Distance::Squared => model.elements(),
        Distance::Cosine => terms.len(),
    };
    let sum = terms.into_iter().reduce(|sum, term| b.add(sum, term));
    let sum = sum.unwrap_or_else(|| b.scalar(dtype, 0.0));
    let mean = b.scale(sum, 1.0 / count.max(1) as f64);
    b.output("distance", mean);
    transform::simplify(&b.finish())
}

/// The loss between A and the moved B. Inputs: those of all objectives, then those of [`loss_between`] behind the parameters;
/// output: `loss`.
pub(super) fn loss(group: &Group, model: &Model, examples: usize, dtype: DType) -> Graph {
    let between = loss_between(model, examples, dtype);
    let mut b = Builder::new("soft_loss");
    let ends = softly_moved(&mut b, group, model, dtype).concat();
    let data = between.inputs().iter().filter(|input| input.role == Role::Data);
    let data: Vec<Val> =
        data.map(|input| b.data(input.name.clone(), between.ty(input.val).clone())).collect();
    let values = b.inline(&between, &[ends, data].concat());
    b.output("loss", values[between.outputs()[0].val.position()]);
    transform::simplify(&b.finish())
}

impl Distance {
    /// What one parameter contributes.
    fn emit(self, b: &mut Builder, a: Val, p: Val) -> Val {
        let dot = |b: &mut Builder, left: Val, right: Val| {
            let product = b.multiply(left, right);
            let axes: Vec<usize> = (0..b.shape(product).rank()).collect();
            b.reduce_sum(product, &axes)
        };
        match self {
            Self::Squared => {
                let difference = b.subtract(a, p);
                dot(b, difference, difference)
            }
            Self::Cosine => {
                let [across, of_a, of_p] = [(a, p), (a, a), (p, p)].map(|(left, right)| dot(b, left, right));
                let norms = b.multiply(of_a, of_p);
                // A parameter of zeros, as biases are at first, has no direction; as published its cosine is 0.
                let least = b.splat_like(norms, LEAST_NORMS.powi(2));
                let norms = b.maximum(norms, least);
                let norms = b.sqrt(norms);
                let cosine = b.divide(across, norms);
                let one = b.splat_like(cosine, 1.0);
                b.subtract(one, cosine)
            }
        }
    }
}

/// The product of two norms below which they have no direction, as in the published code.
const LEAST_NORMS: f64 = 1e-8;

/// `value` with the slots along an axis mixed: slot `s` becomes the sum of `soft[s, t]` times slot `t`; what belongs to no slot
/// stays.
fn mix(b: &mut Builder, soft: Val, value: Val, axis: usize, slots: &Slots) -> Val {
    let shape = b.shape(value).clone();
    let size = shape[axis];
    let rest = (0..size).filter(|index| !slots.indices.contains(index));
    let order: Vec<usize> = slots.indices.iter().copied().chain(rest).collect();
    let in_order = take(b, value, axis, &order);
    let count = slots.indices.len();
    let (own, others) = if count == size {
        (in_order, None)
    } else {
        let own = b.slice_axis(in_order, axis, 0..count);
        (own, Some(b.slice_axis(in_order, axis, count..size)))
    };
    let split: Shape =
        [&shape[..axis], &[count / slots.block, slots.block], &shape[axis + 1..]].concat().into();
    let own = b.reshape(own, &split);
    let op = DotGeneral { lhs_contract: vec![1], rhs_contract: vec![axis], ..DotGeneral::default() };
    let mixed = b.dot_general(op, soft, own);
    // The slots come first in a product; they go back to their place.
    let places: Vec<usize> = (1..=axis).chain([0]).chain(axis + 1..split.rank()).collect();
    let mixed = b.transpose(mixed, &places);
    let whole: Shape = [&shape[..axis], &[count], &shape[axis + 1..]].concat().into();
    let mixed = b.reshape(mixed, &whole);
    let mixed = others.map_or(mixed, |others| b.concatenate(&[mixed, others], axis));
    let mut back = vec![0; size];
    order.iter().enumerate().for_each(|(place, &index)| back[index] = place);
    take(b, mixed, axis, &back)
}

/// `value` with the indices of an axis in this order.
fn take(b: &mut Builder, value: Val, axis: usize, order: &[usize]) -> Val {
    if order.iter().copied().eq(0..order.len()) {
        return value;
    }
    let indices = b.constant(Tensor::from_fn([order.len()], |i| order[i] as i32));
    b.gather(value, indices, axis, 0)
}

/// A step of square matrices, from which soft permutations or elements are made, in `f64`. Inputs: the matrices and the optimiser's slots for
/// them, its scalars, the gradients; outputs: the new matrices and slots.
pub(in crate::matching) fn update(sizes: &[usize], optimizer: &Optimizer) -> Graph {
    let mut b = Builder::new("soft_update");
    let declare = |b: &mut Builder, prefix: &str| -> Vec<Val> {
        let named = sizes.iter().enumerate().map(|(k, &n)| (format!("{prefix}/{k}"), Ty::f64([n, n])));
        named.map(|(name, ty)| b.parameter(name, ty)).collect()
    };
    let own = declare(&mut b, "matrix");
    let slots: Vec<Vec<Val>> = optimizer.slots().iter().map(|slot| declare(&mut b, slot)).collect();
    let scalars: Vec<Val> = optimizer.hyper_names().iter().map(|name| b.data(*name, Ty::f64([]))).collect();
    let gradients = declare(&mut b, "gradient");
    let mut updated: Vec<Vec<Val>> = vec![Vec::new(); 1 + slots.len()];
    for (k, (&parameter, &gradient)) in own.iter().zip(&gradients).enumerate() {
        let state: Vec<Val> = slots.iter().map(|slot| slot[k]).collect();
        let update = Update { parameter, gradient, curvature: None, state: &state };
        let (parameter, state) = optimizer.emit(&mut b, &scalars, update);
        for (updated, value) in updated.iter_mut().zip(std::iter::once(parameter).chain(state)) {
            updated.push(value);
        }
    }
    for (position, value) in updated.concat().into_iter().enumerate() {
        let name = b.graph().inputs()[position].name.clone();
        b.output(name, value);
    }
    transform::simplify(&b.finish())
}
